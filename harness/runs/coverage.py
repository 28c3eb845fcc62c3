"""Which architectures can be pruned at all: cut, run, exported, and the same numbers come out."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Protocol

import torch
from torch import nn

from harness.contracts.granularity import pattern
from harness.contracts.pruners import Pruner
from harness.conversion.device_tensors import from_host
from harness.conversion.equivalence import check_deviation, deviation
from harness.conversion.export import load_on_backend
from harness.errors import HarnessError, failure_reason
from harness.networks.layers import exempt_unreached
from harness.runs._level_cuts import HALF, LevelCuts, check_level_cuts, target_search
from harness.training.sampling import example_batch
from harness.training.synthetic import NoiseImages
from harness.trials.spec import undefined_at

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from harness.contracts.backends import Backend
    from harness.contracts.data import Dataset, Model


def criterion_at(granularity: str, criteria: Sequence[Pruner]) -> Pruner:
    """The one criterion that is defined there. Raises HarnessError where none is, or several are."""
    reasons = {c.name: undefined_at(c, pattern(granularity).scored) for c in criteria}
    defined = [criterion for criterion in criteria if reasons[criterion.name] is None]
    if not defined:
        raise HarnessError("; ".join(filter(None, reasons.values())))
    if len(defined) > 1:
        names = ", ".join(criterion.name for criterion in defined)
        raise HarnessError(f"coverage takes one pruner at granularity {granularity}, not {names}")
    return defined[0]


class Halve(Protocol):
    """Another's way to prune to half."""

    def __call__(self, model: nn.Module, example: Tensor) -> nn.Module:
        """The model or a copy of it with half gone, zeros in place."""


@dataclass(frozen=True, kw_only=True)
class CoverageJob:
    """One architecture at one granularity, pruned in one way and exported to one backend.

    Images have the first of `sides` at which the model runs. What a criterion prunes is cut at further
    levels and in two rounds as well, and read back; what another halves, in its own way, is not.
    """

    model: Model
    granularity: str
    prune: Pruner | Halve
    backend: Backend
    sides: tuple[int, ...]

    @property
    def label(self) -> str:
        """What a person is shown."""
        return f"{self.model.name} {self.granularity}"


@dataclass(frozen=True, kw_only=True)
class CoverageResult:
    """What became of it: `step` is the one that went wrong, empty where none did.

    `removed` is which fraction left: of the multiply-accumulates at channel, else of the prunable
    weights. `deviation` is the backend's largest difference from PyTorch over the largest output.
    """

    model: str
    granularity: str
    step: str = ""
    reason: str = ""
    removed: float | None = None
    deviation: float | None = None
    seconds: float = 0.0


def run_coverage(job: CoverageJob) -> CoverageResult:
    """Build, prune to half, run, export, compare and read back, as far as it goes."""
    began = time.perf_counter()
    torch.set_num_threads(1)
    result = CoverageResult(model=job.model.name, granularity=job.granularity)
    step = "building"
    try:
        model, dataset = _built(job.model, job.sides)
        example = example_batch(dataset, 2)
        step = "pruning"
        search, check = target_search(model, example, job.granularity), None
        if isinstance(job.prune, Pruner):
            cuts = LevelCuts(pruner=job.prune, model=model, example=example, search=search)
            half = cuts.at(HALF)
            smaller, check = half.model, partial(check_level_cuts, cuts, half)
        else:
            smaller = job.prune(model, example)
        step, result = "running", replace(result, removed=1.0 - search.fraction_left(smaller))
        expected = _outputs(smaller, example)
        step = "exporting"
        run = from_host(load_on_backend(job.backend, smaller, example), job.backend)
        step = "comparing"
        off = deviation(run(example), expected)
        result = replace(result, deviation=off)
        check_deviation(off, job.backend)
        if check is not None:
            step = "reading back"
            check(job.model, dataset)
        step = ""
    except (Exception, SystemExit) as error:
        result = replace(result, step=step, reason=failure_reason(error))
    return replace(result, seconds=time.perf_counter() - began)


def _built(plugin: Model, sides: Sequence[int]) -> tuple[nn.Module, Dataset]:
    """The model and images it runs on. Raises the error of the last of `sides` where none is right."""
    for side in sides[:-1]:
        with suppress(Exception):
            # Whatever a stranger's model raises at a size that it is not for.
            return _built_for(plugin, NoiseImages(shape=(3, side, side)))
    return _built_for(plugin, NoiseImages(shape=(3, sides[-1], sides[-1])))


def _built_for(plugin: Model, dataset: Dataset) -> tuple[nn.Module, Dataset]:
    """The model with norms and layer scales away from zero, where they would hide their branch."""
    torch.manual_seed(0)
    model = plugin.build(dataset).eval()
    for name, parameter in model.named_parameters():
        if parameter.dim() == 1 and not name.endswith("bias"):
            nn.init.uniform_(parameter, 0.5, 1.5)
    return exempt_unreached(model, example_batch(dataset, 2)), dataset


def _outputs(model: nn.Module, example: Tensor) -> Tensor:
    with torch.no_grad():
        outputs: Tensor = model.eval()(example)
    if not bool(torch.isfinite(outputs).all()):
        raise HarnessError("outputs are not finite")
    return outputs
