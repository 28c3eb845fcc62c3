"""One scoring turned into what is removed: masks of weights, or channels cut from a copy."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from harness.errors import HarnessError, UnknownNameError
from harness.evidence import RecordedEvidence
from harness.keys import digest
from harness.masks import channel_scores, channels_for, check_finite, weight_masks
from harness.row import encode_bits
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
        masks = {name: encode_bits(keep.numpy().ravel()) for name, keep in self.masks.items()}
        return digest([masks, self.cut])


def choose_removal(
    trial: Trial,
    model: nn.Module,
    *,
    masks: Mapping[str, Tensor],
    example: Tensor,
    batches: Sequence[tuple[Tensor, Tensor]],
    sparsity: float,
    budget: float,
    seed: int,
) -> tuple[Removal, set[str]]:
    """Score `model` and choose what goes; `budget` is how many prunable parameters may stay.

    `masks` are those in force. The second result names the evidence that the criterion touched.
    Raises UnsupportedError where the method is not defined here, HarnessError where its scores are
    not what the contract asks for.
    """
    channel = trial.granularity == "channel"
    coupled = coupled_layers(model, example) if channel else None
    evidence = RecordedEvidence(
        model,
        granularity=trial.granularity,
        batches=batches,
        norm_of=coupled.norm_of if coupled else {},
        seed=seed,
    )
    scores = {name: score.detach() for name, score in trial.pruner.score(evidence).items()}
    check_finite(scores)
    if coupled:
        removal = _channels(model, scores, coupled, example=example, budget=budget, scope=trial.scope)
    else:
        removal = _weights(model, scores, masks, sparsity=sparsity, scope=trial.scope)
    return removal, evidence.touched


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
    reduced = [channel_scores(scores, group) for group in coupled.groups]
    keep = channels_for(
        [score for score, _ in reduced],
        coupled.groups,
        shapes={name: weight.shape for name, weight in prunable_weights(model).items()},
        budget=budget,
        scope=scope,
    )
    smaller = copy.deepcopy(model)
    removals = list(zip(coupled.groups, keep.masks, strict=True))
    return Removal(
        cut=remove_channels(smaller, example, removals),
        model=smaller,
        reduction=",".join(sorted({reduction for _, reduction in reduced})),
        layers_at_one=keep.layers_at_one,
        excluded=",".join(coupled.excluded),
    )
