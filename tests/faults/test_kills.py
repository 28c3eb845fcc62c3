"""`kill -9` of any process at any moment: the same command ends with the rows of an undisturbed run."""

import random
import subprocess
import time

import psutil
import pytest

from tests.doubles import program, started
from tests.faults.conftest import GRID, results


def victims(driver, kind):
    """Processes of a run of one kind that live now."""
    if kind == "driver":
        return [driver]
    below = {process: words(process) for process in driver.children(recursive=True)}
    servers = [one for one, line in below.items() if "forkserver" in line and one.ppid() == driver.pid]
    others = [one for one, line in below.items() if "resource_tracker" not in line]
    return servers if kind == "server" else [one for one in others if one not in servers]


def words(process):
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


@pytest.mark.parametrize("kind", ["driver", "server", "worker"])
def test_a_run_whose_process_is_killed_ends_with_the_same_rows(kind, attempt, undisturbed, tmp_path):
    chosen = random.Random(f"{kind} {attempt}")  # noqa: S311 -- a moment, and no secret
    first = subprocess.Popen(
        program(*GRID), cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    driver = psutil.Process(first.pid)
    time.sleep(chosen.uniform(1.0, 16.0))
    while first.poll() is None:
        living = victims(driver, kind)
        if living:
            chosen.choice(living).kill()
            break
        time.sleep(0.05)
    first.wait()
    done = started(tmp_path, *GRID)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert results(tmp_path / "run") == results(undisturbed)
