"""Two runs held against each other: pairs, verdicts, what vanished, and how far rankings agree."""

from pathlib import Path

import numpy as np
import pytest

from harness.comparisons.comparison import Comparison, RemeasuredPair
from harness.comparisons.verdicts import TOLERANCES, Loss
from harness.ranking.pairs import pairs
from harness.storage.bits import encode_bits
from harness.storage.run_folder import RunFolder
from tests.doubles import made_row


def findings(base, new, *, remeasured=None):
    """Verdicts of rows that nothing was kept of, by metric."""
    sides = [RunFolder(Path("nowhere")), RunFolder(Path("nowhere"))]
    for side, rows in zip(sides, (base, new), strict=True):
        side.__dict__["_ledger"] = (rows, [])
    compared = Comparison(
        base=sides[0],
        new=sides[1],
        pairs=pairs(base, new),
        tolerances=TOLERANCES,
        remeasured=remeasured or {},
    )
    return {(f.metric, f.verdict, f.decides) for f in compared.verdicts(catalogue=None)}


def row(**columns):
    return made_row(**{"trial": "t", "dataset_hash": "a", "model_hash": "b"} | columns)


def test_rows_pair_up_by_what_was_asked_for_whatever_code_and_machine_they_come_from():
    base = row(key="k1", pruner_hash="old", device="this", runtime="torch 2.14")
    new = row(key="k2", pruner_hash="new", device="that", runtime="torch 2.15")
    [pair] = pairs([base], [new])
    assert pair.both == (base, new)
    assert pair.label == (
        "resnet18 group_norm_l2 channel local one_shot eager_cpu, level 0.5, batch 1, seed 0"
    )


@pytest.mark.parametrize("column", ["sparsity", "batch", "seed", "threads", "finetune_epochs"])
def test_another_setting_is_another_row(column):
    assert [pair.both for pair in pairs([row()], [row(**{column: 9})])] == [None, None]


def test_rows_of_other_inputs_are_no_pair_unless_one_does_not_say():
    said = {"input_size": 224, "crop_pct": 0.875, "mean": "0.5 0.5 0.5"}
    for new, paired in ((said, True), (said | {"mean": "0 0 0"}, False), ({"input_size": None}, True)):
        first, *_ = pairs([made_row(**said)], [made_row(**new)])
        assert (first.new is not None) == paired, new


def test_a_missing_row_vanished_and_a_failing_one_is_broken():
    [gone] = pairs([row()], [])
    [broken] = pairs([row()], [row(status="failed", reason="it exploded")])
    assert (gone.vanished, gone.broken) == (True, False)
    assert (broken.vanished, broken.broken) == (False, True)
    [failed_before] = pairs([row(status="failed")], [])
    assert not failed_before.vanished


def test_a_run_is_the_same_as_itself():
    found = findings([row()], [row()])
    assert {(metric, verdict) for metric, verdict, _ in found} >= {
        ("accuracy", "same"),
        ("latency", "same"),
        ("size", "same"),
        ("masks", "no data"),
    }


def test_lost_accuracy_and_a_larger_file_decide():
    worse = row(correct=encode_bits(np.arange(100) < 60), top1=0.6, size_mb=12.0)
    found = findings([row()], [worse])
    assert ("accuracy", "worse", True) in found
    assert ("size", "worse", True) in found


def test_a_latency_of_another_session_is_reported_and_decides_nothing():
    slower = row(latency_ms=9.0, latency_low_ms=8.9, latency_high_ms=9.1, ms_saved=1.0)
    found = findings([row()], [slower])
    assert ("latency", "worse", False) in found
    assert {decides for metric, _, decides in found if metric == "score"} == {False}


def test_a_latency_measured_again_in_one_session_decides():
    base, new = row(), row(latency_ms=9.0)
    again = RemeasuredPair(loss=Loss(value=0.5, low=0.4, high=0.6), base=base, new=new)
    found = findings([base], [new], remeasured={base["key"]: again})
    assert ("latency", "worse", True) in found
    assert {decides for metric, _, decides in found if metric == "score"} == {True}


def test_a_score_that_falls_for_a_time_that_is_no_other_is_no_certain_loss():
    """Beside busy neighbours a saving is not certain any more, and the score is nothing."""
    base = row()
    new = row(saves_time=False, retained_per_ms_saved=None, noise_ms=5.0)
    for loss, said in (
        (Loss(value=0.0, low=-0.3, high=0.3), "ambiguous"),
        (Loss(value=0.4, low=0.3, high=0.5), "worse"),
    ):
        again = RemeasuredPair(loss=loss, base=base, new=new)
        found = findings([base], [new], remeasured={base["key"]: again})
        assert ("score", said, True) in found
