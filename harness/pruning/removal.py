"""Removal by one scoring: masks of weights, or channels cut from a copy."""

from __future__ import annotations

import copy
import hashlib
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from harness.contracts.pruners import Rewrites
from harness.errors import HarnessError, UnknownNameError, UnsupportedError
from harness.networks.layers import prunable_weights
from harness.networks.surgery import coupled_layers, remove_channels
from harness.pruning._channel_selection import (
    channel_scores,
    comparable_scores,
    select_channels,
)
from harness.pruning._floors import floors_of, is_spared
from harness.pruning.mask_search import select_masks
from harness.pruning.masks import apply_masks
from harness.pruning.scoring import score_model
from harness.storage.keys import digest, source_hash

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor, nn

    from harness.contracts.evidence import Granularity
    from harness.contracts.pruners import Pruner
    from harness.networks.channel_groups import ChannelGroup, CoupledLayers
    from harness.networks.surgery import History
    from harness.pruning.mask_search import PruningBudget
    from harness.pruning.masks import Masks
    from harness.pruning.scoring import CalibrationData, Scoring
    from harness.storage.tensor_cache import TensorCache


@dataclass(frozen=True, kw_only=True)
class Removal:
    """Removal: a copy of the model to go on with, and what left it, masked weights or cut channels.

    `keep` says the same by weight: bool, shaped like it, or `(out,)` where channels leave.
    `scoring` is what it was chosen by. `rewritten` names the criterion that changed the weights that
    stay; `seconds` went into that, or into scoring anew.
    """

    scoring: Scoring = field(repr=False)
    model: nn.Module = field(repr=False)
    keep: Mapping[str, Tensor] = field(repr=False)
    masks: Masks = field(default_factory=dict, repr=False)
    cut: History = field(default_factory=list)
    reduction: str
    layers_at_floor: int = 0
    excluded: str = ""
    rewritten: str = ""
    seconds: float = 0.0

    def digest(self) -> str:
        """Digest of the removal: equal where two criteria remove the same and leave the rest alike."""
        chosen = [sorted(self.masks), self.cut, *([self.rewritten] if self.rewritten else [])]
        content_hash = hashlib.sha256(digest(chosen).encode())
        for _, keep in sorted(self.masks.items()):
            content_hash.update(np.packbits(keep.numpy()).tobytes())
        return content_hash.hexdigest()[:12]


def trace_and_score(
    pruner: Pruner,
    model: nn.Module,
    calibration: CalibrationData,
    *,
    granularity: Granularity,
    seed: int,
    cache: TensorCache | None = None,
) -> Scoring:
    """Trace the model for coupled layers, where channels are scored, and score it."""
    began = time.perf_counter()
    coupled = coupled_layers(model, calibration.example) if granularity == "channel" else None
    tracing = time.perf_counter() - began
    scoring = score_model(
        pruner, model, calibration, granularity=granularity, coupled=coupled, seed=seed, cache=cache
    )
    return replace(scoring, seconds=tracing + scoring.seconds)


def choose_removal(
    pruner: Pruner,
    model: nn.Module,
    scoring: Scoring,
    *,
    masks: Mapping[str, Tensor],
    example: Tensor,
    budget: PruningBudget,
) -> Removal:
    """Choose what leaves `model`, where `masks` are in force already.

    Raises UnsupportedError where the sparsity cannot be reached.
    """
    if scoring.coupled is None:
        return _remove_weights(pruner, model, scoring, masks, budget=budget)
    return _remove_channels(pruner, model, scoring, scoring.coupled, example=example, budget=budget)


def choose_in_steps(
    pruner: Pruner,
    model: nn.Module,
    calibration: CalibrationData,
    *,
    steps: int,
    masks: Mapping[str, Tensor],
    budget: PruningBudget,
    seed: int,
) -> Removal:
    """Choose in steps, scored anew in each; each leaves the same fraction (Tanaka 2020).

    Raises HarnessError where there is no step.
    """
    if not isinstance(steps, int) or steps < 1:
        raise HarnessError(f"{pruner.name}: steps are a whole number above 0, not {steps!r}")
    began = time.perf_counter()
    # A pattern that says its own sparsity is reached at once.
    steps = 1 if budget.pattern.n_of_m else steps
    weights = prunable_weights(model)
    density = (
        sum(int(w.count_nonzero()) * budget.costs[name] for name, w in weights.items())
        / budget.dense_cost
    )
    cut: History = []
    for step in range(1, steps + 1):
        level = 1.0 - density * ((1.0 - budget.level) / density) ** (step / steps)
        scoring = trace_and_score(
            pruner, model, calibration, granularity=budget.pattern.scored, seed=seed
        )
        removal = choose_removal(
            pruner,
            model,
            scoring,
            masks=masks,
            example=calibration.example,
            budget=replace(budget, level=level if step < steps else budget.level),
        )
        model, masks, cut = removal.model, removal.masks, cut + removal.cut
        apply_masks(model, masks)
    # Of all steps together, and nothing twice.
    scoring = replace(removal.scoring, seconds=0.0)
    return replace(removal, cut=cut, scoring=scoring, seconds=time.perf_counter() - began)


def _remove_weights(
    pruner: Pruner,
    model: nn.Module,
    scoring: Scoring,
    masks: Mapping[str, Tensor],
    *,
    budget: PruningBudget,
) -> Removal:
    weights = prunable_weights(model)
    chosen = select_masks(pruner, scoring.scores, scoring.evidence, masks=masks, budget=budget)
    if not chosen:
        raise UnsupportedError(f"no layer's inputs are a multiple, as {budget.pattern.name} needs them")
    smaller = copy.deepcopy(model)
    rewritten, seconds = _rewrite(pruner, smaller, scoring, chosen)
    return Removal(
        scoring=scoring,
        masks=chosen,
        keep=chosen,
        model=smaller,
        reduction="elementwise",
        excluded=",".join(name for name in weights if name not in chosen),
        rewritten=rewritten,
        seconds=seconds,
    )


def _rewrite(
    pruner: Pruner, model: nn.Module, scoring: Scoring, keep: Mapping[str, Tensor]
) -> tuple[str, float]:
    """Let the criterion change what stays, in place: its name and source, and how long it took."""
    if not isinstance(pruner, Rewrites):
        return "", 0.0
    began = time.perf_counter()
    parameters = dict(model.named_parameters())
    with torch.no_grad():
        for name, weight in pruner.rewrite(scoring.evidence, keep).items():
            _check_rewritten(pruner, name, weight, parameters)
            parameters[name].copy_(weight)
    return f"{pruner.name} {source_hash(pruner)}", time.perf_counter() - began


def _check_rewritten(
    pruner: Pruner, name: str, weight: Tensor, parameters: Mapping[str, Tensor]
) -> None:
    """Raise HarnessError where it could not take the place of a parameter."""
    if name not in parameters:
        raise UnknownNameError(f"parameter that {pruner.name} rewrites", name, parameters)
    what, shape = f"{pruner.name}: the rewritten {name!r}", tuple(parameters[name].shape)
    if tuple(weight.shape) != shape:
        raise HarnessError(f"{what} is shaped {tuple(weight.shape)}, not {shape}")
    if not bool(torch.isfinite(weight).all()):
        raise HarnessError(f"{what} holds NaN or infinity")


def _remove_channels(
    pruner: Pruner,
    model: nn.Module,
    scoring: Scoring,
    coupled: CoupledLayers,
    *,
    example: Tensor,
    budget: PruningBudget,
) -> Removal:
    scores = scoring.scores
    groups = [
        group
        for group in coupled.groups
        if any(member.parameter in scores for member in group.producers)
        and not is_spared(group, budget.spared)
    ]
    if not groups:
        others = " and that --keep and --only let leave" if budget.spared else ""
        raise UnsupportedError(f"it scores no layer whose channels can leave{others}")
    reduced = [channel_scores(scores, group) for group in groups]
    keep = select_channels(
        comparable_scores([score for score, _ in reduced], groups, scope=budget.scope),
        groups,
        shapes={name: weight.shape for name, weight in prunable_weights(model).items()},
        costs=budget.costs,
        budget=budget.allowance,
        multiple=budget.pattern.multiple,
        floors=[
            floors_of(
                group, prunable_weights(model), floor=budget.floor, dense_shapes=budget.dense_shapes
            )
            for group in groups
        ],
    )
    smaller = copy.deepcopy(model)
    stays = _keep_by_producer(model, groups, keep.masks)
    rewritten, seconds = _rewrite(pruner, smaller, scoring, stays)
    spared = {group.root for group in coupled.groups} - {group.root for group in groups}
    removals = list(zip(groups, keep.masks, strict=True))
    return Removal(
        scoring=scoring,
        keep=stays,
        cut=remove_channels(smaller, example, removals, traced=coupled.traced),
        model=smaller,
        reduction=",".join(sorted({reduction for _, reduction in reduced})),
        layers_at_floor=keep.layers_at_floor,
        excluded=",".join((*coupled.excluded, *sorted(f"{root}.weight" for root in spared))),
        rewritten=rewritten,
        seconds=seconds,
    )


def _keep_by_producer(
    model: nn.Module, groups: Sequence[ChannelGroup], masks: Sequence[Tensor]
) -> dict[str, Tensor]:
    """Keep masks `(out,)` by the name of the weight that makes the channels."""
    weights, keep_by_weight = prunable_weights(model), dict[str, "Tensor"]()
    for group, mask in zip(groups, masks, strict=True):
        for member in group.producers:
            keep = keep_by_weight.setdefault(
                member.parameter, torch.ones(len(weights[member.parameter]), dtype=torch.bool)
            )
            keep[member.index] = mask[member.root]
    return keep_by_weight
