"""A Ray cluster: which hosts it has, what they train with and which devices they declare.

A host declares the devices that it times on when it joins, as `ray start --address=HEAD:6379
--resources='{"backend:eager_cpu": 1}'`; with `--num-cpus=0` it does nothing else.
"""

from __future__ import annotations

import socket
import time
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from harness.engines import ray_client
from harness.errors import HarnessError, failure_reason
from harness.machine.device import Device, local_devices
from harness.machine.environment import machine_facts
from harness.storage.keys import source_hash

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from harness.contracts.backends import Backend

RESOURCE_PREFIX = "backend:"
ANSWER_SECONDS = 120.0
"""What a host may take to say what it has: it imports PyTorch first."""
REACHABLE_SECONDS = 10.0
SHARED_COLUMNS = ("harness", "revision", "torch", "timm", "torch_pruning")
"""Columns of a machine that training hosts must share, or results would depend on who made them."""


@dataclass(frozen=True, kw_only=True)
class Host:
    """A machine of the cluster, and how many devices of each backend it declares."""

    node: str
    address: str
    cpus: float
    gpus: float
    devices: Mapping[str, float] = field(compare=False)

    def units(self, backend: str) -> float:
        """How many jobs may be on its devices of the backend, named without its variant, at once."""
        return self.devices.get(backend, 0.0)

    def __str__(self) -> str:
        return f"host {self.address}"

    @property
    def here(self) -> Any:  # noqa: ANN401 -- a scheduling strategy of Ray's
        """Makes Ray run a task on it or not at all."""
        return ray_client.on_node(self.node)


@contextmanager
def join_cluster(
    address: str | None, *, workers: int, backends: Sequence[Backend]
) -> Iterator[Cluster]:
    """The cluster at `address`, or one of `workers` that is started here and declares all backends.

    Raises HarnessError where no cluster answers.
    """
    _join(address, workers=workers, backends=backends)
    try:
        yield Cluster()
    finally:
        ray_client.leave()


def _join(address: str | None, *, workers: int, backends: Sequence[Backend]) -> None:
    kinds = {backend.name.partition(":")[0] for backend in backends}
    own: dict[str, float] = {f"{RESOURCE_PREFIX}{kind}": 1.0 for kind in kinds}
    try:
        if address:
            _check_reachable(address)
            ray_client.join(address)
        else:
            ray_client.start_cluster(processors=workers, resources=own)
    except (OSError, RuntimeError, ValueError) as error:
        asked = f"--address {address}" if address else "--engine ray"
        raise HarnessError(f"{asked}: {error}; start a cluster with `ray start --head`") from None


def _check_reachable(address: str) -> None:
    """Raise OSError where nothing listens: Ray itself would try for minutes, and say so each time."""
    name, colon, port = address.rpartition(":")
    if not colon or not port.isdigit():
        raise ValueError("it is no HOST:PORT")
    socket.create_connection((name, int(port)), timeout=REACHABLE_SECONDS).close()


class Cluster:
    """What this process has joined."""

    def hosts(self) -> list[Host]:
        """Those that are alive now, always in the same order."""
        return sorted(map(_host, ray_client.living_nodes()), key=lambda host: host.node)

    @property
    def processors(self) -> int:
        """How many jobs its hosts train at once, 1 at least."""
        return max(1, int(sum(host.cpus for host in self.hosts())))

    def devices(self, backends: Sequence[Backend]) -> dict[str, Device]:
        """What each backend's device is on the hosts that declare it, by the backend's name.

        Raises HarnessError where two hosts declare different devices as the same backend.
        """
        asked = self._ask(local_devices, list(backends))
        return {backend.name: _agreed_device(backend, asked) for backend in backends}

    def check(self, token: Path, plugins: Sequence[Any]) -> None:
        """Raise HarnessError naming a host that lacks the run's folder or has other code than this."""
        known = _describe_host(token, plugins)
        trainers: dict[str, dict[str, Any]] = {}
        for host, told in self._ask(_describe_host, token, plugins).items():
            if not told["shared"]:
                raise HarnessError(
                    f"{host} does not see {token.parent}: give --out a folder that all hosts share"
                )
            for name, own in known["plugins"].items():
                if told["plugins"][name] != own:
                    raise HarnessError(f"{host} has another version of {name!r}")
            if host.cpus:
                trainers[host.address] = told["machine"]
        if not trainers:
            raise HarnessError("no host of the cluster trains: start one with --num-cpus above 0")
        _check_alike(known["machine"], trainers)

    def _ask(self, function: Callable[..., Any], *arguments: object) -> dict[Host, Any]:
        """What each host answers; one that dies meanwhile is none of them any more."""
        options: dict[str, Any] = {"num_cpus": 0, "max_retries": 0}
        asking = {
            ray_client.start_task(function, *arguments, scheduling_strategy=host.here, **options): host
            for host in self.hosts()
        }
        answers, deadline = {}, time.monotonic() + ANSWER_SECONDS
        while asking:
            done = ray_client.wait_for_any(asking, seconds=1.0)
            alive = set(self.hosts())
            late = asking if time.monotonic() > deadline else {}
            for reference in {*done, *late, *(r for r, host in asking.items() if host not in alive)}:
                host = asking.pop(reference)
                if host in alive:
                    answers[host] = _answer(host, reference)
        return answers


def _answer(host: Host, reference: Any) -> Any:  # noqa: ANN401 -- whatever the host says
    try:
        return ray_client.result_of(reference, seconds=0)
    except TimeoutError:
        raise HarnessError(f"{host} does not answer") from None
    except Exception as error:
        raise HarnessError(f"{host}: {failure_reason(error)}") from None


def _host(told: Mapping[str, Any]) -> Host:
    resources = told["Resources"]
    return Host(
        node=told["NodeID"],
        address=f"{told['NodeManagerAddress']}:{told['NodeManagerPort']}",
        cpus=resources.get("CPU", 0.0),
        gpus=resources.get("GPU", 0.0),
        devices={
            n.removeprefix(RESOURCE_PREFIX): u
            for n, u in resources.items()
            if n.startswith(RESOURCE_PREFIX)
        },
    )


def _describe_host(token: Path, plugins: Sequence[Any]) -> dict[str, Any]:
    """What a host is, and the sources of the plugins as it has them."""
    return {
        "shared": token.is_file(),
        "machine": machine_facts(),
        "plugins": {plugin.name: source_hash(plugin) for plugin in plugins},
    }


def _agreed_device(backend: Backend, asked: Mapping[Host, Mapping[str, Device]]) -> Device:
    kind = backend.name.partition(":")[0]
    declared = {host: found[backend.name] for host, found in asked.items() if host.units(kind)}
    if not declared:
        return Device(reason=f"no host of the cluster declares the resource {RESOURCE_PREFIX}{kind}")
    kinds = defaultdict(list)
    for host, device in declared.items():
        kinds[str(device.reason or dict(device.facts))].append(host.address)
    if len(kinds) > 1:
        told = "; ".join(f"{', '.join(where)}: {what}" for what, where in kinds.items())
        raise HarnessError(f"hosts declare different devices as {backend.name}: {told}")
    return next(iter(declared.values()))


def _check_alike(own: Mapping[str, Any], trainers: Mapping[str, Mapping[str, Any]]) -> None:
    for address, machine in trainers.items():
        for column in SHARED_COLUMNS:
            if machine[column] != own[column]:
                raise HarnessError(
                    f"host {address} has {column} {machine[column]}, and this one {own[column]}: "
                    "results would depend on who made them"
                )
