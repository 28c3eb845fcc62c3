"""Kept models of two runs timed again: which sessions, how they split, and what they say."""

from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest

from harness.comparisons._pair_losses import measure_pairs, verdict_convergence
from harness.comparisons.remeasurement import Remeasurement
from harness.discovery.loading import discover
from harness.engines.engine import Outcome
from harness.errors import HarnessError
from harness.measuring.stopping import StoppingRule
from harness.measuring.timing_results import COPY, ProcessTiming
from harness.measuring.timing_scheduler import TimingScheduler
from harness.ranking.pairs import pairs
from harness.storage.keys import dense_key, level_key
from harness.storage.run_folder import RunFolder
from tests.doubles import Notes, made_row

RULE = StoppingRule(least=3, most=3, seconds=0.0)


def rows(trials=("first", "second"), batches=(1,)):
    return [
        made_row(
            key=f"{trial} {batch}", trial=trial, pruner=trial, batch=batch, data_hash="d", threads=2,
            dataset_hash="d", model_hash="m",
        )
        for trial in trials
        for batch in batches
    ]  # fmt: skip


def kept_run(path, ledger):
    """A run folder that keeps the models of these rows, which nothing looks into."""
    folder = RunFolder(path)
    for row in ledger:
        (folder.store.root / dense_key({**row, "pruner": "dense"})).mkdir(parents=True, exist_ok=True)
        (folder.store.root / f"model-{row['trial']}").mkdir(exist_ok=True)
        record = {"snapshot": f"model-{row['trial']}"}
        folder.store.write_record(level_key(row["trial"], row["sparsity"]), record)
    return folder


def remeasurement(tmp_path, ledger):
    return Remeasurement(
        base=kept_run(tmp_path / "base", ledger),
        new=kept_run(tmp_path / "new", ledger),
        catalogue=discover(),
        base_backends={},
        stopping_rule=RULE,
        tolerance=0.05,
    )


class DyingWithMany:
    """An engine whose processes die of more than two pruned models; newer ones are `slower`."""

    def __init__(self, slower):
        self.slower = slower

    def run(self, function, jobs, *, watching, slots, expected=0):
        for label, job in jobs.items():
            if len(job.snapshots) > 4:
                yield label, Outcome(failure="its process ended with exit code 9")
            else:
                yield label, Outcome(value=self.timing(job))

    def timing(self, job):
        random = np.random.default_rng(job.seed)
        names = [*job.snapshots, COPY]
        ms = {name: 10.0 * self.slower if name.startswith("new ") else 10.0 for name in names}
        samples = {name: list(random.normal(ms[name], 0.01, 20)) for name in names}
        return ProcessTiming(samples=dict.fromkeys(job.batches, samples))


def test_pairs_share_a_session_at_all_batch_sizes_on_the_threads_of_their_rows(tmp_path):
    ledger = rows(batches=(1, 8))
    [session] = remeasurement(tmp_path, ledger).sessions(pairs(ledger, ledger))
    assert len(session.items) == 4
    assert len(session.job.snapshots) == 2 + 2 * 2
    assert (session.job.batches, session.job.threads) == ((1, 8), 2)
    assert session.label == "resnet18 on eager_cpu, batch 1, 8: base and new"


@pytest.mark.parametrize(("backend", "timed"), [("eager_cpu", 1), ("sparse_cpu", 3)])
def test_pairs_of_the_same_two_architectures_are_timed_once(tmp_path, backend, timed):
    ledger = [
        {**row, "architecture": "wide", "backend": backend}
        for row in rows(trials=("first", "second", "third"))
    ]
    [session] = remeasurement(tmp_path, ledger).sessions(pairs(ledger, ledger))
    scheduler = TimingScheduler(engine=DyingWithMany(1.2), stopping_rule=RULE, observer=Notes())
    remeasured = list(measure_pairs(session, scheduler))

    assert len(session.job.snapshots) == 2 + 2 * timed
    assert [pair.base["key"] for pair in remeasured] == ["first 1", "second 1", "third 1"]
    assert all(pair.loss.value == pytest.approx(0.2, abs=0.01) for pair in remeasured)


def test_models_that_a_run_timed_each_for_itself_are_again(tmp_path):
    ledger = [
        {**row, "architecture": "wide", "latency_ms": 10.0 + number}
        for number, row in enumerate(rows(trials=("first", "second", "third")))
    ]
    [session] = remeasurement(tmp_path, ledger).sessions(pairs(ledger, ledger))
    assert len(session.job.snapshots) == 2 + 2 * 3


@pytest.mark.parametrize("slower", [1.0, 1.2])
def test_where_a_process_dies_each_pair_is_timed_and_judged_by_itself(tmp_path, slower):
    ledger = rows()
    [session] = remeasurement(tmp_path, ledger).sessions(pairs(ledger, ledger))
    observer = Notes()
    scheduler = TimingScheduler(
        engine=DyingWithMany(slower),
        stopping_rule=RULE,
        observer=observer,
        convergence=partial(verdict_convergence, tolerance=0.05),
    )
    remeasured = list(measure_pairs(session, scheduler))
    assert [pair.base["key"] for pair in remeasured] == ["first 1", "second 1"]
    for pair in remeasured:
        assert pair.loss.value == pytest.approx(slower - 1.0, abs=0.01)
    assert sum("3 processes in 0 s (precise)" in note for note in observer.notes) == 2


def test_runs_that_keep_no_models_in_common_cannot_be_timed_again(tmp_path):
    ledger = rows()
    measurement = remeasurement(tmp_path, [])
    with pytest.raises(HarnessError, match="keep none that pair up"):
        measurement.measure(pairs(ledger, ledger), lambda _: SimpleNamespace())
