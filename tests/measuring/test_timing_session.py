"""Sessions: dense timed once for many, repeated where disturbed, taken apart where a process dies."""

import io
from dataclasses import replace

import numpy as np
import pytest

from harness.engines.engine import Outcome
from harness.machine.clock import Limits
from harness.machine.time_breakdown import TimeBreakdown
from harness.measuring.session_plan import plan_sessions
from harness.measuring.stopping import StoppingRule, stop_reason
from harness.measuring.timing_results import (
    COPY,
    DENSE,
    ProcessTiming,
    TimingResults,
    is_disturbed,
    raw_samples,
)
from harness.measuring.timing_scheduler import TimingScheduler
from harness.measuring.timing_session import batches_of
from harness.planning.grid import Cell
from harness.trials.level_result import LevelResult
from harness_plugins.backends.eager import EagerCpu
from harness_plugins.pruners.random import Random
from tests.doubles import DiesOnSmallModels, Notes, local_engine, run_trial


def cell(subject, level, backend):
    return Cell(
        subject=subject,
        sparsity=level.sparsity,
        backend=backend,
        batch=1,
        settings={"device": "none", "threads": 1, "backend": backend.name},
        key=f"{subject.key}@{level.sparsity}",
    )


@pytest.fixture
def session(trial, trained):
    """Plan a session for owed cells of dense and of two trials, one of which has lost channels."""

    def planned(backend):
        cut = replace(trial, granularity="channel", pruner=Random(), scope="local")
        dense = LevelResult(sparsity=0.0, status="ok", snapshot=trial.dense.key)
        levels = {trial.dense: [dense]} | {own: list(run_trial(own, trained)) for own in (trial, cut)}
        ready = [(cell(s, level, backend), level) for s, found in levels.items() for level in found]
        return plan_sessions(ready, store=trained, limits=Limits(seconds=0.0))

    return planned


def test_snapshots_of_all_trials_share_a_session(session):
    [only] = session(EagerCpu())
    assert len(only.items) == 5
    assert next(iter(only.job.snapshots)) == DENSE
    assert len(only.job.snapshots) == 5


def test_batch_sizes_of_items_are_put_together(session):
    [only] = session(EagerCpu())
    eight = replace(only.items[0], batches=(8,))
    assert batches_of([*only.items, eight]) == (1, 8)
    assert batches_of([]) == ()


def test_a_session_holds_no_more_than_fits(session, monkeypatch):
    monkeypatch.setattr("harness.measuring.session_plan.MAX_MODELS", 2)
    sessions = session(EagerCpu())
    assert sum(len(one.items) for one in sessions) == 5
    assert all(DENSE in one.job.snapshots for one in sessions)
    assert max(len({level.snapshot for _, level in one.origins}) for one in sessions) == 2


def test_a_process_that_dies_costs_only_the_trial_that_kills_it(session, tmp_path):
    [whole] = session(DiesOnSmallModels())
    engine = local_engine(tmp_path, workers=1)
    time_breakdown = TimeBreakdown()
    scheduler = TimingScheduler(
        engine=engine,
        stopping_rule=StoppingRule(least=1, most=1),
        observer=Notes(),
        time_breakdown=time_breakdown,
    )
    outcomes = {one.origins[0][0].subject.label: outcome for one, outcome in scheduler.measure(whole)}
    assert {label: outcome.failure for label, outcome in outcomes.items() if outcome.failure} == {
        "residual_network random channel one_shot seed 0": "its process ended with exit code 9"
    }
    results = [outcome.value for outcome in outcomes.values() if outcome.value]
    assert len(results) == 2
    seconds = sum(timing.seconds for result in results for timing in result.timings)
    # A session that the machine disturbed was timed twice.
    assert time_breakdown.seconds["timing"] > 0.999 * seconds


def timing(*, copy: float, seed: int = 0) -> ProcessTiming:
    """Dense takes 10 ms, its copy `copy`; both with a little noise."""
    random = np.random.default_rng(seed)
    samples = {n: list(random.normal(ms, 0.05, 20)) for n, ms in ((DENSE, 10.0), (COPY, copy))}
    return ProcessTiming(samples={1: samples})


@pytest.mark.parametrize(
    ("copies", "expected"),
    [((10.0, 10.0, 10.0), False), ((10.1, 9.8, 10.2), False), ((8.0, 8.0, 8.0), True)],
)
def test_a_copy_that_surely_stands_out_means_disturbance(copies, expected):
    assert is_disturbed([timing(copy=ms, seed=n) for n, ms in enumerate(copies)]) is expected


def test_a_batch_size_that_one_process_lacks_is_passed_over():
    lacking = ProcessTiming(failures={1: {DENSE: "no memory"}})
    assert not is_disturbed([timing(copy=8.0), lacking, timing(copy=8.0)])


class Recording:
    """An engine whose processes have already run: it hands out recorded timings one by one."""

    def __init__(self, timings):
        self.timings = list(timings)

    def run(self, function, jobs, *, watching, slots, expected=0):
        for label in jobs:
            yield label, Outcome(value=self.timings.pop(0))


@pytest.mark.parametrize(("second", "steady"), [([10.0] * 4, True), ([8.0] * 4, False)])
def test_a_disturbed_session_is_repeated_once(session, second, steady):
    recorded = [timing(copy=ms, seed=n) for n, ms in enumerate([8.0] * 4 + second)]
    engine, notes = Recording(recorded), Notes()
    [only] = session(EagerCpu())
    scheduler = TimingScheduler(engine=engine, stopping_rule=StoppingRule(seconds=0.0), observer=notes)
    [(_, outcome)] = scheduler.measure(only)
    assert outcome.value.steady is steady
    assert engine.timings == []
    assert any("stands out; timed again" in note for note in notes.notes)


def timings(count, *, spread):
    """Processes whose copy of dense is off by a normal `spread` ms, of 10 ms."""
    offsets = np.random.default_rng(1).normal(0, spread, count)
    return [timing(copy=10.0 + offset, seed=n) for n, offset in enumerate(offsets)]


def processes_until_enough(spread, **settings):
    """How many processes a session takes that costs a second each, and what ended it."""
    stopping_rule = StoppingRule(**{"seconds": 1e9} | settings)
    recorded = timings(200, spread=spread)
    for count in range(1, 201):
        stop = stop_reason(recorded[:count], stopping_rule=stopping_rule, seconds=count)
        if stop:
            return count, stop
    raise AssertionError("no end")


def test_processes_are_added_until_the_savings_are_known_well_enough():
    assert processes_until_enough(0.01) == (4, "precise")
    count, stop = processes_until_enough(0.2)
    assert stop == "precise"
    # Placement of 2 % needs about (1.96 * 2 % / 1 %)^2 processes.
    assert 8 <= count <= 30


def test_a_session_ends_at_its_cap_on_time_though_never_before_the_least():
    assert processes_until_enough(1.0, seconds=5) == (5, "time")
    assert processes_until_enough(1.0, seconds=0) == (4, "time")


def test_a_session_ends_at_its_most_processes():
    assert processes_until_enough(1.0, least=1, most=1) == (1, "processes")


def test_a_session_ends_where_more_processes_no_longer_help():
    calm, wild = timings(10, spread=0.2), timings(10, spread=5.0)
    assert stop_reason([*calm, *wild], stopping_rule=StoppingRule(seconds=1e9), seconds=0) == "plateau"


def test_raw_samples_are_kept_whole():
    results = TimingResults(timings=(timing(copy=10.0), timing(copy=9.0)))
    archive = np.load(io.BytesIO(raw_samples(results)))
    assert len(archive.files) == 4
    assert archive[f"1/{COPY}/1"].tolist() == results.timings[1].samples[1][COPY]
