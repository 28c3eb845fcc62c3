"""What `harness doctor` shows, and that it fails where the clock does."""

import json
import shutil

import numpy as np
import pytest
from click.testing import CliRunner

from harness.commands import doctor as module
from harness.comparisons import copy_timing, repetition
from harness.comparisons.copy_timing import CopyTiming
from harness.discovery.loading import discover
from harness.machine.environment import cpu_name, machine_facts
from tests.doubles import MADE_MS, ROOT, made_row, made_session, refusal


def run_of(*saved):
    """Rows of a run of two seeds whose methods save so many milliseconds, known to a tenth."""
    return [
        made_row(
            key=f"{place} {seed}", pruner=f"p{place}", seed=seed, ms_saved=ms + 0.1 * seed * place,
            ms_saved_low=ms - 0.1, ms_saved_high=ms + 0.1, data_hash="d",
        )
        for place, ms in enumerate(saved)
        for seed in range(2)
    ]  # fmt: skip


def diagnosed(monkeypatch, *, slower=0.03, again=(2.0, 4.0, 6.0), placement=0.01):
    """`harness doctor --clock` on recorded times of a model made `slower`, and on two recorded runs."""
    recorded = [
        CopyTiming(
            results=made_session(slower=slower, placement=placement, processes=24, seed=n),
            extra_ms=0.03 * MADE_MS,
        )
        for n in range(4)
    ]
    monkeypatch.setattr(copy_timing, "time_copies", lambda *_, **__: recorded)
    runs = (run_of(2.0, 4.0, 6.0), run_of(*again))
    monkeypatch.setattr(repetition, "repeated_runs", lambda *_, **__: runs)
    return CliRunner().invoke(module.doctor, ["--clock"])


def test_a_sound_clock_passes(monkeypatch):
    done = diagnosed(monkeypatch)
    assert done.exit_code == 0, done.output
    assert "4 sessions of 24 to 24 processes" in done.output
    assert "of 80 cases seem to save time" in done.output
    assert "3% slower: 40 of 40 cases are found slower" in done.output
    assert "0 have the opposite order in the other" in done.output
    assert "Kendall's tau over all scores is 1.000" in done.output


@pytest.mark.parametrize("slower", [0.0, 0.08])
def test_a_clock_that_misjudges_what_was_injected_fails(monkeypatch, slower):
    assert diagnosed(monkeypatch, slower=slower).exit_code == 1


def test_two_runs_that_disagree_fail(monkeypatch):
    done = diagnosed(monkeypatch, again=(6.0, 4.0, 2.0))
    assert "Kendall's tau over all scores is -1.000" in done.output
    assert done.exit_code == 1


def test_the_machine_is_shown(command):
    done = command("doctor")
    assert (done.returncode, done.stderr) == (0, "")
    told = {line.split()[0]: line.split(maxsplit=1)[1] for line in done.stdout.splitlines()}
    assert told["processor"] == cpu_name()
    for name, value in machine_facts().items():
        assert told[name] == str(value)
    assert float(told["others_cores"]) >= 0.0
    for name, distribution, reason in discover().missing():
        assert told[name] == f"({distribution}) cannot be used: {reason}"


def test_a_conflict_of_libraries_is_explained(command, installed):
    installed("openvino", version="2099.0", requires=["numpy<1"])
    done = command("doctor")
    [line] = [line for line in done.stdout.splitlines() if line.startswith("openvino_cpu ")]
    assert "openvino 2099.0 asks for numpy<1, but numpy " in line
    assert line.endswith("pip install openvino")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--backend", "cuda"], "no backend is called 'cuda'"),
        (["--model", "resnet81"], "did you mean 'resnet"),
        (["--cases", "0"], "0 is not in the range"),
    ],
)
def test_a_wrong_request_is_one_line(command, arguments, sentence):
    done = command("doctor", "--clock", *arguments)
    [line] = done.stderr.splitlines()
    assert (done.returncode, sentence in line) == (2, True)


@pytest.fixture
def run(tmp_path):
    """A copy of a published run with the models behind its rows."""
    return shutil.copytree(ROOT / "results" / "regression", tmp_path / "run")


def test_a_sound_run_is_said_to_be(run, command):
    done = command("doctor", "run")
    assert (done.returncode, done.stderr) == (0, "")
    assert "run: 110 rows, none damaged" in done.stdout
    assert "files behind them, none damaged" in done.stdout


def test_what_is_damaged_is_named_set_aside_and_then_sound(run, command):
    rows = (run / "rows.jsonl").read_text().splitlines(keepends=True)
    measured = next(n for n, line in enumerate(rows) if '"ok"' in line and '"obd"' in line)
    top1 = json.loads(rows[measured])["top1"]
    rows[measured] = rows[measured].replace(f'"top1": {top1}', '"top1": 0.999')
    (run / "rows.jsonl").write_text("".join(rows))
    [dense] = (run / "artifacts").glob("*dense*")
    (dense / "facts.json").write_text("")
    record = next((run / "artifacts").glob("*@0.5.json"))
    record.write_bytes(record.read_bytes()[:50])
    archive = run / "samples" / "session.npz"
    archive.parent.mkdir()
    np.savez_compressed(archive, times=np.arange(1000.0))
    archive.write_bytes(archive.read_bytes()[:-30])

    done = command("doctor", "run")
    assert done.returncode == 1
    assert "110 rows, 1 damaged" in done.stdout
    assert f"rows.jsonl, line {measured + 1}: top1 is 0.999, which is no multiple" in done.stdout
    for path in (dense, record, archive):
        assert f"{path.name}" in done.stdout

    done = command("doctor", "run", "--mend")
    assert done.returncode == 0
    assert "`harness run --config run/options.toml --out run` goes on" in done.stdout
    assert "109 rows, none damaged" in command("doctor", "run").stdout
    aside = {path.name for path in (run / "artifacts" / "damaged").glob("*/*")}
    assert aside == {dense.name, record.name, archive.name}


def test_mending_wants_a_run(command):
    assert "--mend: name the runs to mend" in refusal(command("doctor", "--mend"))
    assert "no run folder is called 'nowhere'" in refusal(command("doctor", "nowhere"))
