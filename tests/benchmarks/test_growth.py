"""A grid of 100,000 cells: planned, resumed and reported from recorded rows, without any training."""

import re
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from harness.console._reports import write_reports
from harness.discovery.loading import discover
from harness.measuring.row_builder import empty_row
from harness.planning.plan import Plan, make_plan
from harness.ranking.leaderboard import RankedRows
from harness.runs.request import Request
from harness.storage.bits import encode_bits
from harness.storage.ledger import ROWS, Ledger
from harness.storage.row import Row
from harness.storage.row_line import row_line
from harness.training.recipe import Recipe

CELLS = 100_000
GIGABYTE = 1_000_000
"""In the unit that the system counts memory in, 1024 bytes."""
STATUS = Path("/proc/self/status")
PEAK = (
    f"from harness.commands.cli import cli; cli(standalone_mode=False); print(open('{STATUS}').read())"
)
"""The command, and then its own peak: what the system tells a parent counts the parent's memory too."""
IMAGES = 597
AXES = {
    "models": "resnet18,resnet26,resnet34,resnet50",
    "levels": "0.2,0.5,0.8,0.9,0.95,0.98",
    "seeds": "0,1,2,3,4,5,6,7,8,9",
    "batch_sizes": "1,8,16,32,64",
}


def plan(rows) -> Plan:
    whole = {
        "dataset": "digits", "pruners": "all", "granularities": "all", "scope": "published",
        "schedules": "one_shot", "backends": "eager_cpu,onnxruntime_cpu", "threads": 1,
    }  # fmt: skip
    return make_plan(Request(**whole, **AXES, recipe=Recipe()).grid(discover()), rows)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A run folder that holds a row of every cell."""
    place = tmp_path_factory.mktemp("grown")
    rng = np.random.default_rng(0)
    with (place / ROWS).open("wb") as file:
        for cell in plan([]).cells:
            row = empty_row(cell, "skipped", cell.impossible) if cell.impossible else made(cell, rng)
            file.write(row_line(asdict(row)))
    return place


def made(cell, rng) -> Row:
    top1, saved = 0.99 - 0.1 * cell.sparsity * rng.random(), 3.0 * cell.sparsity * rng.random()
    measured = {
        "status": "ok", "top1": top1, "dense_top1": 0.99, "retained": top1 / 0.99, "images": IMAGES,
        "correct": encode_bits(rng.random(IMAGES) < top1), "latency_ms": 5.0 - saved,
        "dense_correct": encode_bits(rng.random(IMAGES) < 0.99), "dense_latency_ms": 5.0,
        "ms_saved": saved, "ms_saved_low": saved - 0.3, "ms_saved_high": saved + 0.3,
        "saves_time": saved > 0.3, "processes": 3, "rounds": 100, "steady": True, "fps": 200.0,
        "macs": 10**7, "dense_macs": 2 * 10**7, "params_nonzero": 10**6, "size_mb": 4.0,
    }  # fmt: skip
    return Row(**{**asdict(Row()), **cell.settings, **measured, "key": cell.key})


def test_planning_100_000_cells(timed):
    assert len(timed(lambda: plan([]).pending, rounds=3)) > CELLS


def test_resuming_100_000_cells(timed, folder):
    assert timed(lambda: plan(Ledger(folder).rows()), rounds=3).pending == ()


def test_reporting_100_000_cells(timed, folder):
    reporters = discover().choose("reporter", "all")

    def report():
        return write_reports(folder, RankedRows(Ledger(folder).rows()), reporters)

    written, problems = timed(report, rounds=1)
    assert problems == []
    assert {path.name for path in written} >= {"leaderboard.md", "table.csv", "leaderboard.csv"}


@pytest.mark.skipif(not STATUS.is_file(), reason="this system does not tell how much memory was used")
def test_a_plan_of_100_000_cells_takes_less_than_a_gigabyte(folder):
    options = [f"--{name.replace('_', '-')}={value}" for name, value in AXES.items()]
    command = [sys.executable, "-c", PEAK, "run", *options, "--out", str(folder), "--dry-run"]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "0 cells are owed" in told
    [kilobytes] = re.findall(r"VmHWM:\s+(\d+) kB", told)
    assert int(kilobytes) < GIGABYTE
