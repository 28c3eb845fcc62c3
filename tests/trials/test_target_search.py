"""Levels of what only measuring tells: searched, met as nearly as can be, or refused."""

from dataclasses import replace
from functools import partial

import pytest
from torch import nn

from harness.errors import UnsupportedError
from harness.machine.clock import interleave
from harness.networks.layers import prunable_weights
from harness.pruning.removal import Removal
from harness.trials import target_search
from harness.trials.target import Target
from harness.trials.target_search import MAX_SPARSITY, least_removal
from harness_plugins.pruners.taylor import Taylor
from tests.doubles import Nowhere, run_trial


class Network(nn.Module):
    """A network of which a removal left this much."""

    def __init__(self, asked):
        super().__init__()
        self.asked = asked


class Tried:
    """Removes any sparsity up to `most`, and remembers which were asked for."""

    def __init__(self, most=1.0):
        self.asked = []
        self.most = most

    def __call__(self, level):
        self.asked.append(level)
        if level > self.most:
            raise UnsupportedError("more than can leave")
        return Removal(scoring=None, model=Network(level), keep={}, reduction="")


def found(choose, level, cost, *, first=None):
    left = lambda model: cost(model.asked)  # noqa: E731 -- said where it is used
    removal = least_removal(choose, level, left=left, first=first or level, of="time")
    return removal.model.asked


def test_what_falls_as_fast_as_sparsity_rises_is_met_in_two_tries():
    choose = Tried()
    assert found(choose, 0.5, lambda asked: 1 - asked + 0.01) == pytest.approx(0.51, abs=0.01)
    assert len(choose.asked) == 2


@pytest.mark.parametrize("first", [0.5, MAX_SPARSITY])
def test_where_cost_falls_in_steps_the_lowest_that_suffices_is_found(first):
    steps = lambda asked: 1.0 if asked < 0.72 else 0.4  # noqa: E731 -- said where it is used
    assert found(Tried(), 0.5, steps, first=first) == pytest.approx(0.72, abs=0.02)


def test_what_cannot_be_removed_is_no_obstacle_to_removing_less():
    choose = Tried(most=0.8)
    assert found(choose, 0.7, lambda asked: 1 - asked, first=MAX_SPARSITY) == pytest.approx(
        0.7, abs=0.011
    )


def test_where_the_most_does_not_suffice_nothing_else_is_tried():
    choose = Tried()
    with pytest.raises(UnsupportedError, match=r"97\.0% of dense time is left"):
        found(choose, 0.5, lambda _: 0.97, first=MAX_SPARSITY)
    assert choose.asked == [MAX_SPARSITY]


def test_where_nothing_suffices_it_says_what_was_reached():
    with pytest.raises(UnsupportedError, match=r"60\.0% of dense time is left, whatever"):
        found(Tried(most=0.5), 0.5, lambda asked: max(0.6, 1 - asked))


def test_where_nothing_can_leave_it_says_why():
    with pytest.raises(UnsupportedError, match="more than can leave"):
        found(Tried(most=-1), 0.5, lambda _: 1.0)


class Counting(Nowhere):
    """Takes a microsecond of its own clock for each prunable weight that is not zero."""

    name = "counting"

    def __init__(self):
        self.now = 0

    def clock(self):
        return self.now

    def prepare(self, model, example):
        count = sum(int(weight.count_nonzero()) for weight in prunable_weights(model).values())

        def run(images):
            self.now += 1000 * count
            return images

        return run


@pytest.mark.parametrize(("granularity", "scope"), [("channel", "local"), ("weight", "global")])
def test_a_level_of_latency_is_searched_on_the_backends_clock(
    trial, trained, granularity, scope, monkeypatch
):
    backend = Counting()
    monkeypatch.setattr(target_search, "interleave", partial(interleave, clock=backend.clock))
    trial = replace(
        trial,
        target=Target(quantity="latency", backend=backend, facts=backend.describe()),
        pruner=Taylor(),
        granularity=granularity,
        scope=scope,
        levels=(0.5,),
    )
    [level] = run_trial(trial, trained)
    assert level.reason == ""
    assert level.target_reached == pytest.approx(level.sparsity_reached)
    # A channel of the small network is several per cent of it.
    assert 0.5 <= level.target_reached <= (0.51 if granularity == "weight" else 0.6)
    steps = [step.split(":") for step in level.facts.search.split()]
    assert float(steps[0][0]) == MAX_SPARSITY
    assert f"{level.target_reached:.3g}" in [saved for _, saved in steps]
