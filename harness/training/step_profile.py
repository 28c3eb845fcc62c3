"""Training step profile: time in each arithmetic, and memory."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from functools import partial
from statistics import median
from typing import TYPE_CHECKING

import torch

from harness.machine.clock import Limits, interleave
from harness.machine.device_lock import read_lock
from harness.machine.environment import cpu_name
from harness.machine.memory import PeakMemory
from harness.training.arithmetic import loss_of, move_model, processor_arithmetics
from harness.training.recipe import PROFILED_IMAGES, StepCost
from harness.training.sampling import calibration_batches

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor, nn

    from harness.contracts.data import Dataset, Model
    from harness.machine.clock import TimedCall
    from harness.training.recipe import Arithmetic

    Batch = tuple[Tensor, Tensor]

PROFILE_LIMITS = Limits(precision=0.02, seconds=1.0)
MAX_GRADIENT_CHANGE = 0.3
"""Largest change over the distance between two batches' gradients: a tenth more of its square."""
WEIGHT_COPIES = 6
"""Copies of the weights beside a step's: momentum, the pruned model, scores and their evidence."""


@dataclass(frozen=True, kw_only=True)
class StepCostJob:
    """Step cost job: a model's training steps, of so many images each."""

    model: Model
    dataset: Dataset
    images: int


def measure_step_cost(job: StepCostJob) -> StepCost:
    """Measure a step on one thread, in each arithmetic that leaves gradients as they are.

    Times are of fresh weights and 32 images, forwards and backwards; rounding is held against what
    another batch of images changes in the gradient. A GPU's sums differ from run to run: it is for
    those who name it.
    """
    torch.set_num_threads(1)
    torch.manual_seed(0)
    with read_lock(cpu_name()):
        [batch, *_] = calibration_batches(job.dataset, images=job.images, batch=job.images, seed=0)
        memory = PeakMemory()
        model = job.model.build(job.dataset)
        _step(model.train(), batch, "")
        peak, weights = memory.added_mb(), sum(p.numel() * p.element_size() for p in model.parameters())
        return StepCost(
            milliseconds=_milliseconds(model, job.dataset),
            megabytes=None if peak is None else peak + WEIGHT_COPIES * weights / 1e6,
        )


def _milliseconds(model: nn.Module, dataset: Dataset) -> dict[str, float]:
    batches = calibration_batches(dataset, images=2 * PROFILED_IMAGES, batch=PROFILED_IMAGES, seed=0)
    runs: dict[str, list[TimedCall]] = {
        name: [partial(_step, _moved_copy(model, name), batches[0], name)]
        for name in harmless_arithmetics(model, batches)
    }
    samples = interleave(runs, reference="", limits=PROFILE_LIMITS, seed=0).samples
    return {name: median(times) for name, times in samples.items()}


def harmless_arithmetics(model: nn.Module, batches: Sequence[Batch]) -> list[Arithmetic]:
    """Harmless arithmetics: they change a gradient by less than 0.3 of what another batch does."""
    exact, other = (_gradient(model, batch, "") for batch in (batches[0], batches[-1]))
    limit = MAX_GRADIENT_CHANGE * (other - exact).norm()
    return [
        name
        for name in processor_arithmetics()
        if not name or bool((_gradient(model, batches[0], name) - exact).norm() <= limit)
    ]


def _gradient(model: nn.Module, batch: Batch, arithmetic: Arithmetic) -> Tensor:
    copied = _moved_copy(model, arithmetic)
    # What is drawn while a model trains, as by dropout, is drawn alike.
    torch.manual_seed(0)
    _step(copied, batch, arithmetic)
    gradients = [p.grad for p in copied.parameters() if p.grad is not None]
    return torch.cat([gradient.contiguous().flatten() for gradient in gradients])


def _moved_copy(model: nn.Module, arithmetic: Arithmetic) -> nn.Module:
    copied = copy.deepcopy(model).train()
    move_model(copied, arithmetic)
    return copied


def _step(model: nn.Module, batch: Batch, arithmetic: Arithmetic) -> None:
    model.zero_grad(set_to_none=True)
    loss_of(model, *batch, arithmetic).backward()
