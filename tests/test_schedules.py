"""Schedules are data: rounds that rise to the target and spend the budget exactly."""

import pytest

from harness.errors import HarnessError
from harness_plugins.schedules.iterative import Iterative
from harness_plugins.schedules.one_shot import OneShot


def test_one_shot_is_one_round():
    assert [(r.sparsity, r.share) for r in OneShot().rounds(0.7)] == [(0.7, 1.0)]


def test_twenty_percent_a_round_lands_exactly_on_the_target():
    rounds = Iterative().configured("20%").rounds(0.9)
    assert len(rounds) == 11
    assert [r.sparsity for r in rounds[:2]] == pytest.approx([0.2, 0.36])
    assert rounds[-1].sparsity == 0.9


@pytest.mark.parametrize("target", [0.1, 0.5, 0.95, 0.98, 0.999])
@pytest.mark.parametrize("fraction", ["0.1", "0.5"])
def test_every_target_costs_the_same(target, fraction):
    rounds = Iterative().configured(fraction).rounds(target)
    assert sum(r.share for r in rounds) == pytest.approx(1.0)
    assert all(r.share > 0 for r in rounds)
    sparsities = [r.sparsity for r in rounds]
    assert sparsities == sorted(sparsities)
    assert sparsities[-1] == target


def test_levels_share_their_early_rounds():
    near, far = Iterative().rounds(0.95), Iterative().rounds(0.98)
    assert near[:4] == far[:4]


@pytest.mark.parametrize("wrong", ["1.5", "0", "half", "-20%"])
def test_a_wrong_fraction_is_named(wrong):
    with pytest.raises(HarnessError, match=f"not '{wrong}'"):
        Iterative().configured(wrong)
