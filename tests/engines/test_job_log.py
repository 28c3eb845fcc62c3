"""The log of a job: whole lines among those of others, and of very many the beginning."""

import os

import pytest

from harness.engines._job_log import JobLog


@pytest.fixture
def log(tmp_path):
    """Of at most 100 bytes, with what is printed to it and what it keeps."""
    output, printed = os.pipe()
    yield JobLog(tmp_path / "log.txt", output, limit_mb=1e-4), printed, tmp_path / "log.txt"
    for end in (output, printed):
        os.close(end)


def test_a_line_is_kept_when_it_is_whole(log):
    job_log, printed, path = log
    os.write(printed, b"one\ntw")
    assert job_log.keep()
    assert path.read_text() == "one\n"
    os.write(printed, b"o\n")
    assert job_log.keep()
    assert path.read_text() == "one\ntwo\n"


def test_what_an_ended_process_had_begun_is_kept(log):
    job_log, printed, path = log
    os.write(printed, b"one\ntw")
    job_log.keep_rest()
    assert path.read_text() == "one\ntw"


def test_what_is_over_the_limit_is_left_out_and_that_is_said_once(log):
    job_log, printed, path = log
    for _ in range(5):
        os.write(printed, b"x" * 59 + b"\n")
        assert job_log.keep()
    kept = path.read_text().splitlines()
    assert [len(line) for line in kept[:2]] == [59, 40]
    assert kept[2:] == ["harness: this job prints more than 0.0001 MB, and the rest is left out"]


def test_a_log_that_cannot_be_written_ends_nothing(tmp_path):
    output, printed = os.pipe()
    job_log = JobLog(tmp_path / "no folder" / "log.txt", output, limit_mb=1)
    os.write(printed, b"one\n")
    assert job_log.keep()
    for end in (output, printed):
        os.close(end)


def test_where_nobody_can_print_any_more_it_says_so(tmp_path):
    output, printed = os.pipe()
    os.close(printed)
    assert not JobLog(tmp_path / "log.txt", output, limit_mb=1).keep()
    os.close(output)
