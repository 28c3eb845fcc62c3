"""The timing phase: sessions of the cells that training and evaluation left to time."""

from harness.discovery.loading import discover
from harness.engines.engine import Outcome
from harness.engines.pool import WorkerPool
from harness.machine.time_breakdown import TimeBreakdown
from harness.measuring.stopping import StoppingRule
from harness.planning.grid import Cell
from harness.runs._timing_phase import time_cells
from harness.runs.execution import Execution
from harness.training.synthetic import residual_network
from harness.trials.level_result import LevelResult
from harness.trials.snapshot import save_snapshot

EAGER = discover().configured("backend", "eager_cpu", None)


class Observer:
    """Remembers phases."""

    def __init__(self):
        self.phases = []

    def phase(self, name, units):
        self.phases.append((name, units))

    def running(self, labels):
        pass


class Dying:
    """An engine whose processes all die; it remembers what they were to do."""

    def __init__(self):
        self.jobs = []

    def devices(self, slots):
        return 1

    def run(self, function, jobs, *, watching, slots, expected=0):
        for label, job in jobs.items():
            self.jobs.append((job, slots[label]))
            yield label, Outcome(failure="its process ended with exit code 9")


def test_a_session_is_timed_as_its_cells_and_the_run_say(trial, store):
    save_snapshot(
        store,
        trial.dense.key,
        residual_network(),
        model=trial.dense.model,
        dataset=trial.dense.dataset,
        history=[],
        train_seconds=0.0,
    )
    settings = {"threads": 3}
    cell = Cell(subject=trial.dense, sparsity=0.0, backend=EAGER, batch=4, settings=settings, key="k")
    level = LevelResult(sparsity=0.0, status="ok", snapshot=trial.dense.key)
    engine, observer = Dying(), Observer()
    pool = WorkerPool(engine=engine, observer=observer, time_breakdown=TimeBreakdown())
    rule = StoppingRule.to_precision(0.003, seconds=0.5)
    execution = Execution(workers=1, time_limit=60, stopping_rule=rule, cores=(0,))
    sessions = time_cells([(cell, level)], pool=pool, store=store, execution=execution)
    [(session, outcome)] = sessions
    assert session.origins == [(cell, level)]
    assert outcome.failure == "its process ended with exit code 9"
    assert observer.phases == [("timing", 1)]
    [(job, slot)] = engine.jobs
    assert (job.threads, job.cores, job.batches, job.limits) == (3, (0,), (4,), rule.limits)
    assert (job.limits.precision, job.limits.seconds) == (0.003, 0.5)
    assert slot.exclusive
