"""Intervals on noise whose truth is known: they hold it as often as they say."""

import numpy as np
import pytest
from scipy.stats import bootstrap

from harness.ranking.intervals import (
    Estimate,
    mean_of_medians,
    median_absolute_deviation,
    percentile,
    process_weights,
    saving,
)


def measured(*, truth, processes=3, rounds=30, placement=0.0, noise=0.05, seed=0):
    """Samples whose processes differ by `placement` and whose rounds by `noise`."""
    random = np.random.default_rng(seed)
    levels = truth + random.normal(0, placement, processes)
    return [list(level + random.normal(0, noise, rounds)) for level in levels]


def coverage(**settings):
    found = [mean_of_medians(measured(truth=1.0, seed=seed, **settings)) for seed in range(200)]
    return np.mean([estimate.low <= 1.0 <= estimate.high for estimate in found])


@pytest.mark.parametrize(
    "settings",
    [
        {"processes": 1},
        {"processes": 3},
        {"processes": 3, "placement": 0.05},
        {"processes": 3, "placement": 0.5},
        {"processes": 8, "placement": 0.5},
    ],
)
def test_a_95_percent_interval_holds_the_truth_nineteen_times_in_twenty(settings):
    # Of 200 draws, 0.92 to 0.98 is what chance leaves of 0.95.
    assert 0.92 <= coverage(**settings) <= 0.985


def bootstrapped(samples):
    """The 95 % interval by drawing processes with replacement, as scipy does it."""
    medians = np.array([np.median(process) for process in samples])
    found = bootstrap((medians,), np.mean, n_resamples=500, method="percentile", rng=0)
    return found.confidence_interval


def test_a_bootstrap_of_three_processes_promises_too_much():
    """Why the interval is Student's: drawing three processes again misses the truth far too often."""
    found = [bootstrapped(measured(truth=1.0, placement=0.5, seed=seed)) for seed in range(200)]
    assert np.mean([interval.low <= 1.0 <= interval.high for interval in found]) < 0.85


def test_a_bootstrap_of_many_processes_says_the_same():
    samples = measured(truth=1.0, placement=0.5, processes=60)
    ours, theirs = mean_of_medians(samples), bootstrapped(samples)
    assert ours.high - ours.low == pytest.approx(theirs.high - theirs.low, rel=0.1)


def test_rounds_alone_do_not_see_that_processes_differ():
    """Why one process is not a measurement: its interval misses most of the time."""
    one = [mean_of_medians(measured(truth=1.0, placement=0.5, seed=s)[:1]) for s in range(100)]
    assert np.mean([estimate.low <= 1.0 <= estimate.high for estimate in one]) < 0.3


def test_the_same_model_rarely_saves_time():
    significant = 0
    for seed in range(200):
        dense = measured(truth=10.0, placement=0.2, seed=2 * seed)
        again = measured(truth=10.0, placement=0.2, seed=2 * seed + 1)
        significant += saving(dense, again).low > 0.0
    assert significant <= 10


def test_a_saving_is_found_in_spite_of_drift_that_hits_both():
    drift = np.linspace(0, 5, 30)
    dense = [list(np.array(s) + drift) for s in measured(truth=10.0)]
    pruned = [list(np.array(s) + drift) for s in measured(truth=9.7, seed=1)]
    found = saving(dense, pruned)
    assert found.low < 0.3 < found.high
    assert found.low > 0.1


def test_a_step_half_way_moves_both_and_not_the_saving():
    step = np.where(np.arange(30) < 15, 0.0, 4.0)
    dense = [list(np.array(s) + step) for s in measured(truth=10.0)]
    pruned = [list(np.array(s) + step) for s in measured(truth=9.0, seed=1)]
    assert saving(dense, pruned).value == pytest.approx(1.0, abs=0.1)


def slowed(samples, *, slower):
    """The samples of processes that are slower as a whole, as beside a busy neighbour."""
    return [[time * by for time in times] for times, by in zip(samples, slower, strict=True)]


@pytest.mark.parametrize("processes", [3, 8])
def test_a_process_that_is_slower_as_a_whole_widens_times_and_not_savings(processes):
    held, widths = [], []
    for seed in range(200):
        slower = np.random.default_rng(seed).lognormal(0.0, 0.15, processes)
        dense = slowed(
            measured(truth=10.0, placement=0.1, processes=processes, seed=2 * seed), slower=slower
        )
        pruned = slowed(
            measured(truth=7.0, placement=0.1, processes=processes, seed=2 * seed + 1), slower=slower
        )
        saved, time = saving(dense, pruned), mean_of_medians(dense)
        held.append(saved.low <= 0.3 * time.value <= saved.high)
        widths.append((saved.high - saved.low) / (time.high - time.low))
    assert 0.92 <= np.mean(held) <= 0.985
    assert np.median(widths) < 0.15


def test_a_faster_process_says_the_same_fraction():
    dense, pruned = [[10.0] * 5, [5.0] * 5], [[6.0] * 5, [3.0] * 5]
    assert saving(dense, pruned) == Estimate(value=3.0, low=3.0, high=3.0, error=0.0)


def test_bursts_do_not_move_the_median_and_are_not_dropped():
    times = [1.0] * 50 + [100.0] * 5
    assert mean_of_medians([times]).value == 1.0
    assert percentile(times + [1.0] * 20, 0.9) == 1.0
    assert max(times) == 100.0


def test_an_estimate_of_equal_samples_has_no_width():
    assert mean_of_medians([[2.0] * 20] * 3) == Estimate(value=2.0, low=2.0, high=2.0, error=0.0)


def test_estimates_repeat():
    assert mean_of_medians(measured(truth=5.0)) == mean_of_medians(measured(truth=5.0))


def test_the_deviation_is_within_processes():
    assert median_absolute_deviation([[1.0, 2.0, 3.0], [11.0, 12.0, 13.0]]) == 1.0


@pytest.mark.parametrize(("level", "least"), [(0.90, 64), (0.99, 662)])
def test_a_percentile_needs_enough_samples(level, least):
    assert percentile([1.0] * (least - 1), level) is None
    assert percentile([1.0] * least, level) == 1.0


def test_processes_of_one_round_have_an_interval_too():
    found = mean_of_medians([[1.0], [1.1], [0.9]])
    assert found.low < 1.0 < found.high


def disturbed_session(seed, *, processes):
    """Three models in turn; in every third process the machine is busy, five times as noisy."""
    random = np.random.default_rng(seed)
    noise = [0.5 if process % 3 == 0 else 0.1 for process in range(processes)]
    placed = random.normal(10.0, 0.05, (processes, 3))
    return [
        [list(level + random.normal(0, noise[process], 9)) for level in placed[process]]
        for process in range(processes)
    ]


@pytest.mark.parametrize("processes", [3, 6, 20])
def test_quiet_processes_say_more_and_the_interval_still_holds_the_truth(processes):
    sessions = [disturbed_session(seed, processes=processes) for seed in range(200)]

    def savings(weigh):
        for models in sessions:
            weights = process_weights(models) if weigh else None
            yield saving([m[0] for m in models], [m[1] for m in models], weights)

    weighed, plain = list(savings(weigh=True)), list(savings(weigh=False))
    assert np.mean([found.low <= 0.0 <= found.high for found in weighed]) >= 0.92
    errors = [np.std([found.value for found in each]) for each in (weighed, plain)]
    assert errors[0] < 0.8 * errors[1]


def test_processes_that_are_alike_weigh_alike():
    models = [[[1.0, 2.0, 4.0]], [[2.0, 4.0, 8.0]], [[10.0, 20.0, 40.0]]]
    assert process_weights(models) == pytest.approx([0.5] * 3)
    samples = [model[0] for model in models]
    one, two = mean_of_medians(samples), mean_of_medians(samples, process_weights(models))
    assert (two.value, two.low, two.high, two.error) == pytest.approx(
        (one.value, one.low, one.high, one.error)
    )


def test_no_process_outweighs_a_typical_one_by_more_than_two():
    quiet, typical, busy = [10.0] * 9, [9.0, 10.0, 11.0] * 3, [5.0, 10.0, 15.0] * 3
    weights = process_weights([[quiet], [typical], [typical], [busy]])
    assert weights == pytest.approx([1.0, 0.5, 0.5, 1 / 26])
    assert process_weights([[quiet], [quiet]]) == [1.0, 1.0]
