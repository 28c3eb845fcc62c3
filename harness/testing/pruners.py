"""Pruners: scores, masks, rewritten weights and penalties on a small residual network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from harness.contracts.evidence import GRANULARITIES
from harness.contracts.pruners import MakesMasks, Penalises, Pruner, PrunesOnly, Rewrites, Scoped, Steps
from harness.pruning.evidence import RecordedEvidence
from harness.pruning.granularity import pattern
from harness.pruning.layers import prunable_weights
from harness.pruning.mask_search import Aim, weight_costs, whole_cost
from harness.pruning.removal import choose_in_steps, choose_removal
from harness.pruning.scoring import Scoring, Sight, check_finite
from harness.pruning.surgery import coupled_layers
from harness.testing.arguments import ready
from harness.testing.requirements import require, untouched
from harness.training.penalty import penalty_on
from harness.training.synthetic import NoiseImages, residual_network

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor, nn

    from harness.contracts.evidence import Granularity, Scope
    from harness.contracts.pruners import Scores
    from harness.pruning.removal import Removal
    from harness.testing.abilities import Abilities

SPARSITY = 0.25
"""What is removed: a criterion that scores one layer of the network alone can remove as much."""
MOST_STEPS = 3
"""Of those that a pruner asks for; more would show nothing new."""


def check_pruner(pruner: Pruner, *, argument: str | None = None) -> Abilities:
    """Scores are finite, shaped as the contract says, repeatable, and complete enough to prune by.

    Masks, rewritten weights, steps and penalties are tried where the pruner offers them; `argument` is
    what it is configured with first. Returns its abilities.
    """
    pruner, abilities = ready(pruner, Pruner, argument=argument)
    defined = pruner.granularities if isinstance(pruner, PrunesOnly) else GRANULARITIES
    known = bool(defined) and set(defined) <= set(GRANULARITIES)
    require(known, f"{pruner.name}: granularities are of {GRANULARITIES}, not {[*defined]}")
    for granularity in GRANULARITIES:
        if granularity in defined:
            _check_at(_Trial.of(pruner, granularity))
    return abilities


@dataclass(frozen=True, kw_only=True)
class _Trial:
    """A pruner on the network at one granularity."""

    pruner: Pruner
    granularity: Granularity
    model: nn.Module
    sight: Sight

    @classmethod
    def of(cls, pruner: Pruner, granularity: Granularity) -> _Trial:
        images, labels = NoiseImages().tensors
        batches = [(images[:32], labels[:32]), (images[32:], labels[32:])]
        sight = Sight(example=images[:2], batches=batches)
        return cls(pruner=pruner, granularity=granularity, model=residual_network(), sight=sight)

    @property
    def label(self) -> str:
        """What each sentence begins with."""
        return f"{self.pruner.name} at {self.granularity}"

    def scoring(self) -> Scoring:
        """Of evidence that nobody else has touched."""
        channel = self.granularity == "channel"
        coupled = coupled_layers(self.model, self.sight.example) if channel else None
        evidence = RecordedEvidence(
            self.model,
            granularity=self.granularity,
            batches=self.sight.batches,
            coupled=coupled,
            seed=0,
        )
        scores = self.pruner.score(evidence)
        return Scoring(scores=scores, evidence=evidence, coupled=coupled, seconds=0.0)

    def aim(self) -> Aim:
        costs = weight_costs(self.model, self.sight.example, counted="params")
        shapes = {name: weight.shape for name, weight in prunable_weights(self.model).items()}
        return Aim(
            level=SPARSITY,
            pattern=pattern(self.granularity),
            scope=_scope(self.pruner, self.granularity),
            costs=costs,
            whole=whole_cost(shapes, costs),
        )

    def removal(self, pruner: Pruner, scoring: Scoring) -> Removal:
        """What `pruner` removes by the scores."""
        return choose_removal(
            pruner, self.model, scoring, masks={}, example=self.sight.example, aim=self.aim()
        )


@dataclass(frozen=True)
class _Scored:
    """A pruner that offers nothing but its scores."""

    name: str
    scores: Scores

    def score(self, evidence: object) -> Scores:  # noqa: ARG002 -- they are there already
        return self.scores


def _check_at(trial: _Trial) -> None:
    pruner = trial.pruner
    with untouched(trial.model, by=pruner.name):
        scoring = _check_scores(trial)
        if isinstance(pruner, MakesMasks) and trial.granularity == "weight":
            _check_masks(pruner, trial, scoring)
        keep = trial.removal(_Scored(pruner.name, scoring.scores), scoring).keep
        if isinstance(pruner, Rewrites):
            _check_rewrite(pruner, trial, scoring, keep)
        if isinstance(pruner, Penalises):
            _check_penalty(pruner, trial, keep)
        if isinstance(pruner, Steps):
            _check_steps(pruner, trial)
        _check_outputs(trial, trial.removal(pruner, scoring).model)


def _scope(pruner: Pruner, granularity: Granularity) -> Scope:
    """The published one, which the granularity must allow."""
    if not isinstance(pruner, Scoped):
        return "global"
    unknown = sorted({*pruner.scopes} - {*GRANULARITIES})
    require(not unknown, f"{pruner.name}: scopes are by granularity, of which {unknown} are none")
    scope, allowed = pruner.scopes.get(granularity, "global"), pattern(granularity).scopes
    require(scope in allowed, f"{pruner.name} at {granularity}: scope {scope!r} is none of {allowed}")
    return scope


def _check_scores(trial: _Trial) -> Scoring:
    first, second = trial.scoring(), trial.scoring()
    scores, again = first.scores, second.scores
    check_finite(scores)
    floats = all(score.is_floating_point() for score in scores.values())
    require(floats, f"{trial.label}: scores are floats")
    _check_shapes(trial, scores)
    same = all(torch.equal(score, again[name]) for name, score in scores.items())
    require(same, f"{trial.label}: the same evidence must give the same scores")
    return first


def _check_shapes(trial: _Trial, scores: Scores) -> None:
    shapes = {name: weight.shape for name, weight in prunable_weights(trial.model).items()}
    channel = trial.granularity == "channel"
    # A layer whose channels have no score keeps them all, and the head's are never removed.
    enough = not channel or {*shapes} & {*scores} - {[*shapes][-1]}
    require(bool(enough), f"{trial.label}: scores no layer of {[*shapes]}")
    for name, shape in shapes.items():
        allowed = {shape, *([shape[:1]] if channel else [])}
        given = scores[name].shape if name in scores else None
        require(
            given in allowed or (channel and given is None),
            f"{trial.label}: {name!r} needs one of {allowed}, not {given}",
        )


def _check_masks(pruner: MakesMasks, trial: _Trial, scoring: Scoring) -> None:
    few, again, many = (pruner.masks(scoring.evidence, level) for level in (0.5, 0.5, 0.9))
    weights = prunable_weights(trial.model)
    for name, keep in few.items():
        shaped = name in weights and keep.shape == weights[name].shape
        require(shaped, f"{trial.label}: the mask of {name!r} is not shaped like a prunable weight")
        require(keep.dtype == torch.bool, f"{trial.label}: the mask of {name!r} is not bool")
        require(torch.equal(keep, again[name]), f"{trial.label}: the same evidence, other masks")
    left = [sum(int(keep.sum()) for keep in masks.values()) for masks in (few, many)]
    require(left[1] < left[0], f"{trial.label}: masks at sparsity 0.9 keep no fewer than at 0.5")


def _check_rewrite(
    pruner: Rewrites, trial: _Trial, scoring: Scoring, keep: Mapping[str, Tensor]
) -> None:
    shapes = {name: tuple(value.shape) for name, value in trial.model.named_parameters()}
    for name, weight in pruner.rewrite(scoring.evidence, keep).items():
        require(name in shapes, f"{trial.label}: rewrites {name!r}, which is no parameter")
        what = f"{trial.label}: the rewritten {name!r}"
        given = tuple(weight.shape)
        require(given == shapes[name], f"{what} is shaped {given}, not {shapes[name]}")
        require(bool(torch.isfinite(weight).all()), f"{what} holds NaN or infinity")


def _check_penalty(pruner: Penalises, trial: _Trial, keep: Mapping[str, Tensor]) -> None:
    require(0.0 < pruner.penalty_share <= 1.0, f"{trial.label}: penalty_share is above 0, at most 1")
    model = residual_network()
    penalty = penalty_on(
        model,
        pruner,
        keep={} if pruner.scores_after else keep,
        example=trial.sight.example if trial.granularity == "channel" else None,
    )
    for progress in (0.0, 0.5, 1.0):
        added = penalty(progress)
        scalar = added.dim() == 0 and bool(torch.isfinite(added))
        require(scalar, f"{trial.label}: the penalty at progress {progress} is no finite scalar")
    require(added.requires_grad, f"{trial.label}: the penalty has no gradient: make it of live tensors")
    pulls = torch.autograd.grad(added, list(model.parameters()), allow_unused=True)
    some = any(pull is not None and bool(pull.any()) for pull in pulls)
    require(some, f"{trial.label}: the penalty's gradient is zero when training ends")


def _check_steps(pruner: Steps, trial: _Trial) -> None:
    whole = isinstance(pruner.steps, int) and pruner.steps >= 1
    require(whole, f"{trial.label}: steps are a whole number above 0, not {pruner.steps!r}")
    _, removal = choose_in_steps(
        trial.pruner,
        trial.model,
        trial.sight,
        steps=min(pruner.steps, MOST_STEPS),
        masks={},
        aim=trial.aim(),
        seed=0,
    )
    _check_outputs(trial, removal.model)


def _check_outputs(trial: _Trial, model: nn.Module) -> None:
    """The pruned network still computes."""
    with torch.no_grad():
        outputs = model.eval()(trial.sight.example)
    finite = outputs.shape == (2, NoiseImages.classes) and bool(torch.isfinite(outputs).all())
    require(finite, f"{trial.label}: the pruned network's outputs are no finite logits")
