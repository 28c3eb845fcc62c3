"""Where a run's time goes: seconds by kind of work, and the line that says so."""

import os
import re
import subprocess
import sys
import threading
import time
from dataclasses import dataclass

import pytest

from harness.engines.pool import WorkerPool
from harness.machine.device import DeviceSlot
from harness.machine.device_lock import write_lock
from harness.machine.time_breakdown import JobResult, TimeBreakdown, time_sentence
from tests.doubles import Notes, local_engine


def test_work_is_counted_also_where_it_raises():
    sheet = TimeBreakdown()
    with sheet.counting("pruning"):
        pass
    with pytest.raises(ValueError, match="no"), sheet.counting("training"):
        raise ValueError("no")
    assert set(sheet.seconds) == {"pruning", "training"}
    assert all(seconds >= 0.0 for seconds in sheet.seconds.values())


def test_a_second_of_one_of_two_workers_is_half_a_second_of_the_run():
    sheet = TimeBreakdown({"training": 1.0})
    sheet.merge(TimeBreakdown({"training": 4.0, "exporting": 2.0}), workers=2)
    assert sheet.seconds == {"training": 3.0, "exporting": 1.0}


def test_a_process_that_stood_idle_before_its_job_was_not_starting():
    sheet = TimeBreakdown({"starting": 20.0, "training": 3.0})
    assert sheet.since_submission(3.5).seconds == {"starting": 0.5, "training": 3.0}
    assert sheet.since_submission(60.0).seconds == sheet.seconds
    assert sheet.since_submission(2.0).seconds["starting"] == 0.0


def test_the_line_shares_the_whole_time_out():
    sheet = TimeBreakdown({"timing": 250.0, "training": 342.0, "memory": 20.0})
    line = time_sentence(sheet, seconds=684.0, workers=2)
    assert line == (
        "Time: 11 min 24 s of 2 workers. "
        "Training 50 %, memory 2.9 %, timing 37 %, the harness itself 11 %."
    )
    assert sum(map(float, re.findall(r"([\d.]+) %", line))) == pytest.approx(100, abs=1)


def test_a_run_that_only_reports_is_all_the_harness():
    assert time_sentence(TimeBreakdown(), seconds=2.0, workers=1) == (
        "Time: 2 s of 1 worker. The harness itself 100 %."
    )


def test_a_process_is_no_older_than_what_started_it_knows():
    code = "from harness.machine.time_breakdown import process_age; print(process_age())"
    began = time.monotonic()
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    # The system tells a process's start by its clock's ticks.
    tick = 1.0 / os.sysconf("SC_CLK_TCK")
    assert 0.0 < float(told.stdout) < time.monotonic() - began + tick


def work(seconds):
    return JobResult(time_breakdown=TimeBreakdown({"training": seconds}))


def record_failure(job):
    raise RuntimeError("not today")


@pytest.fixture
def workers(tmp_path):
    return WorkerPool(engine=local_engine(tmp_path), observer=Notes(), time_breakdown=TimeBreakdown())


def test_what_jobs_spent_comes_back_from_their_processes(workers):
    outcomes = dict(workers.run(work, {"short": 1.0, "long": 3.0, "longest": 6.0}))
    assert set(outcomes) == {"short", "long", "longest"}
    assert workers.time_breakdown.seconds["training"] == 5.0
    assert workers.time_breakdown.seconds["waiting"] >= 0.0


def test_a_job_that_raises_spends_nothing_that_is_known(workers):
    [(_, outcome)] = workers.run(record_failure, {"job": 1.0})
    assert "not today" in outcome.failure
    assert workers.time_breakdown.seconds == {}


def test_jobs_that_time_have_the_device_for_themselves(workers, tmp_path):
    device, started, waits = "a device that jobs time on", tmp_path / "started", []

    def other():
        while not started.exists():
            time.sleep(0.01)
        with write_lock(device, waiting=waits.append):
            pass

    thread = threading.Thread(target=other)
    thread.start()
    place = DeviceSlot(backend="any", device=device, exclusive=True)
    jobs = {"one": started, "two": started}
    outcomes = dict(workers.run(hold, jobs, slots=dict.fromkeys(jobs, place)))
    thread.join(60)
    assert waits
    assert all(device in sentence for sentence in waits)
    first, second = sorted(outcome.value.span for outcome in outcomes.values())
    assert first[1] <= second[0], "one after the other"


@dataclass(frozen=True, kw_only=True)
class Held(JobResult):
    """From when to when a job worked."""

    span: tuple[float, float]


def hold(started):
    began = time.monotonic()
    started.touch()
    time.sleep(0.5)
    return Held(time_breakdown=TimeBreakdown(), span=(began, time.monotonic()))
