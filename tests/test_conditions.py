"""What the machine tells of itself, and the lane that keeps our own runs apart."""

import multiprocessing
import time

from harness.conditions import Conditions, Watch
from harness.lane import exclusive

CONTEXT = multiprocessing.get_context("spawn")


def spin(ready, release):
    ready.set()
    while not release.is_set():
        pass


def test_others_work_is_seen():
    ready, release = CONTEXT.Event(), CONTEXT.Event()
    other = CONTEXT.Process(target=spin, args=(ready, release))
    other.start()
    assert ready.wait(60)
    watch = Watch()
    time.sleep(1.0)
    found = watch.conditions()
    release.set()
    other.join()
    assert found.others_cores > 0.3
    assert found.busy


def test_a_busy_machine_is_called_busy():
    assert Conditions(others_cores=1.0).busy
    assert Conditions(steal=0.5).busy
    assert not Conditions(others_cores=0.1, steal=0.0).busy
    assert not Conditions().busy


def hold(device, ready, release):
    with exclusive(device, waiting=lambda _: None):
        ready.set()
        release.wait(60)


def test_a_device_has_one_harness_at_a_time():
    ready, release = CONTEXT.Event(), CONTEXT.Event()
    other = CONTEXT.Process(target=hold, args=("a test device", ready, release))
    other.start()
    assert ready.wait(60)
    waits = []

    def waiting(text):
        waits.append(text)
        release.set()

    with exclusive("a test device", waiting=waiting):
        other.join()
    assert waits == ["waiting for another harness that is timing on a test device"]


def test_devices_have_lanes_of_their_own():
    waits = []
    with exclusive("one/device", waiting=waits.append), exclusive("another", waiting=waits.append):
        assert waits == []
