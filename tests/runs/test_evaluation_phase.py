"""Whole runs on backends that are simulated or compute in fewer bits."""

import json

import pandas as pd
import pytest

from harness.engines.pool import WorkerPool
from harness.machine.time_breakdown import TimeBreakdown
from harness.planning.grid import Cell
from harness.runs._evaluation_phase import evaluate
from harness.trials.level_result import LevelResult
from tests.doubles import Notes, Nowhere, Wrong, local_engine

RUN = (
    "run", "--seeds", "0", "--target", "params",
    "--models", "test_resnet", "--pruners", "magnitude_l2", "--granularities", "weight",
    "--levels", "0.9", "--dense-epochs", "1", "--finetune-epochs", "0", "--timing-seconds", "0",
    "--quick",
    "--backends", "eager_cpu:bf16,ethos_u55", "--batch-sizes", "1,4",
)  # fmt: skip


@pytest.fixture
def table(command, tmp_path):
    done = command(*RUN, "--out", "out")
    assert done.returncode == 0, done.stderr
    frame = pd.read_parquet(tmp_path / "out" / "table.parquet")
    page = (tmp_path / "out" / "leaderboard.md").read_text()
    rows = [json.loads(line) for line in (tmp_path / "out" / "rows.jsonl").read_text().splitlines()]
    return frame, page, rows


def test_rows_of_simulators_and_of_reduced_precision(table, command, tmp_path):
    frame, page, rows = table
    small = frame[frame.batch == 1].set_index(["backend", "pruner"])
    halves, chip = small.loc["eager_cpu:bf16"], small.loc["ethos_u55"]

    # A simulator's time has no spread, is that of no process, and tells what the device needs.
    assert chip.rounds.isna().all()
    assert chip.processes.isna().all()
    assert (chip.latency_low_ms == chip.latency_high_ms).all()
    assert chip.loc["magnitude_l2", "latency_ms"] < chip.loc["dense", "latency_ms"]
    assert chip.loc["dense", "ms_saved"] == 0.0
    assert not chip.loc["dense", "saves_time"]
    assert (chip.cycles > 0).all()
    assert (chip.flash_mb > 0).all()
    assert (chip.operators_elsewhere == 0).all()
    assert chip.energy_source.eq("").all()
    assert chip.energy_reason.str.len().gt(0).all()
    assert "Times are a simulator's" in page

    # What has fewer bits is judged by its own outputs, against dense in the same bits.
    for found in (halves, chip):
        own, dense = found.loc["magnitude_l2"], found.loc["dense"]
        assert own.retained == pytest.approx(own.top1_backend / dense.top1_backend)
        assert own.dense_top1_backend == dense.top1_backend
    assert "Accuracy is of this backend's own outputs" in page
    [bits] = {
        row["dense_correct"] for row in rows if row["backend"] == "ethos_u55" and row["batch"] == 1
    }
    assert bits != ""

    # The device runs one image at a time; the other backend does not care.
    large = frame[frame.batch == 4].set_index("backend")
    assert large.loc["eager_cpu:bf16"].status.eq("ok").all()
    assert large.loc["ethos_u55"].reason.eq("ethos_u55 runs no more than 1 at a time").all()

    # What a simulator said is not asked again; a busy machine may owe times of the other backend.
    assert command(*RUN, "--out", "out").returncode == 0
    lines = (tmp_path / "out" / "rows.jsonl").read_text().splitlines()
    assert sum('"backend": "ethos_u55"' in line for line in lines) == 4


def ready(dense, backend):
    """The dense model's own cell on a backend, ready to be timed."""
    cell = Cell(subject=dense, sparsity=0.0, backend=backend, batch=1, settings={"threads": 1}, key="k")
    return cell, LevelResult(sparsity=0.0, status="ok", snapshot=dense.key)


def test_only_backends_with_something_to_tell_are_asked_and_failures_are_told(dense, trained, tmp_path):
    notes = Notes()
    pool = WorkerPool(engine=local_engine(tmp_path), observer=notes, time_breakdown=TimeBreakdown())
    cells = [ready(dense, backend) for backend in (Nowhere(), Wrong())]
    found = evaluate(cells, pool=pool, store=trained)
    assert set(found.by_snapshot) == {(dense.key, "wrong")}
    [(plain, _), (wrong, _)] = cells
    assert found.failure(dense.key, plain) == ""
    assert "outputs differ from PyTorch's" in found.failure(dense.key, wrong)
    assert notes.notes[0] == "inspecting: 1"
