"""Level cuts: what one criterion removes from a model at any level, read back and counted."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import pairwise
from typing import TYPE_CHECKING

import torch

from harness.contracts.granularity import pattern
from harness.errors import HarnessError
from harness.networks.layers import count_macs, exempt_weights
from harness.pruning.floor import model_at_floor
from harness.pruning.masks import apply_masks
from harness.pruning.removal import choose_removal, trace_and_score
from harness.pruning.scoring import CalibrationData
from harness.trials.snapshot import check_rebuild, rebuild, state_of, trace_unfilled
from harness.trials.target import Target
from harness.trials.target_search import TargetSearch

if TYPE_CHECKING:
    from torch import Tensor, nn

    from harness.contracts.data import Dataset, Model
    from harness.contracts.granularity import Pattern
    from harness.contracts.pruners import Pruner
    from harness.networks.channel_groups import CutsCopies
    from harness.networks.surgery import History
    from harness.pruning.removal import Removal
    from harness.pruning.scoring import Scoring

LOW, HALF, HIGH = 0.1, 0.5, 0.9
COMPARED_IMAGES = 2
FUSED = "fused_attn"
"""By which timm's attentions choose between a fused kernel and its steps."""
LEAST_STEP = 0.05
"""From half to a higher level, where one is tried."""
MOST_OF_REACH = 0.95
"""Fraction of what can leave at all that is asked for at most, where that is less than a level."""


def target_search(model: nn.Module, example: Tensor, granularity: str) -> TargetSearch:
    """Target search of multiply-accumulates at channel, else of prunable weights."""
    chosen = pattern(granularity)
    target = Target(quantity="macs" if chosen.scored == "channel" else "params")
    return TargetSearch(model, example=example, target=target, pattern=chosen, scope="local")


@dataclass(frozen=True, kw_only=True)
class LevelCuts:
    """Level cuts: one model, a criterion, and a search for what its levels are fractions of."""

    pruner: Pruner
    model: nn.Module
    example: Tensor
    search: TargetSearch

    def at(self, level: float) -> Removal:
        """The removal at a level, its zeros in place."""
        return self._remove(self.model, self._scoring, level)

    def going_on(self, earlier: Removal, level: float) -> Removal:
        """The removal of a second round, traced and scored on what is left after an earlier one."""
        return self._remove(earlier.model, self._score(earlier.model), level)

    def within_reach(self, level: float) -> float:
        """The level, or nearly what can leave at all where that is less."""
        smallest = model_at_floor(
            self.model, self.example, self.search.budget(level), coupled=self._scoring.coupled
        )
        return min(level, MOST_OF_REACH * (1.0 - self.search.fraction_left(smallest)))

    @property
    def pattern(self) -> Pattern:
        """Pattern of what leaves."""
        return self.search.budget(0.0).pattern

    @cached_property
    def _scoring(self) -> Scoring:
        return self._score(self.model)

    def _score(self, model: nn.Module) -> Scoring:
        labels = torch.arange(len(self.example))
        calibration = CalibrationData(example=self.example, batches=[(self.example, labels)])
        return trace_and_score(self.pruner, model, calibration, granularity=self.pattern.scored, seed=0)

    def _remove(self, model: nn.Module, scoring: Scoring, level: float) -> Removal:
        def choose(sparsity: float) -> Removal:
            budget = self.search.budget(sparsity)
            return choose_removal(
                self.pruner, model, scoring, masks={}, example=self.example, budget=budget
            )

        removal = self.search.meet(choose, level)
        apply_masks(removal.model, removal.masks)
        return removal


def check_level_cuts(cuts: LevelCuts, half: Removal, model: Model, dataset: Dataset) -> None:
    """See that what is cut is read back and counted: the half, less, more, and half in two rounds.

    Raises HarnessError where it is not, where fused kernels count otherwise than spelt-out ones, or
    where a higher level leaves as many numbers. A pattern that is a sparsity of its own has one level.
    """
    traced = trace_unfilled(model, dataset) if half.cut else None
    check = partial(_check_read_back, model=model, dataset=dataset, traced=traced)
    check(half.model, half.cut)
    if cuts.pattern.n_of_m:
        return
    less, high = cuts.at(LOW), cuts.within_reach(HIGH)
    more = [cuts.at(high)] if high > HALF + LEAST_STEP else []
    for removal in (less, *more):
        check(removal.model, removal.cut)
    numbers = [_numbers(removal.model) for removal in (less, half, *more)]
    if any(fewer >= before for before, fewer in pairwise(numbers)):
        raise HarnessError(f"rising levels leave {', '.join(map(str, numbers))} numbers")
    second = cuts.going_on(less, HALF)
    check(second.model, less.cut + second.cut)


def _numbers(network: nn.Module) -> int:
    return sum(int(own.count_nonzero()) for own in network.parameters())


def _check_read_back(
    network: nn.Module,
    history: History,
    *,
    model: Model,
    dataset: Dataset,
    traced: CutsCopies | None,
) -> None:
    make = partial(
        rebuild,
        model,
        dataset,
        state_of(network),
        history=history,
        unreached=exempt_weights(network),
        traced=traced,
    )
    check_rebuild(network, make, name=model.name, dataset=dataset, images=COMPARED_IMAGES)
    if not any(hasattr(module, FUSED) for module in network.modules()):
        return
    example = torch.zeros(1, *dataset.shape)
    macs, spelt_out = count_macs(network, example), count_macs(_spelt_out(network), example)
    if macs != spelt_out:
        raise HarnessError(f"{macs} multiply-accumulates are counted, {spelt_out} spelt out")


def _spelt_out(network: nn.Module) -> nn.Module:
    """A copy that computes attention step by step, where timm lets it choose."""
    unfused = copy.deepcopy(network)
    for module in unfused.modules():
        if hasattr(module, FUSED):
            module.fused_attn = False  # type: ignore[assignment]  # torch's modules take any attribute
    return unfused
