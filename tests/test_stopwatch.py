"""The clock's statistics on noise whose truth is known; nothing here asserts a real duration."""

from itertools import count

import numpy as np
import pytest

from harness import stopwatch
from harness.stopwatch import interleave, median, saving


def noisy(level, *, drift=0.0, rounds=100, seed=0):
    generator = np.random.default_rng(seed)
    return level + drift * np.arange(rounds) / rounds + generator.normal(0, 0.05, rounds)


def test_every_round_times_every_model_once_in_changing_order():
    calls = []
    runs = {name: (lambda name=name: calls.append(name)) for name in "abc"}
    samples = interleave(runs, seconds=0.0, seed=0)
    assert {len(times) for times in samples.values()} == {stopwatch.MIN_ROUNDS}
    timed = calls[3 * stopwatch.WARMUP_ROUNDS :]
    rounds = [tuple(timed[place : place + 3]) for place in range(0, len(timed), 3)]
    assert all(sorted(one) == ["a", "b", "c"] for one in rounds)
    assert len(set(rounds)) > 1


def test_a_sample_is_the_time_between_two_readings_of_the_clock(monkeypatch):
    readings = count(step=2_500_000)
    monkeypatch.setattr(stopwatch.time, "perf_counter_ns", lambda: next(readings))
    samples = interleave({"a": lambda: None}, seconds=0.0, seed=0)
    assert set(samples["a"]) == {2.5}


def test_rounds_stop_at_the_cap_however_much_time_is_left():
    samples = interleave({"a": lambda: None}, seconds=1e9, seed=0)
    assert len(samples["a"]) == stopwatch.MAX_ROUNDS


def test_a_run_that_raises_leaves_the_garbage_collector_on():
    import gc

    runs = iter([None] * stopwatch.WARMUP_ROUNDS)
    with pytest.raises(StopIteration):
        interleave({"a": lambda: next(runs)}, seconds=0.0, seed=0)
    assert gc.isenabled()


def test_a_saving_is_found_in_spite_of_drift_that_hits_both():
    dense, pruned = noisy(10.0, drift=5.0), noisy(9.7, drift=5.0, seed=1)
    found = saving(list(dense), list(pruned))
    assert found.low < 0.3 < found.high
    assert found.low > 0.1


def test_the_same_model_saves_nothing_in_nine_of_ten_sessions():
    significant = 0
    for seed in range(40):
        found = saving(list(noisy(10.0, seed=2 * seed)), list(noisy(10.0, seed=2 * seed + 1)))
        significant += found.low > 0.0
    assert significant <= 4


def test_one_burst_does_not_move_the_median():
    times = [1.0] * 50 + [100.0]
    assert median(times).value == 1.0


def test_an_estimate_of_equal_samples_has_no_width():
    assert median([2.0] * 20) == stopwatch.Estimate(value=2.0, low=2.0, high=2.0, error=0.0)


def test_estimates_repeat():
    assert median(list(noisy(5.0))) == median(list(noisy(5.0)))
