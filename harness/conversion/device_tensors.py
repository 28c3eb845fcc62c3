"""Backends on a device of their own: where their inputs lie, and which clock sees their work end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from harness.contracts.backends import OnDevice

if TYPE_CHECKING:
    from torch import Tensor

    from harness.contracts.backends import Backend, Run
    from harness.machine.clock import Elapsed, TimedCall


def to_device(images: Tensor, backend: Backend) -> Tensor:
    """The images where the backend's runs read them."""
    return images.to(backend.torch_device) if isinstance(backend, OnDevice) else images


def from_host(run: Run, backend: Backend) -> Run:
    """The run from this machine's memory to this machine's memory, done when it returns."""
    if not isinstance(backend, OnDevice):
        return run
    return lambda images: run(to_device(images, backend)).cpu()


def device_clock(backend: Backend) -> Elapsed | None:
    """Milliseconds between two events in the device's own queue; None where the processor's clock does.

    The host's clock would add the time that it takes to hear that the device is done.
    """
    if not isinstance(backend, OnDevice) or backend.torch_device == "cpu":
        return None
    device = torch.get_device_module(backend.torch_device)

    def elapsed(work: TimedCall) -> float:
        began, ended = device.Event(enable_timing=True), device.Event(enable_timing=True)
        began.record()
        work()
        ended.record()
        ended.synchronize()
        return float(began.elapsed_time(ended))

    return elapsed
