"""Worker processes: a job that raises, hangs, exits or is killed is a reason, and the rest goes on."""

import contextlib
import ctypes
import multiprocessing
import os
import re
import signal
import subprocess
import sys
import time
from threading import Thread

import psutil
import pytest

from harness.engines import _job_process
from harness.engines.local import LocalEngine
from harness.machine.device import DeviceSlot
from tests.doubles import ROOT, local_engine


def work(job: str) -> str:
    if job == "raises":
        raise ValueError("of no value")
    if job == "exits":
        os._exit(3)
    if job == "leaves":
        raise SystemExit(4)
    if job == "interrupts":
        raise KeyboardInterrupt
    if job == "is killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if job == "hangs":
        print(f"hangs as {os.getpid()}", flush=True)
        time.sleep(600)
    if job == "exits as if done":
        os._exit(0)
    if job == "is ended by a library":
        ctypes.CDLL(None).exit(0)
    if job == "leaves a thread":
        Thread(target=time.sleep, args=(600,)).start()
    if job == "leaves a child":
        print(f"leaves {subprocess.Popen(['sleep', '600']).pid}", flush=True)
    if job == "prints":
        print("for the log")
    return f"{job} done"


def end_server_once(mark):
    """End the fork server, and this process with it, unless the mark says that it was done."""
    if mark is not None and not mark.exists():
        mark.touch()
        # Its parent supervises it, and is a child of the server.
        psutil.Process(os.getppid()).parent().kill()
        time.sleep(600)
    return "done"


@pytest.fixture
def outcomes(tmp_path):
    def run(*jobs, time_limit=60.0):
        engine = local_engine(tmp_path, time_limit=time_limit)
        return dict(engine.run(work, {job: job for job in jobs}, watching=lambda _: None))

    return run


def line(number):
    """Where a line of `work` is, as a reason names it."""
    return f"(test_local.py:{work.__code__.co_firstlineno + number})"


def test_each_ending_has_its_reason_and_the_others_go_on(outcomes):
    found = outcomes("raises", "exits", "leaves", "interrupts", "is killed", "works")
    assert found["works"].value == "works done"
    assert found["raises"].failure == f"ValueError: of no value {line(2)}"
    assert found["leaves"].failure == f"SystemExit: 4 {line(6)}"
    assert found["interrupts"].failure == f"KeyboardInterrupt {line(8)}"
    assert found["exits"].failure == "its process ended with exit code 3"
    assert "ended with exit code -9" in found["is killed"].failure


@pytest.mark.parametrize("ending", ["exits as if done", "is ended by a library"])
def test_a_process_that_ends_as_if_it_were_done_is_not_waited_for(ending, outcomes):
    found = outcomes(ending, "works")
    assert found[ending].failure == "its process ended with exit code 0"
    assert found["works"].value == "works done"


def test_a_thread_that_is_left_holds_nobody_up(outcomes, monkeypatch):
    monkeypatch.setattr(_job_process, "ENDING_SECONDS", 0.5)
    assert outcomes("leaves a thread")["leaves a thread"].value == "leaves a thread done"


def test_a_child_that_is_left_ends_with_its_job(outcomes, tmp_path):
    assert outcomes("leaves a child")["leaves a child"].value == "leaves a child done"
    [pid] = re.findall(r"leaves (\d+)", text_of(tmp_path / "log.txt"))
    assert has_ended(int(pid))


def has_ended(pid):
    """Whether a process is gone within a minute, or nothing but its exit code is left."""
    with contextlib.suppress(psutil.NoSuchProcess):
        child = psutil.Process(pid)
        for _ in range(600):
            if child.status() == psutil.STATUS_ZOMBIE:
                return True
            time.sleep(0.1)
        return False
    return True


with_server = pytest.mark.skipif(
    "forkserver" not in multiprocessing.get_all_start_methods(), reason="no server starts workers here"
)


@with_server
def test_a_server_of_workers_that_has_just_ended_is_started_again(outcomes):
    """Whether it is about to answer, no longer does, or is not yet known to have ended."""
    for _ in range(3):
        assert outcomes("prints")["prints"].value == "prints done"
        children = psutil.Process().children()
        [server] = [child for child in children if "forkserver" in " ".join(child.cmdline())]
        server.kill()
        assert outcomes("works")["works"].value == "works done"


@with_server
def test_jobs_that_end_with_the_server_of_workers_are_begun_again(tmp_path):
    jobs = {"ends it": tmp_path / "ended", "neighbour": None}
    outcomes = dict(local_engine(tmp_path).run(end_server_once, jobs, watching=lambda _: None))
    assert {label: outcome.value for label, outcome in outcomes.items()} == dict.fromkeys(jobs, "done")


class EndsWhoReadsIt:
    """A job that its process does not live to begin."""

    def __reduce__(self):
        return os._exit, (3,)


def test_a_process_that_ends_before_it_begins_costs_its_own_job_alone(tmp_path):
    jobs = {"first": "works", "ends": EndsWhoReadsIt(), "last": "works"}
    engine = local_engine(tmp_path, workers=1)
    found = dict(engine.run(work, jobs, watching=lambda _: None))
    assert found["first"].value == found["last"].value == "works done"
    assert "its process ended" in found["ends"].failure


def test_a_job_that_hangs_is_ended_at_the_time_limit(outcomes):
    found = outcomes("hangs", "works", time_limit=4.0)
    assert found["hangs"].failure == "ran past the time limit of 4 s"
    assert found["works"].value == "works done"


def test_what_a_job_prints_goes_to_the_log(outcomes, tmp_path):
    assert outcomes("prints")["prints"].failure == ""
    assert "for the log" in (tmp_path / "log.txt").read_text()


def test_where_a_job_raised_goes_to_the_log(outcomes, tmp_path):
    outcomes("raises")
    assert 'raise ValueError("of no value")' in (tmp_path / "log.txt").read_text()


def test_a_job_that_cannot_travel_is_a_reason(tmp_path):
    engine = local_engine(tmp_path, workers=1)
    found = dict(engine.run(work, {"local": lambda: None, "works": "works"}, watching=lambda _: None))
    assert "local object" in found["local"].failure
    assert found["works"].value == "works done"


def test_jobs_that_come_while_others_run_are_run_too(tmp_path):
    engine = local_engine(tmp_path, workers=2)
    jobs, ended = {"first": "first"}, []
    for label, outcome in engine.run(work, jobs, watching=lambda _: None):
        ended.append(outcome.value)
        if label == "first":
            jobs.update({"second": "second", "third": "third"})
    assert ended[0] == "first done"
    assert sorted(ended[1:]) == ["second done", "third done"]


RUNS_A_JOB_THAT_HANGS = """
from pathlib import Path
from harness.engines.local import LocalEngine
from harness.machine.device import DeviceSlot
from tests.doubles import ROOT, local_engine
from tests.engines.test_local import work
if __name__ == "__main__":
    engine = LocalEngine(workers=1, time_limit=600, log=Path("log.txt"))
    list(engine.run(work, {"hangs": "hangs"}, watching=lambda _: None))
"""


def test_what_works_ends_with_a_run_that_is_killed(tmp_path):
    (tmp_path / "program.py").write_text(RUNS_A_JOB_THAT_HANGS)
    here = {**os.environ, "PYTHONPATH": str(ROOT)}
    run = subprocess.Popen([sys.executable, "program.py"], cwd=tmp_path, env=here)
    while not (found := re.search(r"hangs as (\d+)\n", text_of(tmp_path / "log.txt"))):
        assert run.poll() is None, "it ended before it could be killed"
        time.sleep(0.1)
    worker = psutil.Process(int(found[1]))
    run.kill()
    run.wait()
    # Raises where it goes on.
    worker.wait(timeout=60)


RUNS_BESIDE_OTHER_MODULES = """
from tests.engines.test_local import work
from harness.engines.local import LocalEngine
from pathlib import Path
if __name__ == "__main__":
    engine = LocalEngine(workers=1, time_limit=60, log=Path("log.txt"))
    [(_, outcome)] = engine.run(work, {"works": "works"}, watching=lambda _: None)
    print(outcome.value)
"""


def test_no_file_of_the_current_folder_takes_a_modules_place(tmp_path):
    """Workers begin there, and one who tries a plugin there may have called it so."""
    for module in ("random", "torch"):
        (tmp_path / f"{module}.py").write_text("raise SystemExit('not that one')")
    here = {**os.environ, "PYTHONPATH": str(ROOT)}
    program = [sys.executable, "-P", "-c", RUNS_BESIDE_OTHER_MODULES]
    done = subprocess.run(program, cwd=tmp_path, env=here, capture_output=True, text=True)
    assert done.stdout == "works done\n", done.stderr


def text_of(path):
    return path.read_text() if path.exists() else ""


def test_no_jobs_start_no_process(tmp_path):
    engine = local_engine(tmp_path, workers=1)
    assert list(engine.run(work, {}, watching=lambda _: None)) == []
    assert not (tmp_path / "log.txt").exists()


def test_all_devices_here_take_of_one_processor(tmp_path):
    slots = [DeviceSlot(backend=name, device=name) for name in ("one", "two")]
    engine = LocalEngine(workers=2, time_limit=1.0, log=tmp_path / "log.txt")
    assert engine.devices(slots) == 1
