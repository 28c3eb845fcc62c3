"""Elsewhere everything can be imported, and what the system lacks is told."""

import multiprocessing
import os
import subprocess
import sys

from harness.machine import system_limits
from tests.structure import ROOT, modules_of

ABSENT = "fcntl", "grp", "pwd", "resource", "termios"
"""Modules of Python that Windows has not."""
LACKING = "fork", "getloadavg", "getuid", "sched_getaffinity", "sched_setaffinity"
"""Functions of its module `os`, likewise."""
IMPORT_ALL = f"""
import importlib, os, signal, sys
for library in ("psutil", "torch", "pandas", "filelock", "multiprocessing.forkserver", "rich.console"):
    # These look after themselves.
    importlib.import_module(library)
for module in {ABSENT}:
    sys.modules[module] = None
for name in {LACKING}:
    delattr(os, name)
del signal.SIGKILL
for module in sys.argv[1:]:
    importlib.import_module(module)
"""


def test_nothing_fails_at_import_elsewhere():
    ours = [name for name in modules_of(ROOT) if "ray" not in name and not name.endswith("__main__")]
    done = subprocess.run(
        [sys.executable, "-c", IMPORT_ALL, *sorted(ours)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_linux_lacks_nothing():
    assert system_limits.system_limits() == []


def test_what_a_system_lacks_is_told_with_what_it_costs(monkeypatch):
    monkeypatch.setattr(multiprocessing, "get_all_start_methods", lambda: ["spawn"])
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.delattr(os, "sched_setaffinity")
    told = system_limits.system_limits()
    assert "--pin is refused: processes cannot be pinned to cores" in told
    assert any("there is no fork server" in sentence for sentence in told)
