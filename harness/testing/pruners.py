"""Pruners: scores, masks, rewritten weights and penalties on a small residual network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from harness.contracts.evidence import GRANULARITIES
from harness.contracts.pruners import (
    ComparedWith,
    MakesMasks,
    Penalises,
    Pruner,
    PrunesOnly,
    Rewrites,
    Steps,
)
from harness.networks.layers import prunable_weights
from harness.pruning.removal import choose_in_steps
from harness.pruning.scoring import check_finite
from harness.testing.arguments import ready
from harness.testing.pruning_case import PruningCase, ScoresAlone
from harness.testing.requirements import require, untouched
from harness.training.penalty import penalty_on
from harness.training.synthetic import NoiseImages, residual_network

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor, nn

    from harness.contracts.evidence import Scores
    from harness.pruning.scoring import Scoring
    from harness.testing.abilities import Abilities

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
            _check_at(PruningCase.of(pruner, granularity))
    if isinstance(pruner, ComparedWith):
        _check_control(pruner, pruner.control)
    return abilities


def _check_control(pruner: Pruner, control: Pruner) -> None:
    """The control is found by its name, and removes from the layers that the criterion does."""
    name = f"random:{pruner.name}"
    require(control.name == name, f"{pruner.name}: its control is called {name}, not {control.name}")
    check_pruner(control)
    ours, theirs = ({*PruningCase.of(p, "channel").scoring().scores} for p in (pruner, control))
    require(ours == theirs, f"{name} scores {sorted(theirs)}, and {pruner.name} {sorted(ours)}")


def _check_at(case: PruningCase) -> None:
    pruner = case.pruner
    with untouched(case.model, by=pruner.name):
        scoring = _check_scores(case)
        if isinstance(pruner, MakesMasks) and case.granularity == "weight":
            _check_masks(pruner, case, scoring)
        keep = case.removal(ScoresAlone(pruner.name, scoring.scores), scoring).keep
        if isinstance(pruner, Rewrites):
            _check_rewrite(pruner, case, scoring, keep)
        if isinstance(pruner, Penalises):
            _check_penalty(pruner, case, keep)
        if isinstance(pruner, Steps):
            _check_steps(pruner, case)
        _check_outputs(case, case.removal(pruner, scoring).model)


def _check_scores(case: PruningCase) -> Scoring:
    first, second = case.scoring(), case.scoring()
    scores, again = first.scores, second.scores
    check_finite(scores)
    floats = all(score.is_floating_point() for score in scores.values())
    require(floats, f"{case.label}: scores are floats")
    _check_shapes(case, scores)
    same = all(torch.equal(score, again[name]) for name, score in scores.items())
    require(same, f"{case.label}: the same evidence must give the same scores")
    return first


def _check_shapes(case: PruningCase, scores: Scores) -> None:
    shapes = {name: weight.shape for name, weight in prunable_weights(case.model).items()}
    channel = case.granularity == "channel"
    # A layer whose channels have no score keeps them all, and the head's are never removed.
    enough = not channel or {*shapes} & {*scores} - {[*shapes][-1]}
    require(bool(enough), f"{case.label}: scores no layer of {[*shapes]}")
    unknown = sorted({*scores} - {name for name, _ in case.model.named_parameters()})
    require(not unknown, f"{case.label}: scores {unknown}, which are no parameters")
    for name, shape in shapes.items():
        allowed = {shape, *([shape[:1]] if channel else [])}
        given = scores[name].shape if name in scores else None
        require(
            given in allowed or (channel and given is None),
            f"{case.label}: {name!r} needs one of {allowed}, not {given}",
        )


def _check_masks(pruner: MakesMasks, case: PruningCase, scoring: Scoring) -> None:
    few, again, many = (pruner.masks(scoring.evidence, level) for level in (0.5, 0.5, 0.9))
    weights = prunable_weights(case.model)
    for name, keep in few.items():
        shaped = name in weights and keep.shape == weights[name].shape
        require(shaped, f"{case.label}: the mask of {name!r} is not shaped like a prunable weight")
        require(keep.dtype == torch.bool, f"{case.label}: the mask of {name!r} is not bool")
        require(torch.equal(keep, again[name]), f"{case.label}: the same evidence, other masks")
    left = [sum(int(keep.sum()) for keep in masks.values()) for masks in (few, many)]
    require(left[1] < left[0], f"{case.label}: masks at sparsity 0.9 keep no fewer than at 0.5")


def _check_rewrite(
    pruner: Rewrites, case: PruningCase, scoring: Scoring, keep: Mapping[str, Tensor]
) -> None:
    shapes = {name: tuple(value.shape) for name, value in case.model.named_parameters()}
    for name, weight in pruner.rewrite(scoring.evidence, keep).items():
        require(name in shapes, f"{case.label}: rewrites {name!r}, which is no parameter")
        what = f"{case.label}: the rewritten {name!r}"
        given = tuple(weight.shape)
        require(given == shapes[name], f"{what} is shaped {given}, not {shapes[name]}")
        require(bool(torch.isfinite(weight).all()), f"{what} holds NaN or infinity")


def _check_penalty(pruner: Penalises, case: PruningCase, keep: Mapping[str, Tensor]) -> None:
    whole = isinstance(pruner.least_steps, int) and pruner.least_steps >= 1
    require(whole, f"{case.label}: least_steps is a whole number above 0, not {pruner.least_steps!r}")
    model = residual_network()
    penalty = penalty_on(
        model,
        pruner,
        keep={} if pruner.scores_after else keep,
        example=case.calibration.example if case.granularity == "channel" else None,
    )
    for progress in (0.0, 0.5, 1.0):
        added = penalty(progress)
        scalar = added.dim() == 0 and bool(torch.isfinite(added))
        require(scalar, f"{case.label}: the penalty at progress {progress} is no finite scalar")
    require(added.requires_grad, f"{case.label}: the penalty has no gradient: make it of live tensors")
    pulls = torch.autograd.grad(added, list(model.parameters()), allow_unused=True)
    some = any(pull is not None and bool(pull.any()) for pull in pulls)
    require(some, f"{case.label}: the penalty's gradient is zero when training ends")


def _check_steps(pruner: Steps, case: PruningCase) -> None:
    whole = isinstance(pruner.steps, int) and pruner.steps >= 1
    require(whole, f"{case.label}: steps are a whole number above 0, not {pruner.steps!r}")
    removal = choose_in_steps(
        case.pruner,
        case.model,
        case.calibration,
        steps=min(pruner.steps, MOST_STEPS),
        masks={},
        budget=case.budget(),
        seed=0,
    )
    _check_outputs(case, removal.model)


def _check_outputs(case: PruningCase, model: nn.Module) -> None:
    """The pruned network still computes."""
    with torch.no_grad():
        outputs = model.eval()(case.calibration.example)
    finite = outputs.shape == (2, NoiseImages.classes) and bool(torch.isfinite(outputs).all())
    require(finite, f"{case.label}: the pruned network's outputs are no finite logits")
