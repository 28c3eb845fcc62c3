"""A Ray cluster of several hosts on this machine: what runs where, and what a host that dies costs."""

import signal
import subprocess
import threading
import time

import pandas as pd
import pytest

ray = pytest.importorskip("ray", reason="ray is not installed")
from ray.cluster_utils import Cluster as Started  # noqa: E402 -- Ray may be missing

from harness.engines import _ray_client as ray_client  # noqa: E402 -- as above
from harness.engines.ray_cluster import join_cluster  # noqa: E402 -- as above
from harness.engines.ray_engine import ray_engines  # noqa: E402 -- as above
from harness.machine.device import Device, DeviceSlot  # noqa: E402 -- as above
from harness.storage.ledger import Ledger  # noqa: E402 -- as above
from harness_plugins.backends.eager import EagerCpu  # noqa: E402 -- as above
from harness_plugins.backends.sparse_cpu import SparseCpu  # noqa: E402 -- as above
from tests.doubles import ROOT, program, until  # noqa: E402 -- as above
from tests.engines.ray_jobs import OnGpu, work  # noqa: E402 -- as above

# One process starts the cluster for all of these; Ray never closes the logs of those that it starts.
pytestmark = [
    pytest.mark.xdist_group("cluster"),
    pytest.mark.long(150),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
HEALTH_CHECKS = {"health_check_period_ms": 500, "health_check_failure_threshold": 3}
"""A host that dies is missed within seconds: Ray's own 15 are for networks that fail for a moment."""
ALONE = DeviceSlot(backend="eager_cpu:bf16", device="a cluster's device", exclusive=True)


@pytest.fixture(scope="module")
def started():
    """A head that only leads, two hosts that train, one that only times."""
    head = {"num_cpus": 0, "include_dashboard": False, "_system_config": HEALTH_CHECKS}
    found = Started(initialize_head=True, head_node_args=head)
    for name in ("first", "second"):
        found.add_node(num_cpus=1, env_vars={"PYTHONPATH": str(ROOT), "HOST": name})
    clock = {"backend:eager_cpu": 1, "backend:onnxruntime_cpu": 1}
    found.add_node(num_cpus=0, resources=clock, env_vars={"PYTHONPATH": str(ROOT), "HOST": "clock"})
    yield found
    found.shutdown()


@pytest.fixture(scope="module")
def cluster(started):
    with join_cluster(started.address, workers=1, backends=[]) as found:
        yield found


@pytest.fixture
def outcomes(cluster, tmp_path):
    def run(*jobs, slot=None, time_limit=60.0):
        with ray_engines(cluster, tmp_path, []) as make:
            engine = make(time_limit=time_limit, log=tmp_path / "log.txt", preloads=(), note=print)
            given = {f"{number} {job}": job for number, job in enumerate(jobs)}
            slots = dict.fromkeys(given, slot) if slot else None
            found = dict(engine.run(work, given, watching=lambda _: None, slots=slots))
            return [found[label] for label in given]

    return run


def test_jobs_that_train_go_to_all_hosts_with_processors(outcomes, capsys):
    found = outcomes("waits", "works")
    assert {outcome.value or outcome.failure for outcome in found} == {"first", "second"}
    assert "waits for a second" in capsys.readouterr().out, "what a job tells comes here"


def test_jobs_that_train_on_a_gpu_go_to_hosts_that_have_one(outcomes, started):
    [outcome] = outcomes(OnGpu())
    assert outcome.failure == "no host of the cluster has a GPU to train on"
    extra = started.add_node(num_cpus=3, num_gpus=1, env_vars={"PYTHONPATH": str(ROOT), "HOST": "gpu"})
    found = outcomes(OnGpu(), OnGpu(), OnGpu())
    started.remove_node(extra)
    assert [outcome.value for outcome in found] == ["gpu"] * 3


def test_what_has_not_ended_by_then_is_a_timeout_and_can_be_cancelled(cluster):
    task = ray_client.start_task(lambda: time.sleep(600), num_cpus=1)
    with pytest.raises(TimeoutError):
        ray_client.result_of(task, seconds=0.1)
    assert ray_client.wait_for_any([task], seconds=0.0) == []
    ray_client.cancel(task)
    assert ray_client.wait_for_any([task], seconds=60.0) == [task]


def test_jobs_that_time_go_to_the_host_that_declares_their_backend(outcomes):
    found = outcomes("one", "two", slot=ALONE)
    assert [outcome.value for outcome in found] == ["clock", "clock"]


def test_each_ending_has_its_reason_and_the_others_go_on(outcomes):
    raises, exits, hangs, works = outcomes("raises", "exits", "hangs", "works", time_limit=5.0)
    assert "ValueError: of no value" in raises.failure
    assert exits.failure == "its process ended with exit code 3"
    assert hangs.failure == "ran past the time limit of 5 s"
    assert works.value in ("first", "second")


def test_jobs_that_come_while_others_run_are_run_too(cluster, tmp_path):
    with ray_engines(cluster, tmp_path, []) as make:
        engine = make(time_limit=60.0, log=tmp_path / "log.txt", preloads=(), note=print)
        jobs, ended = {"first": "works"}, []
        for label, _ in engine.run(work, jobs, watching=lambda _: None):
            ended.append(label)
            jobs["second"] = "works"
    assert ended == ["first", "second"]


def test_a_job_for_a_device_that_no_host_has_is_a_reason(outcomes):
    [outcome] = outcomes("one", slot=DeviceSlot(backend="abacus", device="wood"))
    assert outcome.failure == "no host declares backend:abacus any more"


def test_devices_are_those_of_the_hosts_that_declare_them(cluster):
    found = cluster.devices([EagerCpu("bf16"), SparseCpu()])
    assert found["eager_cpu:bf16"].facts == EagerCpu("bf16").describe()
    assert found["eager_cpu:bf16"].machine["torch"]
    assert found["sparse_cpu"] == Device(
        reason="no host of the cluster declares the resource backend:sparse_cpu"
    )


def test_what_a_host_that_dies_was_training_is_begun_again_elsewhere(
    started, cluster, outcomes, tmp_path
):
    hosts = cluster.hosts()
    extra = started.add_node(num_cpus=1, env_vars={"PYTHONPATH": str(ROOT), "HOST": "extra"})

    def kill():
        until(lambda: (tmp_path / "extra").exists())
        started.remove_node(extra, allow_graceful=False)
        # Its processes outlive it by a second, and may go on.
        until(lambda: cluster.hosts() == hosts)
        (tmp_path / "go").touch()

    killer = threading.Thread(target=kill)
    killer.start()
    found = outcomes(tmp_path, tmp_path, tmp_path)
    killer.join()
    assert {outcome.value or outcome.failure for outcome in found} == {"first", "second"}


GRID = [
    "--models=test_resnet", "--pruners=random,group_norm_l2", "--granularities=channel",
    "--levels=0.5", "--dense-epochs=0.5", "--finetune-epochs=1", "--seeds=0", "--target=params",
    "--backends=eager_cpu", "--batch-sizes=1", "--quick", "--timing-seconds=0",
    "--arithmetic=fp32",
]  # fmt: skip


@pytest.fixture
def begun(started, tmp_path):
    """Start `harness run` on the cluster as a user would, and kill what is left of it at the end."""
    processes = []

    def begin():
        process = subprocess.Popen(
            program("run", *GRID, "--out=out", "--engine=ray", f"--address={started.address}"),
            cwd=tmp_path,
            stderr=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        return process

    yield begin
    for process in processes:
        process.kill()
        process.wait()
        process.stderr.close()


def test_neither_a_driver_nor_a_host_that_dies_loses_anything(begun, started, tmp_path, command):
    def dense_models():
        return {path: path.stat().st_mtime for path in (tmp_path / "out" / "artifacts").glob("*dense*")}

    def trials():
        return [*(tmp_path / "out" / "artifacts").glob("*channel*")]

    first = begun()
    until(dense_models)
    first.send_signal(signal.SIGKILL)
    first.wait()
    before, extra = dense_models(), started.add_node(num_cpus=1, env_vars={"HOST": "extra"})
    second = begun()
    until(lambda: trials() or second.poll() is not None)
    started.remove_node(extra, allow_graceful=False)
    told = second.communicate(timeout=300)[1]
    assert second.returncode == 0, told
    assert before.items() <= dense_models().items(), "nothing that was finished is trained again"
    assert command("run", *GRID, "--out=alone").returncode == 0
    ours, alone = (pd.DataFrame(Ledger(tmp_path / name).rows()) for name in ("out", "alone"))
    same = ["key", "status", "reason", "top1", "correct", "params", "backend", "device", "torch"]
    ours, alone = (rows[same].sort_values("key", ignore_index=True) for rows in (ours, alone))
    assert len(ours) == 3
    pd.testing.assert_frame_equal(ours, alone)
