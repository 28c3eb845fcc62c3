"""One scoring turned into what is removed: masks of weights, or channels cut from a copy."""

from __future__ import annotations

import copy
import hashlib
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from harness.errors import HarnessError, UnknownNameError, UnsupportedError
from harness.evidence import RecordedEvidence
from harness.keys import digest
from harness.masks import channel_scores, channels_for, check_finite, weight_masks
from harness.surgery import coupled_layers, prunable_weights, remove_channels

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor, nn

    from harness.contracts import Scope, Scores
    from harness.grid import Trial
    from harness.surgery import CoupledLayers, History


@dataclass(frozen=True, kw_only=True)
class Removal:
    """A copy of the model to go on with, and what left it: masked weights or cut channels."""

    model: nn.Module = field(repr=False)
    masks: dict[str, Tensor] = field(default_factory=dict, repr=False)
    cut: History = field(default_factory=list)
    reduction: str
    layers_at_one: int = 0
    excluded: str = ""

    def digest(self) -> str:
        """The same where two criteria chose to remove the same."""
        found = hashlib.sha256(digest([sorted(self.masks), self.cut]).encode())
        for _, keep in sorted(self.masks.items()):
            found.update(np.packbits(keep.numpy()).tobytes())
        return found.hexdigest()[:12]


@dataclass(frozen=True, kw_only=True)
class Scoring:
    """What a criterion said of one model, and the evidence it looked at to say it."""

    scores: Scores = field(repr=False)
    touched: frozenset[str]
    coupled: CoupledLayers | None
    seconds: float


def score_model(
    trial: Trial,
    model: nn.Module,
    *,
    example: Tensor,
    batches: Sequence[tuple[Tensor, Tensor]],
    seed: int,
) -> Scoring:
    """Let the trial's criterion score `model`, which it cannot touch.

    Raises HarnessError where the scores are not finite, UnsupportedError where the criterion is not
    defined on this model.
    """
    began = time.perf_counter()
    coupled = coupled_layers(model, example) if trial.granularity == "channel" else None
    evidence = RecordedEvidence(
        model,
        granularity=trial.granularity,
        batches=batches,
        coupled=coupled,
        seed=seed,
    )
    scores = {name: _as_float(score) for name, score in trial.pruner.score(evidence).items()}
    check_finite(scores)
    return Scoring(
        scores=scores,
        touched=frozenset(evidence.touched),
        coupled=coupled,
        seconds=time.perf_counter() - began,
    )


def _as_float(score: Tensor) -> Tensor:
    # Counts and flags are scores too, but neither holds the infinity that pins what was removed.
    return score.detach() if score.is_floating_point() else score.detach().double()


def choose_removal(
    model: nn.Module,
    scoring: Scoring,
    *,
    masks: Mapping[str, Tensor],
    example: Tensor,
    sparsity: float,
    budget: float,
    scope: Scope,
) -> Removal:
    """What leaves `model`; `budget` is how many prunable parameters may stay, `masks` are in force.

    Raises UnsupportedError where the sparsity cannot be reached, HarnessError where the scores are
    not shaped as the contract asks for.
    """
    if scoring.coupled is None:
        return _weights(model, scoring.scores, masks, sparsity=sparsity, scope=scope)
    return _channels(
        model, scoring.scores, scoring.coupled, example=example, budget=budget, scope=scope
    )


def _weights(
    model: nn.Module, scores: Scores, masks: Mapping[str, Tensor], *, sparsity: float, scope: Scope
) -> Removal:
    weights = prunable_weights(model)
    for name in scores:
        if name not in weights:
            raise UnknownNameError("prunable weight", name, weights)
    for name, weight in weights.items():
        if name not in scores or scores[name].shape != weight.shape:
            found = tuple(scores[name].shape) if name in scores else "missing"
            raise HarnessError(
                f"at granularity weight, the scores of {name!r} must be shaped "
                f"{tuple(weight.shape)}; they are {found}"
            )
    chosen = weight_masks(
        {name: scores[name] for name in weights},
        sparsity,
        scope=scope,
        removed={name: ~keep for name, keep in masks.items()},
    )
    return Removal(masks=chosen, model=copy.deepcopy(model), reduction="elementwise")


def _channels(
    model: nn.Module,
    scores: Scores,
    coupled: CoupledLayers,
    *,
    example: Tensor,
    budget: float,
    scope: Scope,
) -> Removal:
    _check_channel_shapes(model, scores)
    groups = [g for g in coupled.groups if any(m.parameter in scores for m in g.producers)]
    if not groups:
        raise UnsupportedError("it scores no layer whose channels can leave")
    reduced = [channel_scores(scores, group) for group in groups]
    keep = channels_for(
        [score for score, _ in reduced],
        groups,
        shapes={name: weight.shape for name, weight in prunable_weights(model).items()},
        budget=budget,
        scope=scope,
    )
    smaller = copy.deepcopy(model)
    removals = list(zip(groups, keep.masks, strict=True))
    spared = {group.root for group in coupled.groups} - {group.root for group in groups}
    return Removal(
        cut=remove_channels(smaller, example, removals),
        model=smaller,
        reduction=",".join(sorted({reduction for _, reduction in reduced})),
        layers_at_one=keep.layers_at_one,
        excluded=",".join((*coupled.excluded, *sorted(f"{root}.weight" for root in spared))),
    )


def _check_channel_shapes(model: nn.Module, scores: Scores) -> None:
    parameters = dict(model.named_parameters())
    for name, score in scores.items():
        if name not in parameters:
            raise UnknownNameError("parameter", name, parameters)
        shape = parameters[name].shape
        if score.shape not in (shape, shape[:1]):
            raise HarnessError(
                f"at granularity channel, the scores of {name!r} must be shaped {tuple(shape)} or "
                f"{tuple(shape[:1])}; they are {tuple(score.shape)}"
            )
