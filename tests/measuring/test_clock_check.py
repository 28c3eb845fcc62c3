"""The clock's own experiments: their arithmetic on made-up times, and one real session."""

from dataclasses import replace

import numpy as np
import pytest

from harness.discovery.loading import discover
from harness.machine.clock import Limits
from harness.measuring.clock_check import COPIES, SLOWED_COPIES, TWINS, clock_check, copy_session
from harness.measuring.timing_process import time_snapshots
from harness.storage.artifacts import ArtifactStore
from tests.doubles import MADE_MS, made_session


def proof(count, **settings):
    sessions = [made_session(seed=seed, **settings) for seed in range(count)]
    return clock_check(sessions, [0.03 * MADE_MS] * count)


def test_a_clock_without_noise_finds_what_was_injected():
    found = proof(2)
    assert len(found.same) == 2 * COPIES
    assert found.judged_slower == len(found.injected) == 2 * SLOWED_COPIES
    assert found.errors == pytest.approx([0.0] * 2 * SLOWED_COPIES, abs=0.002)


def test_placement_is_not_taken_for_a_saving_and_processes_average_it_out():
    found = proof(12, placement=0.015)
    assert len(found.same) >= 200
    assert found.false_savings <= 0.05 * len(found.same)
    assert found.judged_slower >= 0.95 * len(found.injected)
    assert np.mean(np.abs(found.errors) <= 0.01) >= 0.9
    # Two placements are in a ratio; sixteen processes leave a quarter of it.
    assert np.std(found.process_moves) == pytest.approx(0.015 * 2**0.5, rel=0.1)
    assert np.std(found.session_moves) == pytest.approx(0.015 * 2**0.5 / 4, rel=0.2)


def test_twins_with_other_weights_are_held_against_copies():
    assert len(proof(3).twins) == 3 * TWINS
    assert proof(12, placement=0.015).differing_twins <= 0.05 * 12 * TWINS + 2


def test_nothing_injected_is_nothing_found_and_an_error_as_large():
    found = proof(10, slower=0.0, placement=0.005)
    assert found.judged_slower <= 0.05 * len(found.injected) + 2
    assert np.mean(found.errors) == pytest.approx(-0.03, abs=0.003)


@pytest.mark.parametrize("name", ["eager_cpu", "onnxruntime_cpu"])
def test_a_real_session_loads_copies_as_any_snapshot_and_slows_some(name, tmp_path):
    catalogue = discover()
    [model] = catalogue.choose_models("test_resnet")
    backend = catalogue.configured("backend", name, None)
    session = copy_session(backend, model, ArtifactStore(tmp_path), injected=0.5, seed=0)
    timing = time_snapshots(replace(session.job, limits=Limits(seconds=0.2)))
    assert timing.failures == {1: {}}
    assert len(timing.samples[1]) == COPIES + SLOWED_COPIES + TWINS + 2
    twins = {session.job.snapshots[f"twin {k}"] for k in range(TWINS)}
    assert len(twins) == TWINS
    assert session.job.snapshots["copy 0"] not in twins
    extra = session.origins[0].nanoseconds / 1e6
    for k in range(SLOWED_COPIES):
        # Whatever the machine does meanwhile, no run can be shorter than the time it spins.
        assert min(timing.samples[1][f"slowed {k}"]) > extra > 0
