"""A job in its process: whatever it ends with is an outcome, and what it prints goes to the log."""

import subprocess
import sys

import pytest

from harness.engines import _worker_process as worker_process
from tests.doubles import ROOT

RUN = """
import sys
from harness.engines._worker_process import become_worker
from harness.engines.job_limits import JobLimits
become_worker("log.txt", JobLimits(), tell_excess=print)
print("printed", flush=True)
print("complained", file=sys.stderr, flush=True)
"""


def divide(number):
    if number is None:
        raise SystemExit("leaving")
    return 1 / number


def print_and_end(ends_by):
    print("printed")
    sys.stderr.write("complained\n")
    if ends_by == "raising":
        raise ValueError("no")
    if ends_by == "leaving":
        raise SystemExit(1)


@pytest.mark.parametrize(
    ("job", "value", "failure"),
    [
        (2, 0.5, ""),
        (0, None, "ZeroDivisionError: division by zero"),
        (None, None, "SystemExit: leaving"),
    ],
)
def test_an_end_is_an_outcome(job, value, failure, capsys):
    outcome = worker_process.run_job(divide, job)
    assert outcome.value == value
    assert outcome.failure.startswith(failure)
    assert ("Traceback" in capsys.readouterr().err) == bool(failure)


@pytest.mark.parametrize("ends_by", ["returning", "raising", "leaving"])
def test_what_a_job_printed_is_written_when_its_outcome_is_told(ends_by, tmp_path, monkeypatch):
    """Whoever has the outcome may end the process, and a file's buffer with it."""
    paths = tmp_path / "out", tmp_path / "err"
    with paths[0].open("w") as out, paths[1].open("w") as err:
        monkeypatch.setattr(sys, "stdout", out)
        monkeypatch.setattr(sys, "stderr", err)
        worker_process.run_job(print_and_end, ends_by)
        written = [path.read_text().splitlines()[0] for path in paths]
    assert written == ["printed", "complained"]


def test_a_worker_prints_into_the_log(tmp_path):
    (tmp_path / "log.txt").write_text("before\n")
    done = subprocess.run(
        [sys.executable, "-c", RUN], cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}, capture_output=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert (tmp_path / "log.txt").read_text() == "before\nprinted\ncomplained\n"
