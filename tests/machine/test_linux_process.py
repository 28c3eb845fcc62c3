"""How a process ends, with another or as another."""

import os
import signal
import sys

import psutil
import pytest

from harness.machine.linux_process import adopt_orphans, end_as, end_with_parent

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="of Linux")


def exit_code_of(act):
    """Of a fork that does so."""
    pid = os.fork()
    if pid == 0:
        act()
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@pytest.mark.parametrize("code", [0, 3, -signal.SIGKILL, -signal.SIGSEGV, -signal.SIGTERM])
def test_a_process_ends_as_another_did(code):
    assert exit_code_of(lambda: end_as(code)) == code


def test_one_whose_parent_has_gone_already_ends_at_once():
    assert exit_code_of(lambda: end_with_parent(signal.SIGKILL, parent=os.getpid())) == 1
    parent = os.getpid()
    assert exit_code_of(lambda: end_with_parent(signal.SIGKILL, parent=parent)) == 0


def test_what_an_ended_child_leaves_is_adopted():
    def adopt():
        adopt_orphans()
        child = os.fork()
        if child == 0:
            if os.fork() == 0:
                signal.pause()
            os._exit(0)
        os.waitpid(child, 0)
        [orphan] = psutil.Process().children()
        orphan.kill()
        end_as(os.waitstatus_to_exitcode(os.waitpid(orphan.pid, 0)[1]))

    assert exit_code_of(adopt) == -signal.SIGKILL
