"""Experiments on the clock itself: does it see nothing where there is nothing, and 3 % where it is?

One process holds several copies of a model. Pairs of copies are the same model against itself; each
copy also runs with a known extra time spent after it. A case takes three processes, as a measurement
does.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from harness.estimates import Estimate, median, saving
from harness.specimen import NoiseImages
from harness.stopwatch import CLOCK, Limits, Thunk, interleave

if TYPE_CHECKING:
    from torch import Tensor

    from harness.contracts import Backend, Model, Run

COPIES = 16
INPUTS = 4
IMAGE = (3, 32, 32)

Samples = Mapping[str, list[float]]


@dataclass(frozen=True, kw_only=True)
class ClockJob:
    """What one process times; `injected` is the extra time as a fraction of the model's own."""

    backend: Backend
    model: Model
    injected: float
    limits: Limits
    seed: int


@dataclass(frozen=True, kw_only=True)
class Proof:
    """Cases: a model's own milliseconds, and what it was found to save against its like.

    `moves` are ratios of a copy's time to the mean over its process's copies, less 1.
    """

    same: tuple[tuple[float, Estimate], ...]
    injected: tuple[tuple[float, Estimate], ...]
    moves: tuple[float, ...]

    @property
    def false_savings(self) -> int:
        """Copies that seem to save time against a copy of themselves."""
        return sum(found.low > 0.0 for _, found in self.same)

    @property
    def found_slower(self) -> int:
        """Slowed models that are found slower."""
        return sum(found.high < 0.0 for _, found in self.injected)

    @property
    def estimates(self) -> list[float]:
        """How much slower each slowed model was found to be, as a fraction of its own time."""
        return [-found.value / own for own, found in self.injected]


def time_copies(job: ClockJob) -> dict[str, list[float]]:
    """Milliseconds by round of `copy k` and `slowed k` for each copy, interleaved in one process."""
    torch.set_num_threads(1)
    torch.manual_seed(job.seed)
    model = job.model.build(NoiseImages(shape=IMAGE)).eval()
    for norm in model.modules():
        # timm starts some norms at zero, and a converter would fold their branch away.
        if isinstance(norm, nn.modules.batchnorm._BatchNorm) and norm.affine:
            nn.init.ones_(norm.weight)
    inputs = [torch.randn(1, *IMAGE) for _ in range(INPUTS)]
    with torch.no_grad():
        runs = [job.backend.prepare(copy.deepcopy(model), inputs[0]) for _ in range(COPIES)]
        extra = round(job.injected * _own_nanoseconds(runs, inputs[0]))
        turns: dict[str, list[Thunk]] = {}
        for k, run in enumerate(runs):
            turns[f"copy {k}"] = [partial(run, x) for x in inputs]
            turns[f"slowed {k}"] = [partial(_slowed, run, x, extra) for x in inputs]
        return interleave(turns, reference="copy 0", limits=job.limits, seed=job.seed).samples


def _own_nanoseconds(runs: Sequence[Run], images: Tensor) -> float:
    times = []
    for _ in range(5):
        for run in runs:
            began = CLOCK()
            run(images)
            times.append(CLOCK() - began)
    return float(np.median(times))


def _slowed(run: Run, images: Tensor, extra: int) -> None:
    run(images)
    until = CLOCK() + extra
    while CLOCK() < until:
        pass


def proof_of(processes: Sequence[Samples], *, size: int) -> Proof:
    """Cases from groups of `size` processes, as many as there are whole groups."""
    same: list[tuple[float, Estimate]] = []
    injected: list[tuple[float, Estimate]] = []
    for group in _groups(processes, size):
        for k in range(COPIES):
            own = [samples[f"copy {k}"] for samples in group]
            level = median(own).value
            injected.append((level, saving(own, [samples[f"slowed {k}"] for samples in group])))
            if k % 2 == 0:
                same.append((level, saving(own, [samples[f"copy {k + 1}"] for samples in group])))
    moves = [move for samples in processes for move in _moves(samples)]
    return Proof(same=tuple(same), injected=tuple(injected), moves=tuple(moves))


def _groups(processes: Sequence[Samples], size: int) -> Iterator[Sequence[Samples]]:
    for first in range(0, len(processes) - size + 1, size):
        yield processes[first : first + size]


def _moves(samples: Samples) -> list[float]:
    medians = np.array([np.median(samples[f"copy {k}"]) for k in range(COPIES)])
    return [float(move) for move in medians / medians.mean() - 1.0]
