"""What is left over is told, and nothing that lives or that a row needs."""

import os
import shutil
import socket
import tempfile
import time
from pathlib import Path

import pytest

from harness.storage.leftovers import DAY, cache_leftovers, remove, run_leftovers, temporary_leftovers
from harness.storage.run_folder import RunFolder
from tests.doubles import ROOT


@pytest.fixture
def run(tmp_path):
    """A copy of a published run with the models behind its rows."""
    return RunFolder(shutil.copytree(ROOT / "results" / "regression", tmp_path / "run"))


def test_models_of_rows_dense_models_and_records_always_stay(run):
    needed = {run.snapshot(row) for row in run.rows if row["status"] == "ok"}
    left = {leftover.path for leftover in run_leftovers(run)}
    assert left
    assert left.isdisjoint(needed)
    assert not any("-dense-" in path.name or path.suffix == ".json" for path in left)
    assert all(path.name.startswith(("scores-", "squared_", "layers-")) for path in left)


def test_a_model_of_no_row_and_what_a_killed_process_left_are_told(run):
    ok = next(row for row in run.rows if row["status"] == "ok" and row["pruner"] == "obd")
    lines = run.path.joinpath("rows.jsonl").read_text().splitlines(keepends=True)
    run.path.joinpath("rows.jsonl").write_text(
        "".join(line for line in lines if ok["trial"] not in line)
    )
    (run.store.root / ".tmp-abc").mkdir()
    (run.path / ".tmp-report").write_text("half")
    (run.store.root / "damaged").mkdir()
    fewer = RunFolder(run.path)
    left = {leftover.path: leftover.what for leftover in run_leftovers(fewer)}
    assert left[run.snapshot(ok)] == "a model between rounds, or of no row"
    assert left[run.store.root / ".tmp-abc"] == left[run.path / ".tmp-report"]
    assert left[run.store.root / "damaged"] == "set aside, as it was damaged"


def test_caches_go_by_when_they_were_last_used(tmp_path, monkeypatch):
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path))
    for name, days in (("old", 40), ("new", 1)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "images").write_bytes(b"x" * 2_000_000)
        then = time.time() - days * DAY
        os.utime(tmp_path / name / "images", (then, then))
    [leftover] = cache_leftovers(days=30)
    assert leftover.path.name == "old"
    assert leftover.megabytes == pytest.approx(2.0)
    assert "last used 40 days ago" in leftover.what
    remove(leftover)
    assert [path.name for path in tmp_path.iterdir()] == ["new"]


def test_a_folder_of_temporary_files_goes_when_nobody_listens_there(monkeypatch):
    # Where sockets may lie: their paths are short.
    with tempfile.TemporaryDirectory(prefix="h-", dir="/tmp") as folder:
        monkeypatch.setattr(tempfile, "tempdir", folder)
        living, dead, new = (Path(folder) / f"pymp-{name}" for name in ("living", "dead", "new"))
        for path in (living, dead, new):
            path.mkdir()
        with socket.socket(socket.AF_UNIX) as alive, socket.socket(socket.AF_UNIX) as gone:
            for server, path in ((alive, living), (gone, dead)):
                server.bind(str(path / "listener"))
                server.listen()
            gone.close()
            assert [leftover.path.name for leftover in temporary_leftovers()] == ["pymp-dead"]
