"""A job in its process: whatever it ends with is an outcome, and what it prints goes to the log."""

import subprocess
import sys

import pytest

from harness.engines import _worker_process as worker_process
from tests.doubles import ROOT

RUN = """
import sys
from harness.engines._worker_process import become_worker
become_worker("log.txt")
print("printed", flush=True)
print("complained", file=sys.stderr, flush=True)
"""


def divide(number):
    if number is None:
        raise SystemExit("leaving")
    return 1 / number


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


def test_a_worker_prints_into_the_log(tmp_path):
    (tmp_path / "log.txt").write_text("before\n")
    done = subprocess.run(
        [sys.executable, "-c", RUN], cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}, capture_output=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert (tmp_path / "log.txt").read_text() == "before\nprinted\ncomplained\n"
