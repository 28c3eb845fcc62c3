"""The clock on machines whose behaviour is known: a fake clock, synthetic noise, no real durations."""

import gc

import numpy as np
import pytest

from harness.machine import clock as stopwatch
from harness.machine.clock import Limits, interleave, widest_saving


class Machine:
    """A clock that only runs advance: each takes its own time, times drift, plus noise."""

    def __init__(self, times, *, noise=0.0, drift=0.0, seed=0):
        self.now = 0.0
        self.calls = []
        self._times, self._noise, self._drift = times, noise, drift
        self._random = np.random.default_rng(seed)

    def clock(self) -> int:
        return round(self.now * 1e6)

    def runs(self, inputs=1):
        return {n: [lambda n=n, i=i: self.run(n, i) for i in range(inputs)] for n in self._times}

    def run(self, name, place):
        self.calls.append((name, place))
        slower = 1.0 + self._drift * len(self.calls)
        self.now += self._times[name] * slower + abs(self._random.normal(0, self._noise))

    def session(self, *, inputs=1, **limits):
        given = Limits(**{"precision": 0.0, "seconds": 1.0} | limits)
        return interleave(self.runs(inputs), reference="dense", limits=given, seed=0, clock=self.clock)


def test_every_round_times_every_model_once_in_changing_order():
    machine = Machine({"dense": 5.0, "a": 4.0, "b": 3.0})
    session = machine.session(seconds=0.0)
    assert {len(times) for times in session.samples.values()} == {stopwatch.MIN_ROUNDS}
    order = [name for name, _ in machine.calls]
    rounds = [tuple(order[place : place + 3]) for place in range(0, len(order), 3)]
    assert all(sorted(one) == ["a", "b", "dense"] for one in rounds)
    assert len(set(rounds)) > 1


def test_a_sample_is_the_time_of_one_run():
    session = Machine({"dense": 5.0, "a": 2.5}).session()
    assert set(session.samples["a"]) == {2.5}
    assert set(session.samples["dense"]) == {5.0}


def test_warm_up_ends_when_blocks_stop_improving():
    machine = Machine({"dense": 5.0})
    machine._times = Warming()
    session = machine.session()
    assert session.warmup_rounds == 11
    assert set(session.samples["dense"]) == {5.0}


class Warming(dict):
    """A model whose first eight runs get faster and faster."""

    def __init__(self):
        super().__init__(dense=5.0)
        self.count = 0

    def __getitem__(self, name):
        self.count += 1
        return 5.0 * max(1.0, 9.0 - self.count)


def test_runs_shorter_than_a_millisecond_are_repeated_within_a_sample():
    session = Machine({"dense": 5.0, "short": 0.01}).session()
    assert session.repeats == {"dense": 1, "short": 100}
    assert session.samples["short"][0] == pytest.approx(0.01)


def test_inputs_take_turns():
    machine = Machine({"dense": 5.0, "short": 0.5})
    machine.session(inputs=4)
    for name in ("dense", "short"):
        slots = [place for called, place in machine.calls if called == name]
        assert [slots.count(place) for place in range(4)] == pytest.approx([len(slots) / 4] * 4, abs=3)


def test_sampling_stops_when_the_savings_are_known_well_enough():
    session = Machine({"dense": 5.0, "a": 4.0}, noise=0.1).session(precision=0.01, seconds=1e9)
    assert session.stopped == "precise"
    assert widest_saving(session.samples, "dense") <= 0.01
    assert len(session.samples["dense"]) < stopwatch.MAX_ROUNDS


def test_sampling_stops_when_more_rounds_no_longer_help():
    machine = Machine({"dense": 5.0, "a": 4.0}, noise=0.01)
    machine._random = Worsening()
    assert machine.session(seconds=1e9).stopped == "plateau"


class Worsening:
    """Noise that grows as fast as rounds would average it out."""

    def __init__(self):
        self._random, self._count = np.random.default_rng(0), 0

    def normal(self, _mean, _width):
        self._count += 1
        return self._random.normal(0, 0.01 * self._count)


def test_noise_that_rounds_average_out_is_no_plateau():
    for seed in range(5):
        machine = Machine({"dense": 5.0, "a": 4.0}, noise=0.5, seed=seed)
        assert machine.session(seconds=1e9).stopped == "rounds"


def test_sampling_stops_at_its_cap_on_time():
    session = Machine({"dense": 5.0, "a": 4.0}, noise=1.0).session(precision=1e-6, seconds=0.5)
    assert session.stopped == "time"
    assert len(session.samples["dense"]) == pytest.approx(500 / 10, abs=15)


def test_a_run_that_raises_leaves_the_garbage_collector_on():
    with pytest.raises(ZeroDivisionError):
        interleave({"dense": [lambda: 1 / 0]}, reference="dense", limits=Limits(), seed=0)
    assert gc.isenabled()


def test_drift_hits_all_alike_and_leaves_the_saving():
    samples = Machine({"dense": 5.0, "a": 4.0}, drift=2e-2).session().samples
    savings = np.array(samples["dense"]) / np.array(samples["a"])
    assert samples["dense"][-1] > 1.2 * samples["dense"][0]
    assert np.median(savings) == pytest.approx(1.25, rel=0.05)
