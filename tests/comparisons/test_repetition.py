"""One grid run twice from nothing, for real, and how far its times moved."""

import pytest

from harness.comparisons.repetition import latency_moves, repeated_runs
from harness.console.progress import ConsoleProgress
from harness.discovery.loading import discover
from harness.measuring.stopping import StoppingRule
from harness.training.recipe import Recipe
from tests.doubles import made_row


@pytest.mark.long(20)
def test_two_runs_prune_alike_and_are_timed_apart(tmp_path):
    first, second = repeated_runs(
        discover(),
        tmp_path,
        model="test_resnet",
        backend="eager_cpu",
        progress=ConsoleProgress,
        seeds="0",
        recipe=Recipe(dense_epochs=0.2, finetune_epochs=0.1),
        stopping_rule=StoppingRule(least=1, most=1, seconds=0.0),
    )
    assert len(first) == len(second) == 1 + 7 * 3
    for one, other in zip(first, second, strict=True):
        assert one["key"] == other["key"]
        assert one["correct"] == other["correct"]
        assert one["latency_ms"] != other["latency_ms"]
    assert len(latency_moves(first, second)) == len(first)


def test_a_move_is_that_of_the_ratio_to_dense():
    slow_day = made_row(latency_ms=12.0, dense_latency_ms=20.0)
    moved = made_row(latency_ms=6.6, dense_latency_ms=10.0)
    assert latency_moves([made_row()], [slow_day]) == [pytest.approx(0.0)]
    assert latency_moves([made_row()], [moved]) == [pytest.approx(0.1)]
