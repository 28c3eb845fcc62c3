"""Who came first is served first, whatever they wait for, and is named to who waits."""

import multiprocessing
import time

import pytest

from harness.machine._device_queue import DeviceQueue
from harness.machine.device_lock import read_lock, waited_for, write_lock

CONTEXT = multiprocessing.get_context("forkserver")
COMERS = "a times", "b computes", "c times", "d computes", "e computes"
"""Five processes in the order in which they come, the first of which holds the device."""


def come(label, device, served, drawn, release):
    lock = write_lock if label.endswith("times") else read_lock
    with lock(device, waiting=lambda _: drawn.set()):
        drawn.set()
        served.put(label)
        release.wait(60)
        time.sleep(0.3)
        served.put(f"{label} no more")


def test_five_processes_are_served_in_the_order_in_which_they_came():
    served, release, processes = CONTEXT.Queue(), CONTEXT.Event(), []
    for label in COMERS:
        drawn = CONTEXT.Event()
        process = CONTEXT.Process(target=come, args=(label, "a fair device", served, drawn, release))
        process.start()
        # Each waits, or holds, before the next one comes.
        assert drawn.wait(60)
        processes.append(process)
    release.set()
    for process in processes:
        process.join(60)
    told = [served.get() for _ in range(2 * len(COMERS))]
    alone = [word for label in COMERS[:3] for word in (label, f"{label} no more")]
    assert told[:6] == alone
    # The last two share the device.
    assert set(told[6:8]) == {"d computes", "e computes"}


def test_who_waits_is_told_for_whom():
    served, release, drawn = CONTEXT.Queue(), CONTEXT.Event(), CONTEXT.Event()
    other = CONTEXT.Process(target=come, args=("a times", "a held device", served, drawn, release))
    other.start()
    assert drawn.wait(60)
    waits = []

    def waiting(text):
        waits.append(text)
        release.set()

    with write_lock("a held device", waiting=waiting):
        other.join(60)
    [sentence] = waits
    assert "(process " in sentence
    assert ", since " in sentence
    assert "which times on it: a held device" in sentence


@pytest.mark.parametrize("killed", ["while it holds", "while it waits"])
def test_a_process_that_dies_lets_go(killed):
    device = f"a device of one killed {killed}"
    served, release, drawn = CONTEXT.Queue(), CONTEXT.Event(), CONTEXT.Event()
    with read_lock(device) if killed == "while it waits" else write_lock("none", waiting=print):
        other = CONTEXT.Process(target=come, args=("a times", device, served, drawn, release))
        other.start()
        assert drawn.wait(60)
        other.kill()
        other.join(60)
    with read_lock(device):
        assert waited_for(device) is None
        assert len(DeviceQueue(device).holders()) == 1
