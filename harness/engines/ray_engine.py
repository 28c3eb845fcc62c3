"""Ray engine: jobs on the hosts of a cluster, each in a process of its own there."""

from __future__ import annotations

import time
import uuid
from collections import Counter, defaultdict, deque
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from harness.engines import _ray_client as ray_client
from harness.engines._ray_host import HostJob, ignore_progress, run_on_host
from harness.engines.engine import Outcome, TrainsOnGpu
from harness.engines.job_limits import JobLimits
from harness.engines.local import LocalEngine
from harness.engines.ray_cluster import RESOURCE_PREFIX
from harness.engines.telling import ToldLines
from harness.errors import failure_reason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from harness.engines.engine import EngineFactory
    from harness.engines.ray_cluster import Cluster, Host
    from harness.machine.device import DeviceSlot

Job = TypeVar("Job")
Result = TypeVar("Result")

POLL_SECONDS = 0.5
MAX_RETRIES = 3
"""Most retries of a job that trains, where its host dies; what it had finished is in the folder."""
GPU_FRACTION = 0.25
"""Fraction of a GPU for each job that trains on one: a small model leaves most of it idle."""


@contextmanager
def ray_engines(cluster: Cluster, folder: Path, plugins: Sequence[Any]) -> Iterator[EngineFactory]:
    """Engine factory for a run in `folder`, which all hosts share.

    Raises HarnessError where a host does not share it, or has other plugins.
    """
    # A folder of the same name is no shared folder; one that shows this file is.
    token = folder / f".shared-{uuid.uuid4().hex}"
    folder.mkdir(parents=True, exist_ok=True)
    token.touch()
    try:
        cluster.check(token, plugins)
        yield partial(RayEngine, cluster=cluster, token=token)
    finally:
        token.unlink(missing_ok=True)


@dataclass(frozen=True, kw_only=True)
class RayEngine:
    """Ray engine: runs jobs as tasks of a cluster; one that is to be alone has all of its host.

    Ray knows no deadlines, so an engine on the host keeps `time_limit`; logs are the hosts' own.
    """

    cluster: Cluster
    token: Path
    time_limit: float
    log: Path
    preloads: tuple[str, ...] = ()
    note: Callable[[str], None] = print
    limits: JobLimits = JobLimits()
    _running: dict[Any, _Task] = field(default_factory=dict, init=False)

    @property
    def workers(self) -> int:
        """Workers: one for each processor that hosts train with."""
        return self.cluster.processors

    def run(
        self,
        function: Callable[[Job], Result],
        jobs: Mapping[str, Job],
        *,
        watching: Callable[[list[str]], None],
        slots: Mapping[str, DeviceSlot] | None = None,
    ) -> Iterator[tuple[str, Outcome[Result]]]:
        """Run jobs: label and outcome of each as it ends; `watching` is called with those running.

        Ray gets no more of them than its hosts can take; hosts that join get jobs at once.
        """
        slots = slots or {}
        queues, running = defaultdict[str, deque[str]](deque), dict[Any, _Task]()
        queued, told = set[str](), ToldLines(self.log)
        try:
            while running or any(queues.values()) or len(queued) < len(jobs):
                hosts = self.cluster.hosts()
                for label in [label for label in jobs if label not in queued]:
                    queued.add(label)
                    if _on_gpu(jobs[label]) and not any(host.gpus for host in hosts):
                        yield label, Outcome(failure="no host of the cluster has a GPU to train on")
                        continue
                    # Those that need no backend under the empty name.
                    queues[slots[label].kind if label in slots else ""].append(label)
                for backend, queue in queues.items():
                    for task in self._startable_tasks(backend, queue, hosts):
                        slot = slots.get(task.label)
                        try:
                            reference = self._start(task, function, jobs[task.label], slot)
                            running[reference] = self._running[reference] = task
                        except Exception as error:
                            yield task.label, Outcome(failure=failure_reason(error))
                yield from _without_host(queues, hosts)
                watching([task.label for task in running.values()])
                for line in told.new():
                    self.note(line)
                for reference in _wait_for_ended(running):
                    self._running.pop(reference)
                    yield running.pop(reference).label, _outcome(reference)
                for reference in _on_lost_hosts(running, hosts):
                    self._running.pop(reference)
                    task = running.pop(reference)
                    yield task.label, Outcome(failure=f"{task.host} is gone")
        finally:
            for reference in running:
                self._running.pop(reference)
                ray_client.cancel(reference)

    def devices(self, slots: Iterable[DeviceSlot]) -> int:
        """Devices that hosts declare of the slots' backends, 1 at least."""
        kinds = {slot.kind for slot in slots}
        return max(1, int(sum(host.units(kind) for host in self.cluster.hosts() for kind in kinds)))

    def _startable_tasks(
        self, backend: str, queue: deque[str], hosts: Sequence[Host]
    ) -> Iterator[_Task]:
        """Take the jobs of a queue that hosts have room for now."""
        while queue:
            tasks = [task for task in self._running.copy().values() if task.backend == backend]
            busy = Counter(task.host for task in tasks)
            free = [host for host in hosts if busy[host] < host.units(backend)]
            if not free and (backend or busy[None] >= sum(host.cpus for host in hosts)):
                return
            yield _Task(label=queue.popleft(), backend=backend, host=free[0] if free else None)

    def _start(
        self, task: _Task, function: Callable[[Any], Any], job: object, slot: DeviceSlot | None
    ) -> Any:  # noqa: ANN401 -- a reference of Ray's
        host_job = HostJob(
            label=task.label,
            function=function,
            job=job,
            slot=slot,
            # Ray puts a print of its own, which cannot travel, where Python's was.
            engine=LocalEngine(
                workers=1,
                time_limit=self.time_limit,
                log=self.log,
                preloads=self.preloads,
                note=ignore_progress,
                limits=self.limits,
            ),
            token=self.token,
            cwd=Path.cwd(),
        )
        options = _task_options(task.host, slot, on_gpu=_on_gpu(job))
        return self.cluster.start_task(run_on_host, host_job, name=task.label, **options)


@dataclass(frozen=True, kw_only=True)
class _Task:
    """Task: a job that Ray has; `host` is the one that it is meant for, where it is meant for one."""

    label: str
    backend: str
    host: Host | None


def _on_gpu(job: object) -> bool:
    return isinstance(job, TrainsOnGpu) and job.on_gpu


def _task_options(host: Host | None, slot: DeviceSlot | None, *, on_gpu: bool) -> dict[str, Any]:
    """Options of a job's task: what Ray reserves for it, and where it runs."""
    if host is None or slot is None:
        gpus = GPU_FRACTION if on_gpu else 0
        retries = {"max_retries": MAX_RETRIES, "scheduling_strategy": "SPREAD"}
        return {"num_cpus": 1, "num_gpus": gpus, **retries}
    return {
        "num_cpus": host.cpus if slot.exclusive else 0,
        "num_gpus": host.gpus if slot.exclusive else 0,
        "resources": {RESOURCE_PREFIX + slot.kind: 1},
        "scheduling_strategy": host.scheduling,
        # What was cut off is no measurement; the caller decides what comes next.
        "max_retries": 0,
    }


def _without_host(
    queues: Mapping[str, deque[str]], hosts: Sequence[Host]
) -> Iterator[tuple[str, Outcome[Any]]]:
    """Empty the queues of backends that no host declares: the jobs in them, each with that reason."""
    for backend, queue in queues.items():
        if backend and not any(host.units(backend) for host in hosts):
            reason = f"no host declares {RESOURCE_PREFIX}{backend} any more"
            while queue:
                yield queue.popleft(), Outcome(failure=reason)


def _on_lost_hosts(running: Mapping[Any, _Task], hosts: Sequence[Host]) -> list[Any]:
    """Tasks for hosts that are gone: Ray may wait for ever for one that died before it had the job."""
    return [reference for reference, task in running.items() if task.host not in {None, *hosts}]


def _wait_for_ended(running: Mapping[Any, _Task]) -> list[Any]:
    """Wait a moment for tasks that end."""
    if not running:
        # All hosts are busy or gone; others may join.
        time.sleep(POLL_SECONDS)
        return []
    return ray_client.wait_for_any(running, seconds=POLL_SECONDS)


def _outcome(reference: Any) -> Outcome[Any]:  # noqa: ANN401 -- a reference of Ray's
    try:
        outcome: Outcome[Any] = ray_client.result_of(reference)
    except Exception as error:
        return Outcome(failure=failure_reason(error))
    return outcome
