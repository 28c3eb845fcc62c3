"""A plugin's code in the run's own process ends after a while, whatever it catches, and is named."""

import subprocess
import sys
import time
from contextlib import suppress
from threading import Thread

import pytest

from harness.contracts.call_limit import CALL_LIMIT_VARIABLE, CallLimitError, call_limit
from harness.contracts.schedule_rounds import rounds_of
from harness.discovery.backend_file import backend_files
from harness.discovery.loading import discover
from harness.errors import HarnessError
from harness.machine.availability import why_unavailable
from harness.machine.local_devices import local_device
from tests.doubles import ROOT

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no alarm interrupts code there")


@pytest.fixture(autouse=True)
def _soon(monkeypatch):
    monkeypatch.setenv(CALL_LIMIT_VARIABLE, "0.2")


def sleep():
    time.sleep(60)


def spin():
    while True:
        pass


def catch_all():
    for _ in range(2):
        with suppress(BaseException):
            sleep()
    sleep()


@pytest.mark.parametrize("hang", [sleep, spin, catch_all])
def test_code_without_end_is_ended_and_named(hang):
    message = r"^it took more than 0\.2 s, at test_call_limit\.py:\d+$"
    with pytest.raises(CallLimitError, match=message), call_limit("it"):
        hang()


def test_what_ends_in_time_is_left_alone():
    with call_limit("it"):
        pass
    time.sleep(0.3)
    with pytest.raises(ValueError, match=r"its own"), call_limit("it"):
        raise ValueError("its own")


def test_the_outer_limit_holds():
    with pytest.raises(CallLimitError, match=r"^outer "), call_limit("outer"), call_limit("inner"):
        sleep()


def test_in_another_thread_there_is_none():
    done = []

    def take_long():
        with call_limit("it"):
            time.sleep(0.4)
            done.append(True)

    thread = Thread(target=take_long)
    thread.start()
    thread.join()
    assert done


@pytest.mark.parametrize("text", ["soon", "0", "-1", "nan", "inf", "1e10"])
def test_a_limit_that_is_no_time_is_refused(text, monkeypatch):
    monkeypatch.setenv(CALL_LIMIT_VARIABLE, text)
    with pytest.raises(HarnessError, match=f"30 days at most, not '{text}'"), call_limit("it"):
        sleep()


def test_a_command_refuses_it_and_blames_no_plugin(monkeypatch):
    monkeypatch.setenv(CALL_LIMIT_VARIABLE, "soon")
    with pytest.raises(HarnessError, match="HARNESS_CALL_LIMIT"):
        discover()


UNINTERRUPTED = """
from harness.contracts.call_limit import call_limit
with call_limit("it"):
    sum(range(10 ** 13))
"""


def test_code_of_c_ends_the_process_with_its_stack():
    here = {"PYTHONPATH": str(ROOT), CALL_LIMIT_VARIABLE: "0.2"}
    done = subprocess.run(
        [sys.executable, "-c", UNINTERRUPTED], env=here, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 1
    assert "Timeout" in done.stderr
    assert 'File "<string>", line 4' in done.stderr


class Endless:
    name = "endless"

    def rounds(self, level):
        while True:
            pass

    def unavailable(self):
        sleep()


def test_a_schedule_without_end_and_a_backend_that_waits_are_named():
    with pytest.raises(HarnessError, match=r"^schedule 'endless' took more than 0\.2 s"):
        rounds_of(Endless(), 0.5)
    assert "`unavailable` took more than 0.2 s" in why_unavailable(Endless())


class Slow(Endless):
    """A backend that is there, and never says what it is."""

    def unavailable(self):
        return None

    def describe(self):
        sleep()


def test_a_backend_that_never_says_what_it_is_is_named():
    assert "`describe` took more than 0.2 s" in local_device(Slow()).reason


def test_a_backend_file_without_end_is_named(tmp_path):
    (tmp_path / "endless.py").write_text("while True:\n    pass\n")
    with pytest.raises(HarnessError, match=r"endless\.py took more than 0\.2 s, at endless\.py:\d"):
        backend_files(tmp_path)
