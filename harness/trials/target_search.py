"""Target search: the removal that leaves no more of a dense model than a level allows."""

from __future__ import annotations

import copy
import math
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Protocol, TypeVar

import numpy as np
import torch

from harness.contracts.backends import Simulates
from harness.contracts.converters import LoadsFile
from harness.conversion.device_tensors import device_clock, to_device
from harness.conversion.export import convert, load_on_backend
from harness.engines.telling import tell
from harness.errors import HarnessError, UnsupportedError
from harness.machine.clock import Limits, interleave
from harness.networks.layers import count_macs, prunable_weights
from harness.pruning.mask_search import PruningBudget, total_cost, weight_costs
from harness.pruning.masks import apply_masks

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch import Tensor, nn

    from harness.contracts.backends import Backend
    from harness.contracts.evidence import Scope
    from harness.contracts.granularity import Pattern
    from harness.trials.target import Target


INPUT_BATCHES = 4
SEARCH_LIMITS = Limits(precision=0.01, seconds=2.0)
MAX_SPARSITY = 0.99
"""Highest sparsity, which a search on the clock tries first: where it is not fast enough, none is."""
MAX_TRIES = 12
MAX_SLACK = 0.01
"""Largest fraction of the dense model by which a removal may leave too little and end the search."""
GUESS_MARGIN = 0.999
"""Fraction of what may stay that a guess aims at, so that the search does not creep."""


class Pruned(Protocol):
    """Pruned copy of a model, with keep masks that are still to be applied to it."""

    @property
    def model(self) -> nn.Module:
        """The copy, its channels cut."""

    @property
    def masks(self) -> Mapping[str, Tensor]:
        """Keep masks of its weights."""


PrunedT = TypeVar("PrunedT", bound=Pruned)


class TargetSearch:
    """Target search: the parameters, multiply-accumulates or time of a dense model, and what is left.

    Raises UnsupportedError where it has nothing to prune.
    """

    def __init__(
        self,
        dense: nn.Module,
        *,
        example: Tensor,
        target: Target,
        pattern: Pattern,
        scope: Scope,
        floor: float = 0.0,
        spared: frozenset[str] = frozenset(),
    ) -> None:
        self.steps: list[tuple[float, float | None]] = []
        """Sparsities that the last search tried, and what left of the target; None: more than can."""
        self._dense = dense
        self._example = example
        self._target = target
        self._macs = count_macs(dense, example[:1])
        costs = weight_costs(dense, example, counted="macs" if target.quantity == "macs" else "params")
        shapes = {name: weight.shape for name, weight in prunable_weights(dense).items()}
        if not shapes:
            raise UnsupportedError("the model has no convolution or linear layer to prune")
        whole = total_cost(shapes, costs)
        self._budget = PruningBudget(
            level=0.0,
            pattern=pattern,
            scope=scope,
            costs=costs,
            dense_cost=whole,
            floor=floor,
            dense_shapes=shapes,
            spared=spared,
        )

    def budget(self, level: float) -> PruningBudget:
        """Pruning budget at a level of the weights' parameters or multiply-accumulates."""
        return replace(self._budget, level=level)

    def fraction_left(self, model: nn.Module) -> float:
        """Fraction of the dense model's quantity that `model` has or takes."""
        if self._target.backend is not None:
            return self._fraction_of_time(model, self._target.backend)
        if self._counts_computed_macs:
            return count_macs(model, self._example[:1]) / self._macs
        costs, weights = self._budget.costs, prunable_weights(model)
        left = sum(int(weight.count_nonzero()) * costs[name] for name, weight in weights.items())
        return left / self._budget.dense_cost

    def meet(self, choose: Callable[[float], PrunedT], level: float) -> PrunedT:
        """Meet a level: what `choose` removes so that no more than `1 - level` is left.

        Raises UnsupportedError where whatever leaves does not suffice.
        """
        timed = self._target.backend is not None
        if not timed and not self._counts_computed_macs:
            return choose(level)
        first = MAX_SPARSITY if timed else level
        self.steps.clear()

        def choose_noting(sparsity: float) -> PrunedT:
            self.steps.append((sparsity, None))
            return choose(sparsity)

        def left(model: nn.Module) -> float:
            fraction = self.fraction_left(model)
            sparsity, _ = self.steps[-1]
            self.steps[-1] = (sparsity, 1.0 - fraction)
            if timed:
                tell(
                    f"search step {len(self.steps)}: {fraction:.2f} of dense time at sparsity "
                    f"{sparsity:.3f}; {1.0 - level:.2f} is looked for"
                )
            return fraction

        return least_removal(choose_noting, level, left=left, first=first, of=self._target.name)

    @property
    def _counts_computed_macs(self) -> bool:
        """Whether levels are of what the model truly computes: where zeros stay, that says nothing."""
        return self._target.quantity == "macs" and self._budget.pattern.scored == "channel"

    def _fraction_of_time(self, model: nn.Module, backend: Backend) -> float:
        """Fraction of the dense model's time, interleaved in this process, or by a simulator."""
        if isinstance(backend, Simulates):
            return self._simulated_ms(model, backend) / self._simulated_ms(self._dense, backend)
        shape = self._target.batch, *self._example.shape[1:]
        generator = torch.Generator().manual_seed(0)
        images = [torch.randn(shape, generator=generator) for _ in range(INPUT_BATCHES)]
        torch.set_num_threads(self._target.threads)
        try:
            with torch.no_grad():
                dense, pruned = (
                    load_on_backend(backend, copy.deepcopy(subject), images[0])
                    for subject in (self._dense, model)
                )
                runs = {
                    "dense": [partial(dense, to_device(one, backend)) for one in images],
                    "pruned": [partial(pruned, to_device(one, backend)) for one in images],
                }
                clock = device_clock(backend)
                samples = interleave(
                    runs, reference="dense", limits=SEARCH_LIMITS, seed=0, elapsed=clock
                ).samples
        finally:
            torch.set_num_threads(1)
        whole, rest = np.asarray(samples["dense"]), np.asarray(samples["pruned"])
        return float(1.0 - np.median(whole - rest) / np.median(whole))

    def _simulated_ms(self, model: nn.Module, backend: Backend) -> float:
        """Simulated latency of one batch in milliseconds."""
        if not isinstance(backend, LoadsFile) or not isinstance(backend, Simulates):
            raise HarnessError(f"{backend.name} loads no file that it could simulate")
        images = self._example[:1].expand(self._target.batch, *self._example.shape[1:])
        file = convert(backend.converter, copy.deepcopy(model), images)
        return backend.simulate(file).latency_ms


def least_removal(
    choose: Callable[[float], PrunedT],
    level: float,
    *,
    left: Callable[[nn.Module], float],
    first: float,
    of: str,
) -> PrunedT:
    """Least removal: about the lowest sparsity of `choose` that leaves no more than `1 - level`.

    `left` measures which fraction of the dense model's `of` a model has, since sparsity does not tell:
    products of activations are no weight's, and time falls in steps as channels leave (NetAdapt, Yang
    2018, measures as well). Raises UnsupportedError where no try leaves little enough.
    """
    low, high, sparsity = 0.0, 1.0, first
    best: PrunedT | None = None
    problem, smallest = UnsupportedError("nothing can leave"), math.inf
    for attempt in range(MAX_TRIES):
        guess = low
        try:
            removal = choose(sparsity)
        except UnsupportedError as error:
            # More than can leave: less may do.
            problem, high = error, sparsity
        else:
            apply_masks(removal.model, removal.masks)
            fraction = left(removal.model)
            smallest = min(smallest, fraction)
            guess = 1.0 - (1.0 - sparsity) * (1.0 - level) / fraction * GUESS_MARGIN
            if fraction <= 1.0 - level:
                high, best = sparsity, removal
            else:
                low = sparsity
            if 0.0 <= 1.0 - level - fraction <= MAX_SLACK:
                break
        if low >= MAX_SPARSITY:
            break
        # Every other try halves what is open: where cost falls in steps, guesses creep.
        sparsity = guess if attempt % 2 == 0 and low < guess < high else (low + high) / 2
    if best is not None:
        return best
    if smallest < math.inf:
        problem = UnsupportedError(f"{smallest:.1%} of dense {of} is left, whatever leaves")
    raise problem
