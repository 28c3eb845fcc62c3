"""Whole runs on real digits, as a user would type them: results, resuming, failures, two at once."""

import json
import os
import re
import shutil
import signal
import subprocess
from collections import Counter
from dataclasses import replace
from types import SimpleNamespace

import pandas as pd
import pytest
from pluggy import PluginManager

from harness.discovery.catalogue import Catalogue
from harness.machine.device import Device
from harness.measuring.stopping import StoppingRule
from harness.planning.grid import Cell
from harness.runs.execution import Execution
from harness.runs.runner import Runner, clear
from harness.storage.ledger import Ledger
from harness.storage.run_folder import RunFolder
from tests.doubles import PLUGIN, Notes, Nowhere, program, refusal, started, until

# One process makes the finished run for all of these.
pytestmark = [pytest.mark.xdist_group("finished run"), pytest.mark.long(150)]

SMALL = (
    "--seeds", "0", "--target", "params",
    "--models", "test_resnet", "--pruners", "taylor,random", "--levels", "0.5,0.9",
    "--schedules", "one_shot", "--dense-epochs", "1", "--finetune-epochs", "0.2",
    "--arithmetic", "fp32",
    "--timing-seconds", "0", "--quick", "--batch-sizes", "1,8", "--out", "results/small",
)  # fmt: skip


FEW = (*SMALL, "--pruners", "random", "--granularities", "channel")
"""A third of it, since what is given last counts."""


def lines_in(path):
    return path.read_bytes().count(b"\n") if path.is_file() else 0


def rows_in(folder):
    return [json.loads(line) for line in (folder / "rows.jsonl").read_text().splitlines()]


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """A finished small run, made once in a process of its own: where, and what it printed. To read."""
    place = tmp_path_factory.mktemp("finished")
    first = done = started(place, "run", *SMALL)
    rows = place / "results" / "small" / "rows.jsonl"
    for _ in range(2):
        lines = rows.read_text().splitlines(keepends=True)
        steady = [line for line in lines if json.loads(line)["steady"]]
        # On a busy machine a session may be left unsteady, and is then owed again.
        if len(steady) < len(lines):
            rows.write_text("".join(steady))
            done = started(place, "run", *SMALL)
    return place, SimpleNamespace(
        returncode=done.returncode, stdout=done.stdout, stderr=first.stderr + done.stderr
    )


@pytest.fixture
def copied(finished, tmp_path):
    """Where a copy of the finished run is, to go on with."""
    return shutil.copytree(finished[0], tmp_path, dirs_exist_ok=True)


def test_a_run_ends_with_a_ranking_for_every_backend(finished):
    _, done = finished
    assert done.returncode == 0, done.stderr
    for backend in ("eager_cpu", "onnxruntime_cpu"):
        assert f"test_resnet on digits, {backend}, batch 1, 1 thread" in done.stdout
    assert "taylor" in done.stdout
    assert "Dense: top-1" in done.stdout


def test_what_is_timed_first_is_shown_before_the_rest_is(finished):
    _, done = finished
    assert "Provisional: 1 of 2 backends (eager_cpu), 18 of 36 rows." in done.stderr
    assert "Provisional" not in done.stdout


def test_every_cell_has_one_row_with_every_metric(finished):
    rows = rows_in(finished[0] / "results" / "small")
    assert len(rows) == len({row["key"] for row in rows}) == (1 + 2 * 2 * 2) * 2 * 2
    assert {row["status"] for row in rows} == {"ok"}
    for row in rows:
        empty = {name for name, value in row.items() if value in (None, "")}
        allowed = {
            "reason",
            "retained_per_ms_saved",
            "weights",
            "clock",
            "arithmetic",
            "rival",
            "keep",
            "only",
            "search",
        }
        # What a data set of ready images does not tell.
        allowed |= {"crop_pct", "crop_mode", "interpolation", "mean", "std", "test_images_in_train"}
        # What only meters, simulators and backends of fewer bits tell.
        allowed |= {"energy_j", "dense_energy_j", "energy_source", "cycles", "sram_mb", "flash_mb"}
        allowed |= {"operators_elsewhere", "top1_backend", "dense_top1_backend"}
        # What not every system tells, and what so few rounds cannot.
        allowed |= {"governor", "turbo", "temperature_c", "latency_p90_ms", "latency_p99_ms"}
        # PyTorch's own outputs, of a model whose time another one of its architecture has.
        allowed |= {"deviation", "twin_ms"} if row["backend"] == "eager_cpu" else {"twin_ms"}
        if row["pruner"] == "dense":
            allowed |= {"granularity", "scope", "schedule", "pruner_hash", "schedule_hash", "evidence"}
            allowed |= {"reduction", "excluded"}
        assert empty <= allowed | {"excluded"}, (row["pruner"], empty - allowed)


def test_rows_are_consistent(finished):
    for row in rows_in(finished[0] / "results" / "small"):
        assert row["retained"] == pytest.approx(row["top1"] / row["dense_top1"])
        assert row["fps"] == pytest.approx(1000 * row["batch"] / row["latency_ms"])
        assert row["ms_saved_low"] <= row["ms_saved"] <= row["ms_saved_high"]
        assert (row["retained_per_ms_saved"] is None) == (not row["saves_time"])
        assert row["compressed_mb"] < row["size_mb"]
        assert row["file_compressed_mb"] < row["file_mb"]
        if row["backend"] == "eager_cpu":
            assert row["file_mb"] == row["size_mb"]
        if row["granularity"] == "weight":
            assert row["sparsity_reached"] == pytest.approx(row["sparsity"], abs=1e-3)
            assert row["macs"] == row["dense_macs"]
        if row["granularity"] == "channel":
            assert row["sparsity_reached"] >= row["sparsity"]
            assert row["macs"] < row["dense_macs"]


def test_both_backends_measure_the_same_snapshot(finished):
    accuracy = {}
    for row in rows_in(finished[0] / "results" / "small"):
        accuracy.setdefault((row["trial"], row["sparsity"]), set()).add((row["top1"], row["correct"]))
    assert all(len(found) == 1 for found in accuracy.values())


def test_memory_is_that_of_the_architecture(finished):
    rows = rows_in(finished[0] / "results" / "small")
    peaks = {
        tuple(row[n] for n in ("backend", "batch", "pruner", "granularity", "sparsity")): row[
            "memory_mb"
        ]
        for row in rows
    }
    for (backend, batch, pruner, granularity, sparsity), peak in peaks.items():
        assert peak > 0
        dense = peaks[backend, batch, "dense", "", 0.0]
        assert (peak == dense) == (granularity != "channel")
        assert peak >= peaks[backend, 1, pruner, granularity, sparsity]


def test_equal_architectures_have_one_time_and_one_archive(finished):
    times = {}
    for row in rows_in(finished[0] / "results" / "small"):
        key = row["architecture"], row["backend"], row["batch"]
        times.setdefault(key, set()).add((row["latency_ms"], row["samples"], row["noise_ms"]))
    assert all(len(found) == 1 for found in times.values())
    assert len({architecture for architecture, _, _ in times}) == 1 + 2 * 2, "zeros are dense's"


def test_a_run_says_where_its_time_went(finished):
    line, *_ = [line for line in finished[1].stderr.splitlines() if line.startswith("Time: ")]
    shares = dict(re.findall(r"(\w[\w ]+) ([\d.]+) %", line))
    kinds = {
        "Starting PyTorch",
        "training",
        "evaluating",
        "pruning",
        "exporting",
        "memory",
        "timing",
        "the harness itself",
    }
    assert kinds <= set(shares) <= kinds | {"waiting for work"}
    assert sum(map(float, shares.values())) == pytest.approx(100, abs=2)


def test_the_tables_hold_the_rows(finished):
    folder = finished[0] / "results" / "small"
    rows = rows_in(folder)
    parquet, csv = pd.read_parquet(folder / "table.parquet"), pd.read_csv(folder / "table.csv")
    assert list(parquet.key) == list(csv.key) == [row["key"] for row in rows]
    assert parquet.ms_saved.tolist() == pytest.approx([row["ms_saved"] for row in rows])
    assert "correct" not in parquet.columns


def test_the_same_command_again_only_reports(finished, copied, command):
    before = (copied / "results" / "small" / "rows.jsonl").read_bytes()
    again = command("run", *SMALL)
    assert again.returncode == 0
    assert "Nothing to do: all 36 cells are in results/small" in again.stderr
    assert again.stdout == finished[1].stdout
    assert "Time: " not in again.stderr
    assert (copied / "results" / "small" / "rows.jsonl").read_bytes() == before


def test_a_finished_run_asks_for_no_pytorch(copied, process, monkeypatch):
    monkeypatch.setenv("PYTHONPROFILEIMPORTTIME", "1")
    again = process("run", *SMALL)
    imported = {line.split("|")[-1].strip() for line in again.stderr.splitlines() if "|" in line}
    assert "harness.runs.sizing" in imported
    assert not imported & {"torch", "timm", "scipy"}


def test_a_report_is_made_again_from_the_rows_alone(finished, tmp_path, command):
    folder = finished[0] / "results" / "small"
    copy = tmp_path / "copy"
    copy.mkdir()
    (copy / "rows.jsonl").write_bytes((folder / "rows.jsonl").read_bytes())
    done = command("report", "copy")
    assert done.returncode == 0, done.stderr
    for name in ("leaderboard.md", "table.csv"):
        assert (copy / name).read_bytes() == (folder / name).read_bytes()
    assert (copy / "tradeoff-test_resnet-digits.png").read_bytes().startswith(b"\x89PNG")


def test_a_wider_grid_computes_only_what_is_new(copied, command):
    folder = copied / "results" / "small"
    before = {row["key"]: row["written_at"] for row in rows_in(folder)}
    made = {
        path.name: path.stat().st_mtime_ns for path in (folder / "artifacts").iterdir() if path.is_dir()
    }
    wide = [*SMALL[: SMALL.index("--levels") + 1], "0.5,0.7,0.9", *SMALL[SMALL.index("--levels") + 2 :]]
    done = command("run", *wide)
    assert done.returncode == 0, done.stderr
    rows = rows_in(folder)
    assert len(rows) == len(before) + 2 * 2 * 2 * 2
    assert {row["sparsity"] for row in rows if row["key"] not in before} == {0.7}
    for name, time_made in made.items():
        assert (folder / "artifacts" / name).stat().st_mtime_ns == time_made, name


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def test_what_was_damaged_is_named_and_made_again_as_it_was(copied, command):
    folder = copied / "results" / "small"
    wanted = {row["key"]: (row["top1"], row["correct"], row["macs"]) for row in rows_in(folder)}
    rows = [*map(json.loads, (folder / "rows.jsonl").read_text().splitlines())]
    owed = [row for row in rows if row["pruner"] == "random"]
    [first, *_] = [row for row in rows if row["pruner"] == "taylor" and row["batch"] == 8]
    lines = (folder / "rows.jsonl").read_text().splitlines(keepends=True)
    changed = next(line for line in lines if first["key"] in line)
    kept = [line for line in lines if '"pruner": "random"' not in line and line != changed]
    digit = changed.replace(f'"batch": {first["batch"]}', '"batch": 16')
    (folder / "rows.jsonl").write_text("".join([*kept, digit]))
    level = RunFolder(folder).snapshot(owed[0])
    [dense] = (folder / "artifacts").glob("*dense*")
    flip(dense / "weights.safetensors.zst")
    (level / "facts.json").write_text("")
    graph = next((folder / "artifacts").glob("graph-*"))
    flip(graph / "content")
    record = next((folder / "artifacts").glob("file-*.json"))
    record.write_bytes(record.read_bytes()[:40])

    done = command("run", *SMALL)
    assert done.returncode == 0, done.stderr
    told = " ".join(done.stderr.split())
    for name in (f"{dense.name}/weights", f"{level.name}/facts", f"{graph.name}/content", record.name):
        assert re.search(f"{re.escape(name)}[^ ]* is damaged: [^/]*: set aside in [^ ]*damaged", told)
    assert "it is not what was written: set aside in rows.damaged.jsonl" in told
    again = {row["key"]: (row["top1"], row["correct"], row["macs"]) for row in Ledger(folder).rows()}
    assert again == wanted
    assert command("doctor", "results/small").returncode == 0


def test_a_fresh_run_forgets_what_was_made_and_keeps_what_others_put_there(copied):
    folder = copied / "results" / "small"
    (folder / "notes.txt").write_text("mine")
    clear(folder)
    left = {path.name for path in folder.iterdir()}
    assert left.isdisjoint({"rows.jsonl", "artifacts", "samples"})
    assert {"notes.txt", "leaderboard.md"} <= left


class Tired(Catalogue):
    """Whoever listens here raises."""

    def announce(self, row):
        return [f"listener: tired of {row['key']}"]


def test_a_cell_that_cannot_run_is_a_row_counted_and_told_of(trial, tmp_path):
    cell = Cell(
        subject=replace(trial, granularity="2:4", scope="erk"),
        sparsity=0.5,
        backend=Nowhere(),
        batch=1,
        settings={**trial.settings, "trial": trial.key, "sparsity": 0.5, "backend": "nowhere"},
        key="a key",
        device=Device(machine={"torch": "2"}),
    )
    notes, catalogue = Notes(), Tired(offers=(), broken=(), manager=PluginManager("harness"))
    execution = Execution(workers=1, time_limit=60.0, stopping_rule=StoppingRule())
    runner = Runner(tmp_path, execution, catalogue=catalogue, observer=notes)
    runner.carry_out(SimpleNamespace(pending=[cell], runnable=[]))
    [row] = Ledger(tmp_path).rows()
    assert (row["key"], row["status"], row["pruner"]) == ("a key", "skipped", "magnitude_l2")
    assert row["reason"].startswith("at granularity 2:4, scope is one of global, local")
    assert (row["torch"], row["latency_ms"]) == ("2", None)
    assert (notes.written, notes.notes) == (1, ["listener: tired of a key"])


def test_a_killed_run_goes_on_where_it_was(tmp_path, command):
    folder = tmp_path / "results" / "small"
    first = subprocess.Popen(
        program("run", *FEW),
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    until(lambda: first.poll() is not None or lines_in(folder / "rows.jsonl") >= 3)
    assert first.poll() is None, "it ended before it could be killed"
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    kept = (folder / "rows.jsonl").read_bytes()
    assert kept.count(b"\n") < 12
    with (folder / "rows.jsonl").open("ab") as file:
        file.write(b'{"key": "half a ro')
    done = command("run", *FEW)
    assert done.returncode == 0, done.stderr
    assert (folder / "rows.jsonl").read_bytes().startswith(kept)
    rows = rows_in(folder)
    assert len({row["key"] for row in rows}) == 12
    unsteady = {row["key"] for row in rows if not row["steady"]}
    assert {key for key, times in Counter(row["key"] for row in rows).items() if times > 1} <= unsteady


def test_ctrl_c_stops_cleanly_and_says_how_to_go_on(tmp_path):
    running = subprocess.Popen(
        program("run", *SMALL),
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # What a shell starts in the background ignores it, and so would what this starts.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    until((tmp_path / "results" / "small" / "log.txt").is_file)
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=60)
    assert running.returncode == 130, said
    assert "the same command goes on from there" in said
    assert "Traceback" not in said


def test_two_runs_at_once_in_one_folder_are_refused(tmp_path, command):
    with Ledger(tmp_path / "results" / "small").lock():
        told = refusal(command("run", *SMALL))
    assert told.startswith("harness: error: another harness run is writing to results/small")


def test_a_backend_that_refuses_a_batch_size_fails_those_rows_and_no_others(
    tmp_path, installed, command
):
    installed("picky", PLUGIN.format(kind="backend", name="OneAtATime"))
    done = command("run", *FEW, "--backends", "one_at_a_time")
    assert done.returncode == 1
    assert "one image at a time" in done.stderr
    rows = rows_in(tmp_path / "results" / "small")
    assert Counter((row["batch"], row["status"]) for row in rows) == {(1, "ok"): 3, (8, "failed"): 3}
    assert all((row["memory_mb"] is None) == (row["batch"] == 8) for row in rows)
