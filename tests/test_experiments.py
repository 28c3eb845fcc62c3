"""The clock's own experiments: their arithmetic on made-up times, and one real session."""

import numpy as np
import pytest

from harness.discovery import discover
from harness.experiments import COPIES, ClockJob, proof_of, time_copies
from harness.stopwatch import Limits


def process(*, slower, placement=0.0, noise=0.01, rounds=30, seed=0):
    """Copies of a 10 ms model that differ by `placement`, and the same made `slower`."""
    random = np.random.default_rng(seed)
    samples = {}
    for k in range(COPIES):
        level = 10.0 * (1.0 + random.normal(0, placement))
        samples[f"copy {k}"] = list(level + random.normal(0, noise, rounds))
        samples[f"slowed {k}"] = list(level * (1.0 + slower) + random.normal(0, noise, rounds))
    return samples


def test_a_clock_without_noise_finds_what_was_injected():
    found = proof_of([process(slower=0.03, seed=n) for n in range(6)], size=3)
    assert len(found.same) == 2 * COPIES // 2
    assert len(found.injected) == found.found_slower == 2 * COPIES
    assert found.estimates == pytest.approx([0.03] * 2 * COPIES, abs=0.002)


def test_placement_is_not_taken_for_a_saving():
    found = proof_of([process(slower=0.03, placement=0.02, seed=n) for n in range(75)], size=3)
    assert len(found.same) == 200
    assert found.false_savings <= 10
    assert found.found_slower == len(found.injected), "the same copy, slowed, lies in the same place"
    assert np.std(found.moves) == pytest.approx(0.02, rel=0.2)


def test_nothing_injected_is_nothing_found():
    found = proof_of([process(slower=0.0, noise=0.2, seed=n) for n in range(30)], size=3)
    assert found.found_slower <= 0.05 * len(found.injected)


def test_a_real_process_times_every_copy_twice():
    catalogue = discover()
    [model] = catalogue.choose_models("test_resnet")
    job = ClockJob(
        backend=catalogue.configured("backend", "eager_cpu", None),
        model=model,
        injected=0.03,
        limits=Limits(seconds=0.0),
        seed=0,
    )
    samples = time_copies(job)
    names = {f"{kind} {k}" for kind in ("copy", "slowed") for k in range(COPIES)}
    assert set(samples) == names
    assert all(time > 0 for times in samples.values() for time in times)
