"""What the machine tells of itself, and the lane that keeps our own runs apart."""

import multiprocessing
import threading
import time

import pytest

from harness.machine.device_lock import read_lock, write_lock
from harness.machine.load import LoadMonitor, MachineLoad

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
    watch = LoadMonitor()
    time.sleep(1.0)
    found = watch.load()
    release.set()
    other.join()
    assert found.others_cores > 0.3
    assert found.busy


def test_a_busy_machine_is_called_busy():
    assert MachineLoad(others_cores=1.0).busy
    assert MachineLoad(steal=0.5).busy
    assert not MachineLoad(others_cores=0.1, steal=0.0).busy
    assert not MachineLoad().busy


def hold(device, ready, release, *, exclusive):
    with write_lock(device, waiting=lambda _: None) if exclusive else read_lock(device):
        ready.set()
        release.wait(60)


@pytest.mark.parametrize("exclusive", [True, False], ids=["that times", "that trains"])
def test_timing_waits_for_another_harness(exclusive):
    ready, release = CONTEXT.Event(), CONTEXT.Event()
    settings = {"args": ("a test device", ready, release), "kwargs": {"exclusive": exclusive}}
    other = CONTEXT.Process(target=hold, **settings)
    other.start()
    assert ready.wait(60)
    waits = []

    def waiting(text):
        waits.append(text)
        release.set()

    with write_lock("a test device", waiting=waiting):
        other.join()
    assert len(waits) == 1


def test_training_waits_for_another_harness_that_times():
    ready, release = CONTEXT.Event(), CONTEXT.Event()
    settings = {"args": ("a timed device", ready, release), "kwargs": {"exclusive": True}}
    other = CONTEXT.Process(target=hold, **settings)
    other.start()
    assert ready.wait(60)
    began = threading.Event()
    trainer = threading.Thread(target=train, args=("a timed device", began))
    trainer.start()
    assert not began.wait(0.5)
    release.set()
    trainer.join(60)
    assert began.is_set()
    other.join()


def train(device, began):
    with read_lock(device):
        began.set()


def test_several_train_on_a_device_at_once():
    ready, release = CONTEXT.Event(), CONTEXT.Event()
    settings = {"args": ("a shared device", ready, release), "kwargs": {"exclusive": False}}
    other = CONTEXT.Process(target=hold, **settings)
    other.start()
    assert ready.wait(60)
    with read_lock("a shared device"):
        assert other.is_alive()
    release.set()
    other.join()


def test_devices_have_lanes_of_their_own():
    waits = []
    with write_lock("one/device", waiting=waits.append), write_lock("another", waiting=waits.append):
        assert waits == []
