"""What a host of a cluster does with a job, without a cluster."""

import socket

import pytest

from harness.engines._ray_host import HostJob, run_on_host
from tests.doubles import local_engine


def double(number):
    print("doubled", number)
    return 2 * number


@pytest.fixture
def sent(tmp_path):
    def send(token):
        return HostJob(
            label="job",
            function=double,
            job=21,
            slot=None,
            engine=local_engine(tmp_path, workers=1),
            token=tmp_path / token,
            cwd=tmp_path / "nowhere",
        )

    return send


def test_a_host_that_sees_the_folder_runs_the_job_and_keeps_a_log_of_its_own(sent, tmp_path):
    (tmp_path / "token").touch()
    assert run_on_host(sent("token")).value == 42
    assert "doubled 21" in (tmp_path / f"log-{socket.gethostname()}.txt").read_text()


def test_a_host_that_does_not_see_the_folder_says_so(sent, tmp_path):
    outcome = run_on_host(sent("absent"))
    assert outcome.failure == f"host {socket.gethostname()} does not see {tmp_path}"
