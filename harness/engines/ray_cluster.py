"""Ray cluster: which hosts it has, what they train with and which devices they declare.

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

from harness.engines import _ray_client as ray_client
from harness.engines._ray_host import run_shipped, ship
from harness.errors import HarnessError, failure_reason
from harness.machine.device import Device
from harness.machine.environment import machine_facts
from harness.machine.local_devices import local_devices
from harness.storage.keys import source_hash

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from harness.contracts.backends import Backend

RESOURCE_PREFIX = "backend:"
MAX_ANSWER_SECONDS = 120.0
"""Longest that a host may take to describe itself: it imports PyTorch first."""
MAX_CONNECT_SECONDS = 10.0
SHARED_COLUMNS = ("harness", "revision", "torch", "timm", "torch_pruning")
"""Columns of a machine that training hosts must share, or results would depend on who made them."""


@dataclass(frozen=True, kw_only=True)
class Host:
    """Host of the cluster, and how many devices of each backend it declares as resources."""

    node: str
    address: str
    cpus: float
    gpus: float
    devices: Mapping[str, float] = field(compare=False)

    def units(self, backend: str) -> float:
        """Units of a backend, named without its variant: how many jobs its devices take at once."""
        return self.devices.get(backend, 0.0)

    def __str__(self) -> str:
        return f"host {self.address}"

    @property
    def scheduling(self) -> Any:  # noqa: ANN401 -- a scheduling strategy of Ray's
        """Scheduling strategy that makes Ray run a task on it or not at all."""
        return ray_client.on_node(self.node)


@contextmanager
def join_cluster(
    address: str | None, *, workers: int, backends: Sequence[Backend], files: Sequence[Path] = ()
) -> Iterator[Cluster]:
    """Join the cluster at `address`, or start one of `workers` here that declares all backends.

    Files of plugins are shipped to its hosts.

    Raises HarnessError where no cluster answers.
    """
    _join(address, workers=workers, backends=backends)
    try:
        yield Cluster(files=files)
    finally:
        ray_client.leave()


def _join(address: str | None, *, workers: int, backends: Sequence[Backend]) -> None:
    kinds = {backend.name.partition(":")[0] for backend in backends}
    resources: dict[str, float] = {f"{RESOURCE_PREFIX}{kind}": 1.0 for kind in kinds}
    try:
        if address:
            _check_reachable(address)
            ray_client.join(address)
        else:
            ray_client.start_cluster(processors=workers, resources=resources)
    except (OSError, RuntimeError, ValueError) as error:
        option = f"--address {address}" if address else "--engine ray"
        raise HarnessError(f"{option}: {error}; start a cluster with `ray start --head`") from None


def _check_reachable(address: str) -> None:
    """Raise OSError where nothing listens: Ray itself would try for minutes, and say so each time."""
    name, colon, port = address.rpartition(":")
    if not colon or not port.isdigit():
        raise ValueError("it is no HOST:PORT")
    socket.create_connection((name, int(port)), timeout=MAX_CONNECT_SECONDS).close()


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """Cluster that this process has joined; `files` of plugins are shipped with what is run there."""

    files: Sequence[Path] = ()

    def start_task(self, function: Callable[..., Any], *arguments: object, **options: Any) -> Any:  # noqa: ANN401 -- Ray's
        """Start a task on a host: a reference to its result."""
        if self.files:
            function, arguments = run_shipped, (ship(function, arguments, [*self.files]),)
        return ray_client.start_task(function, *arguments, **options)

    def hosts(self) -> list[Host]:
        """Hosts that are alive now, always in the same order."""
        return sorted(map(_host, ray_client.living_nodes()), key=lambda host: host.node)

    @property
    def processors(self) -> int:
        """Processors: how many jobs its hosts train at once, 1 at least."""
        return max(1, int(sum(host.cpus for host in self.hosts())))

    def devices(self, backends: Sequence[Backend]) -> dict[str, Device]:
        """Devices by the backend's name, as on the hosts that declare it.

        Raises HarnessError where two hosts declare different devices as the same backend.
        """
        answers = self._ask_hosts(local_devices, list(backends))
        return {backend.name: _agreed_device(backend, answers) for backend in backends}

    def check(self, token: Path, plugins: Sequence[Any]) -> None:
        """Raise HarnessError naming a host that lacks the run's folder or has other code than this."""
        driver = _describe_host(token, plugins)
        trainers: dict[str, dict[str, Any]] = {}
        for host, answer in self._ask_hosts(_describe_host, token, plugins).items():
            if not answer["shared"]:
                raise HarnessError(
                    f"{host} does not see {token.parent}: give --out a folder that all hosts share"
                )
            for name, source in driver["plugins"].items():
                if answer["plugins"][name] != source:
                    raise HarnessError(f"{host} has another version of {name!r}")
            if host.cpus:
                trainers[host.address] = answer["machine"]
        if not trainers:
            raise HarnessError("no host of the cluster trains: start one with --num-cpus above 0")
        _check_same_columns(driver["machine"], trainers)

    def _ask_hosts(self, function: Callable[..., Any], *arguments: object) -> dict[Host, Any]:
        """Ask every host for the function's result; one that dies meanwhile is left out."""
        options: dict[str, Any] = {"num_cpus": 0, "max_retries": 0}
        requests = {
            self.start_task(function, *arguments, scheduling_strategy=host.scheduling, **options): host
            for host in self.hosts()
        }
        answers, deadline = {}, time.monotonic() + MAX_ANSWER_SECONDS
        while requests:
            done = ray_client.wait_for_any(requests, seconds=1.0)
            alive = set(self.hosts())
            overdue = requests if time.monotonic() > deadline else {}
            for reference in {
                *done,
                *overdue,
                *(reference for reference, host in requests.items() if host not in alive),
            }:
                host = requests.pop(reference)
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


def _host(node: Mapping[str, Any]) -> Host:
    resources = node["Resources"]
    return Host(
        node=node["NodeID"],
        address=f"{node['NodeManagerAddress']}:{node['NodeManagerPort']}",
        cpus=resources.get("CPU", 0.0),
        gpus=resources.get("GPU", 0.0),
        devices={
            name.removeprefix(RESOURCE_PREFIX): units
            for name, units in resources.items()
            if name.startswith(RESOURCE_PREFIX)
        },
    )


def _describe_host(token: Path, plugins: Sequence[Any]) -> dict[str, Any]:
    """Describe this host: its machine, and the source hashes of the plugins as it has them."""
    return {
        "shared": token.is_file(),
        "machine": machine_facts(),
        "plugins": {plugin.name: source_hash(plugin) for plugin in plugins},
    }


def _agreed_device(backend: Backend, devices_by_host: Mapping[Host, Mapping[str, Device]]) -> Device:
    kind = backend.name.partition(":")[0]
    declared = {
        host: devices[backend.name] for host, devices in devices_by_host.items() if host.units(kind)
    }
    if not declared:
        return Device(reason=f"no host of the cluster declares the resource {RESOURCE_PREFIX}{kind}")
    addresses = defaultdict(list)
    for host, device in declared.items():
        addresses[str(device.reason or dict(device.facts))].append(host.address)
    if len(addresses) > 1:
        differences = "; ".join(f"{', '.join(hosts)}: {facts}" for facts, hosts in addresses.items())
        raise HarnessError(f"hosts declare different devices as {backend.name}: {differences}")
    return next(iter(declared.values()))


def _check_same_columns(driver: Mapping[str, Any], trainers: Mapping[str, Mapping[str, Any]]) -> None:
    for address, machine in trainers.items():
        for column in SHARED_COLUMNS:
            if machine[column] != driver[column]:
                raise HarnessError(
                    f"host {address} has {column} {machine[column]}, and this one {driver[column]}: "
                    "results would depend on who made them"
                )
