"""Device tensors: where a backend's inputs lie, and which clock sees its runs end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from harness.contracts.backends import OnDevice
from harness.errors import HarnessError

if TYPE_CHECKING:
    from torch import Tensor

    from harness.contracts.backends import Backend, Run
    from harness.machine.clock import Elapsed, TimedCall


def to_device(images: Tensor, backend: Backend) -> Tensor:
    """Move images to where the backend's runs read them."""
    return images.to(backend.torch_device) if isinstance(backend, OnDevice) else images


def from_host(run: Run, backend: Backend) -> Run:
    """Run from host memory to host memory, done when it returns.

    It raises HarnessError where what it computes is no tensor.
    """

    def run_from_host(images: Tensor) -> Tensor:
        # A stranger's may be anything.
        outputs: object = run(to_device(images, backend))
        if not isinstance(outputs, torch.Tensor):
            kind = type(outputs).__name__
            raise HarnessError(f"{backend.name}: a run must return the outputs as a tensor, not {kind}")
        return outputs.cpu()

    return run_from_host


def device_clock(backend: Backend) -> Elapsed | None:
    """Device clock: milliseconds between two events in its queue; None where the host's clock does.

    The host's clock would add the time that it takes to hear that the device is done.
    """
    if not isinstance(backend, OnDevice) or backend.torch_device == "cpu":
        return None
    device = torch.get_device_module(backend.torch_device)

    def elapsed(call: TimedCall) -> float:
        began, ended = device.Event(enable_timing=True), device.Event(enable_timing=True)
        began.record()
        call()
        ended.record()
        ended.synchronize()
        return float(began.elapsed_time(ended))

    return elapsed
