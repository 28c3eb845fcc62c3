"""A job over a limit is ended with its reason, and nothing that it started outlives it or the run."""

import os
import re
import sys
import time

import psutil
import pytest

from harness.engines._supervisor import fork_supervised
from harness.engines.job_limits import JobLimits
from tests.doubles import ROOT, local_engine
from tests.engines.greedy_jobs import leave_behind, take

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="processes whose parent has ended are handed over on Linux alone"
)


LIMITS = {
    "memory": JobLimits(memory_gb=0.8),
    "memory of a child": JobLimits(memory_gb=0.6),
    "disk": JobLimits(disk_gb=0.05),
    "processes": JobLimits(processes=30),
}


@pytest.mark.parametrize("job", LIMITS)
def test_a_job_over_a_limit_is_ended_and_says_which(job, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    engine = local_engine(tmp_path, limits=LIMITS[job])
    outcomes = dict(engine.run(take, {job: job, "neighbour": "nothing"}, watching=lambda _: None))
    assert outcomes["neighbour"].value == "nothing"
    word = job.split()[0]
    assert re.match(
        rf"took [\d.]+ (GB of )?{word}, over its limit of [\d.]+ \(--\w+-limit sets another\)$",
        outcomes[job].failure,
    )
    assert not [process for process in psutil.Process().children(recursive=True) if runs_job(process)]


def runs_job(process):
    """Whether it is neither the server of workers nor what multiprocessing keeps besides."""
    try:
        line = " ".join(process.cmdline())
    except psutil.Error:
        return False
    return "forkserver" not in line and "resource_tracker" not in line


def test_of_a_long_log_the_beginning_is_kept(tmp_path):
    engine = local_engine(tmp_path, limits=JobLimits(log_mb=0.1))
    assert dict(engine.run(take, {"log": "log"}, watching=lambda _: None))["log"].value == "log"
    lines = (tmp_path / "log.txt").read_text().splitlines()
    assert lines[:2] == ["line 0 of very many", "line 1 of very many"]
    assert lines[-1] == "harness: this job prints more than 0.1 MB, and the rest is left out"
    assert (tmp_path / "log.txt").stat().st_size < 101_000


def test_a_daemon_that_a_job_leaves_ends_with_it(tmp_path):
    jobs = {"leaves": tmp_path}
    dict(local_engine(tmp_path).run(leave_behind, jobs, watching=lambda _: None))
    assert has_gone(int((tmp_path / "left").read_text()))


def has_gone(pid):
    """Whether a process ends within a minute."""
    for _ in range(600):
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.1)
    return False


RUNS_WHAT_LEAVES_A_DAEMON = """
from pathlib import Path
from harness.engines.local import LocalEngine
from tests.engines.greedy_jobs import leave_behind
if __name__ == "__main__":
    engine = LocalEngine(workers=1, time_limit=120, log=Path("log.txt"))
    list(engine.run(leave_behind, {"leaves": Path.cwd()}, watching=lambda _: None))
"""


@pytest.mark.parametrize("killed", ["driver", "server", "worker"])
def test_a_daemon_ends_with_whoever_of_the_run_is_killed(killed, tmp_path):
    (tmp_path / "program.py").write_text(RUNS_WHAT_LEAVES_A_DAEMON)
    (tmp_path / "stays").touch()
    here = {**os.environ, "PYTHONPATH": str(ROOT)}
    driver = psutil.Popen([sys.executable, "program.py"], cwd=tmp_path, env=here)
    while not (tmp_path / "left").exists():
        assert driver.poll() is None, "it ended before anything of it could be killed"
        time.sleep(0.1)
    left = int((tmp_path / "left").read_text())
    (tmp_path / "stays").unlink()
    supervisor = psutil.Process(left).parent()
    [worker] = [one for one in supervisor.children() if one.pid != left]
    {"driver": driver, "server": supervisor.parent(), "worker": worker}[killed].kill()
    assert has_gone(left)
    driver.wait(timeout=60)


def test_limits_default_to_what_the_machine_can_spare(tmp_path):
    memory = psutil.virtual_memory().total / 1e9
    here = JobLimits().here(workers=2, folder=tmp_path)
    assert 0 < here.memory_gb <= 0.9 * memory
    assert here.disk_gb <= psutil.disk_usage(str(tmp_path)).total / 2e9
    assert here.processes >= 256
    assert JobLimits(memory_gb=1.5).here(workers=2, folder=tmp_path).memory_gb == 1.5


def test_a_supervisor_ends_as_its_job_does(tmp_path):
    """It takes the role of the process that forks it, so that it is tried in one of its own."""
    pid = os.fork()
    if pid == 0:
        fork_supervised(str(tmp_path / "log.txt"), JobLimits(), tell_excess=print)
        os.write(1, b"from the job\n")
        os._exit(7)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7
    assert (tmp_path / "log.txt").read_text() == "from the job\n"


def test_what_is_within_all_limits_is_over_none():
    limits = JobLimits(memory_gb=1.0, disk_gb=1.0, processes=2)
    assert limits.excess("memory", 1.0) is None
    assert limits.excess("processes", 3) == (
        "took 3 processes, over its limit of 2 (--process-limit sets another)"
    )
    assert "--disk-limit" in limits.excess("disk", 1.1)
