"""A job as a host of a cluster runs it: what is sent, and what is done with it there."""

from __future__ import annotations

import os
import socket
import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from harness.engines.engine import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from harness.engines.local import LocalEngine
    from harness.machine.device import DeviceSlot


@dataclass(frozen=True, kw_only=True)
class HostJob:
    """A job on its way to a host that sees `token` if it shares the run's folder.

    `cwd` is the driver's, for the sake of relative paths in the job.
    """

    label: str
    function: Callable[[Any], Any]
    job: Any
    slot: DeviceSlot | None
    engine: LocalEngine
    token: Path
    cwd: Path


def run_on_host(given: HostJob) -> Outcome[Any]:
    """Run the job in a process of its own on this host, and say how it ended."""
    name = socket.gethostname()
    if not given.token.is_file():
        return Outcome(failure=f"host {name} does not see {given.token.parent}")
    if given.cwd.is_dir():
        os.chdir(given.cwd)
    # Every process of the job's would import what Ray starts its own workers with.
    vars(sys.modules["__main__"]).pop("__file__", None)
    log = given.engine.log
    engine = replace(given.engine, log=log.with_name(f"{log.stem}-{name}{log.suffix}"))
    slots = {given.label: given.slot} if given.slot else {}
    jobs = {given.label: given.job}
    [(_, outcome)] = engine.run(given.function, jobs, watching=ignore_progress, slots=slots)
    return outcome


def ignore_progress(_: object) -> None:
    """What a host does not show: the driver knows what it has started."""
