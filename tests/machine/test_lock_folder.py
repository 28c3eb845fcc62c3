"""Harnesses of one machine lie in one line, whatever folder of temporary files each has."""

import multiprocessing
import os
import subprocess
import sys

import pytest

from harness.machine import _lock_folder as module
from harness.machine._lock_folder import lock_folder, lock_reach
from harness.machine.device_lock import write_lock
from harness.machine.environment import machine_facts

WAITS = """
from harness.machine.device_lock import read_lock
with read_lock("a shared device"):
    print("served")
"""


@pytest.fixture
def no_locks_named(monkeypatch):
    monkeypatch.delenv("HARNESS_LOCKS")


def test_another_folder_of_temporary_files_is_the_same_line(tmp_path, monkeypatch):
    monkeypatch.setenv("HARNESS_LOCKS", str(tmp_path / "locks"))
    elsewhere = {**os.environ, "TMPDIR": str(tmp_path)}
    with write_lock("a shared device", waiting=print):
        other = subprocess.Popen(
            [sys.executable, "-u", "-c", WAITS], env=elsewhere, stdout=subprocess.PIPE, text=True
        )
        assert other.stdout.readline().startswith("waiting for ")
    assert other.communicate(timeout=60)[0] == "served\n"
    assert multiprocessing.active_children() == []


@pytest.mark.usefixtures("no_locks_named")
def test_the_folder_is_the_machines_where_it_can_be(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(module, "CONTAINER_MARKS", ())
    monkeypatch.delenv("container", raising=False)
    monkeypatch.setattr(module, "COMMON", tmp_path)
    assert (lock_folder(), lock_reach()) == (tmp_path, "machine")
    monkeypatch.setattr(module, "CONTAINER_MARKS", (tmp_path,))
    assert lock_reach() == "container"
    monkeypatch.setattr(module, "COMMON", tmp_path / "nowhere")
    assert lock_reach() == "user"


def test_a_folder_that_containers_share_is_named_and_rows_tell(tmp_path, monkeypatch):
    monkeypatch.setenv("HARNESS_LOCKS", str(tmp_path))
    assert (lock_folder(), lock_reach()) == (tmp_path, "folder")
    machine_facts.cache_clear()
    assert machine_facts()["lock"] == "folder"
