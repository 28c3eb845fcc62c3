"""Host side of the Ray engine: the job that is sent, and how it runs there."""

from __future__ import annotations

import hashlib
import os
import pickle
import socket
import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from harness.engines.engine import Outcome
from harness.engines.telling import log_of_host
from harness.storage.files import cache_folder, write_file
from harness.storage.keys import sources_beside

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from harness.engines.local import LocalEngine
    from harness.machine.device import DeviceSlot


@dataclass(frozen=True, kw_only=True)
class HostJob:
    """Host job, on its way to a host that sees `token` if it shares the run's folder.

    `cwd` is the driver's, for the sake of relative paths in the job.
    """

    label: str
    function: Callable[[Any], Any]
    job: Any
    slot: DeviceSlot | None
    engine: LocalEngine
    token: Path
    cwd: Path


@dataclass(frozen=True, kw_only=True)
class ShippedCall:
    """Call on its way to a host with the files of plugins that unpickling it imports."""

    sources: Mapping[str, bytes]
    pickled: bytes


def ship(function: Callable[..., Any], arguments: tuple[object, ...], files: list[Path]) -> ShippedCall:
    """Shipped call of the function, with those files and what they import beside them."""
    every = [path for file in files for path in (file, *sources_beside(file))]
    return ShippedCall(
        sources={path.name: path.read_bytes() for path in every},
        pickled=pickle.dumps((function, arguments)),
    )


def run_shipped(call: ShippedCall) -> Any:  # noqa: ANN401 -- whatever the function returns
    """Write the files where this process finds them, in a folder named by what they hold, and call."""
    named = hashlib.sha256(repr(sorted(call.sources.items())).encode()).hexdigest()[:12]
    folder = cache_folder() / "plugins" / named
    for name, source in call.sources.items():
        if not (folder / name).is_file() or (folder / name).read_bytes() != source:
            write_file(folder / name, source)
    if str(folder) not in sys.path:
        sys.path.append(str(folder))
    function, arguments = pickle.loads(call.pickled)  # noqa: S301 -- the driver's own, as all of Ray's
    return function(*arguments)


def run_on_host(host_job: HostJob) -> Outcome[Any]:
    """Run the job in a process of its own on this host, and say how it ended."""
    name = socket.gethostname()
    if not host_job.token.is_file():
        return Outcome(failure=f"host {name} does not see {host_job.token.parent}")
    if host_job.cwd.is_dir():
        os.chdir(host_job.cwd)
    # Every process of the job's would import what Ray starts its own workers with.
    vars(sys.modules["__main__"]).pop("__file__", None)
    engine = replace(host_job.engine, log=log_of_host(host_job.engine.log, name))
    slots = {host_job.label: host_job.slot} if host_job.slot else {}
    jobs = {host_job.label: host_job.job}
    [(_, outcome)] = engine.run(host_job.function, jobs, watching=ignore_progress, slots=slots)
    return outcome


def ignore_progress(_: object) -> None:
    """Ignore progress: the driver knows what it has started."""
