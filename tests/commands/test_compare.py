"""`harness compare` on recorded folders: what decides, what is shown, what is refused."""

import numpy as np
import pytest

from harness.commands.compare import MAX_SHOWN
from harness.comparisons.comparison import RemeasuredPair
from harness.comparisons.remeasurement import Remeasurement
from harness.comparisons.verdicts import Loss
from harness.storage.bits import encode_bits
from harness.storage.ledger import Ledger
from harness.storage.row import Row
from tests.doubles import made_row, refusal

SAVED = (2.0, 4.0, 6.0)


@pytest.fixture
def written(tmp_path):
    """Write a folder of three methods' rows, changed as told."""

    def write(name, *, saved=SAVED, drop=0, **columns):
        rows = [
            made_row(
                key=f"k{n}", trial=f"t{n}", pruner=f"p{n}", dataset_hash="a", model_hash="b", seed=0,
                ms_saved=ms, ms_saved_low=ms - 0.05, ms_saved_high=ms + 0.05, **columns,
            )
            for n, ms in enumerate(saved)
        ]  # fmt: skip
        for row in rows[drop:]:
            Ledger(tmp_path / name).append(Row(**row))

    return write


def test_a_run_is_no_worse_than_itself(written, command):
    written("base")
    done = command("compare", "base", "base")
    assert (done.returncode, done.stderr) == (0, "")
    assert "Nothing certainly regressed." in done.stdout
    assert "3 rows of the base, 0 of them lost; 0 rows are new." in done.stdout
    assert "Kendall's tau over all scores is 1.000" in " ".join(done.stdout.split())


def test_lost_accuracy_fails_with_its_interval(written, command):
    written("base")
    written("new", correct=encode_bits(np.arange(100) < 60), top1=0.6)
    done = command("compare", "base", "new")
    assert done.returncode == 1
    assert "harness: 3 regressions and 0 broken rows" in done.stderr
    assert "+30.0 (+" in done.stdout.split("Regressed")[1]
    assert command("compare", "base", "new", "--fail-on", "accuracy=off").returncode == 0


def test_latencies_of_two_sessions_are_reported_and_fail_nothing(written, command):
    written("base")
    written("new", latency_ms=9.0, latency_low_ms=8.9, latency_high_ms=9.1)
    done = command("compare", "base", "new")
    assert done.returncode == 0
    assert "slower (two sessions: reported only)" in done.stdout


def test_a_row_that_fails_now_is_broken_and_one_that_is_gone_is_shown(written, command):
    written("base")
    written("failed", status="failed", reason="it exploded")
    done = command("compare", "base", "failed")
    assert done.returncode == 1
    assert "failed: it exploded" in done.stdout


def test_rows_that_are_gone_fail_unless_that_is_told(written, command):
    written("base")
    written("fewer", drop=1)
    done = command("compare", "base", "fewer")
    assert done.returncode == 1
    assert "3 rows of the base, 1 of them lost" in done.stdout
    assert "harness: 1 rows of the base are not in NEW (--fail-on lost=off lets" in done.stderr
    assert command("compare", "base", "fewer", "--fail-on", "lost=off").returncode == 0


@pytest.mark.parametrize("new", ["nothing", "another grid", "failures"])
def test_a_gate_cannot_pass_on_nothing(written, command, tmp_path, new):
    written("base")
    if new == "nothing":
        (tmp_path / "new").mkdir()
        (tmp_path / "new" / "rows.jsonl").touch()
    elif new == "another grid":
        written("new", batch=8)
    else:
        written("base", status="failed", reason="it exploded")
        written("new", status="failed", reason="it exploded")
    done = command("compare", "base", "new", "--fail-on", "lost=off")
    assert done.returncode == 1
    assert "so nothing was compared" in done.stderr
    assert "Nothing certainly regressed" not in done.stdout


def test_many_changes_are_shown_in_part_unless_all_are_asked_for(written, command):
    many = tuple(float(n) / 10 for n in range(1, MAX_SHOWN + 6))
    written("base", saved=many)
    written("new", saved=many, size_mb=20.0)
    assert "... and 5 more; --all shows them" in command("compare", "base", "new").stdout
    assert "more; --all" not in command("compare", "base", "new", "--all").stdout


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--fail-on", "speed=1"], "no metric is called 'speed'"),
        (["--fail-on", "accuracy=much"], "accuracy takes a number of percent or off, not 'much'"),
        (["--fail-on", "size=-1"], "size=-1 is below 0"),
        (["--fail-on", "lost=3"], "lost takes off alone, not '3'"),
        (["--fail-on", "latency=5"], "latency of two sessions cannot be judged: add --remeasure"),
        (["--fail-on", "accuracy=1,score=9"], "score of two sessions cannot be judged"),
        (["--remeasure"], "--remeasure needs the models of both runs"),
    ],
)
def test_a_wrong_request_is_one_line(written, command, arguments, sentence):
    written("base")
    assert sentence in refusal(command("compare", "base", "base", *arguments))


@pytest.mark.parametrize("steady", [True, False])
def test_times_that_say_nothing_fail_unless_that_is_told(written, command, monkeypatch, steady):
    def measure(self, row_pairs, progress):
        loss = Loss(value=0.0, low=-0.001, high=0.001)
        again = [(pair.base, {**pair.new, "steady": steady}) for pair in row_pairs]
        return {base["key"]: RemeasuredPair(loss=loss, base=base, new=new) for base, new in again}

    # Which sessions are disturbed is no test's to choose.
    monkeypatch.setattr(Remeasurement, "measure", measure)
    written("base")
    done = command("compare", "base", "base", "--remeasure")
    assert done.returncode == (0 if steady else 1)
    told = "3 pairs were timed beside busy neighbours, so that they say nothing (--fail-on unsteady=off"
    assert (told in done.stderr) is not steady
    passed = command("compare", "base", "base", "--remeasure", "--fail-on", "unsteady=off")
    assert passed.returncode == 0
