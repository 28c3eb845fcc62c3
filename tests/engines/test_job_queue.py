"""Jobs in their order, as many at once as there are workers, and each with an outcome."""

import multiprocessing
import time

from harness.engines._job_process import JobProcess, end_all, wait_for_any
from harness.engines._job_queue import JobQueue
from harness.engines.job_limits import JobLimits


def work(job):
    if job == "hangs":
        time.sleep(600)
    return f"{job} done"


def queue_of(jobs, tmp_path, workers=2):
    def begin(job):
        context = multiprocessing.get_context("forkserver")
        log = str(tmp_path / "log.txt")
        return JobProcess.begin(context, work, job, log=log, time_limit=60.0, limits=JobLimits())

    return JobQueue(jobs=jobs, begin=begin, workers=workers)


def test_as_many_run_as_there_are_workers_in_the_order_of_jobs(tmp_path):
    queue = queue_of(dict.fromkeys("abc", "hangs"), tmp_path)
    assert queue.has_more()
    assert [*queue.start()] == []
    assert [*queue.running] == ["a", "b"]
    end_all(queue.running.values())


def test_jobs_that_are_added_follow(tmp_path):
    jobs = {"first": "first"}
    queue, ended = queue_of(jobs, tmp_path, workers=1), []
    while queue.has_more():
        assert [*queue.start()] == []
        wait_for_any(queue.running.values(), 60.0)
        for _, outcome in queue.ended():
            ended.append(outcome.value)
            jobs.setdefault("second", "second")
    assert ended == ["first done", "second done"]


def test_a_job_that_cannot_start_has_its_reason_at_once_and_leaves_room(tmp_path):
    queue = queue_of({"local": lambda: None, "hangs": "hangs"}, tmp_path, workers=1)
    assert queue.has_more()
    [(label, outcome)] = queue.start()
    assert label == "local"
    assert "local object" in outcome.failure
    assert [*queue.running] == ["hangs"]
    end_all(queue.running.values())
