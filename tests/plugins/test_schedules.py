"""Schedules are data: rounds that rise to the target and spend the budget exactly."""

import pytest

from harness.errors import HarnessError
from harness_plugins.schedules.at_init import RigL
from harness_plugins.schedules.gradual import Cubic, Linear, cubic
from harness_plugins.schedules.iterative import Iterative
from harness_plugins.schedules.lottery import Lottery
from harness_plugins.schedules.one_shot import OneShot
from harness_plugins.schedules.scratch import Scratch


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


def test_the_cubic_of_the_worked_example():
    assert cubic(0.1, 0.85, 0.25) == pytest.approx(0.53359, abs=1e-5)


def test_gradual_schedules_take_their_rounds_in_equal_shares():
    assert [r.sparsity for r in Linear().configured("2").rounds(0.8)] == pytest.approx([0.4, 0.8])
    rounds = Cubic().configured("4").rounds(0.8)
    assert [r.sparsity for r in rounds] == pytest.approx([0.4625, 0.7, 0.7875, 0.8])
    assert [r.share for r in rounds] == [0.25] * 4


def test_a_ticket_loses_a_fifth_a_round_and_lands_on_its_target():
    rounds = Lottery().rounds(0.9)
    assert [r.sparsity for r in rounds[:2]] == pytest.approx([0.2, 0.36])
    assert (len(rounds), rounds[-1].sparsity, rounds[-1].rewind) == (11, 0.9, 0.0)
    full = Lottery().configured("0.05+full").rounds(0.5)
    assert {(r.rewind, r.rate, r.dense_share) for r in full} == {(0.05, 0.05, 1.0)}


def test_only_the_controls_last_round_is_redrawn():
    ticket = Lottery().configured("0.05")
    *early, last = ticket.control.rounds(0.5)
    assert early == list(ticket.rounds(0.5))[:-1]
    assert (last.redraw, last.rewind, last.rate) == (True, None, 0.0)


def test_rigl_takes_the_published_settings():
    [turn] = RigL().rounds(0.9)
    assert (turn.regrowth.drop, turn.regrowth.every, turn.regrowth.until) == (0.3, 100, 0.75)
    assert (RigL().starts_at, turn.dense_share, turn.rate) == (0.0, 1.0, 0.0)


def test_from_scratch_the_pruned_architecture_trains_as_long_as_dense_and_fine_tuning_together():
    [turn] = Scratch().rounds(0.7)
    assert (turn.redraw, turn.rewind, turn.share, turn.dense_share, turn.rate) == (True, None, 1, 1, 0)
