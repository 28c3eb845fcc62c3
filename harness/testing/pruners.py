"""Pruners: scores, masks, rewritten weights and penalties on a small residual network."""

from __future__ import annotations

from dataclasses import replace
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
from harness.pruning.mask_search import select_masks
from harness.pruning.removal import choose_in_steps
from harness.pruning.scoring import check_distinct, check_finite
from harness.testing.arguments import called, ready
from harness.testing.promises import STEADY_NAME, keep
from harness.testing.pruning_case import PruningCase, ScoresAlone, published_scope
from harness.testing.requirements import require, untouched
from harness.training.penalty import penalty_on
from harness.training.synthetic import NoiseImages, residual_network

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from torch import Tensor, nn

    from harness.contracts.abilities import Abilities
    from harness.contracts.evidence import Scores
    from harness.pruning.scoring import Scoring
    from harness.testing.promises import Promises

MOST_STEPS = 3
"""Of those that a pruner asks for; more would show nothing new."""


def check_pruner(pruner: Pruner, *, argument: str | None = None) -> Abilities:
    """Scores are finite, shaped as the contract says, repeatable, and complete enough to prune by.

    Masks, rewritten weights, steps and penalties are tried where the pruner offers them; `argument` is
    what it is configured with first. Returns its abilities.
    """
    return keep(pruner_promises(pruner, argument=argument))


def pruner_promises(pruner: Pruner, *, argument: str | None = None) -> Promises:
    """What `check_pruner` tries."""
    yield f"{called(pruner)} {STEADY_NAME}"
    pruner, abilities = ready(pruner, Pruner, argument=argument)
    yield f"{pruner.name}: granularities and scopes are those that there are"
    defined = pruner.granularities if isinstance(pruner, PrunesOnly) else GRANULARITIES
    known = bool(defined) and set(defined) <= set(GRANULARITIES)
    require(known, f"{pruner.name}: granularities must be of {GRANULARITIES}, not {[*defined]}")
    cases = [PruningCase.of(pruner, g) for g in GRANULARITIES if g in defined]
    for case in cases:
        published_scope(pruner, case.granularity)
    for case in cases:
        yield from _promises_at(case)
    if isinstance(pruner, ComparedWith):
        yield f"{pruner.name}: its control removes from the same layers"
        _check_control(pruner, pruner.control)
    return abilities


def _check_control(pruner: Pruner, control: Pruner) -> None:
    """The control is found by its name, and removes from the layers that the criterion does."""
    name = f"random:{pruner.name}"
    require(control.name == name, f"{pruner.name}: its control is called {name}, not {control.name}")
    check_pruner(control)
    ours, theirs = ({*PruningCase.of(p, "channel").scoring().scores} for p in (pruner, control))
    require(ours == theirs, f"{name} scores {sorted(theirs)}, and {pruner.name} {sorted(ours)}")


def _promises_at(case: PruningCase) -> Iterator[str]:
    pruner, label = case.pruner, case.label
    with untouched(case.model, by=pruner.name):
        yield f"{label}: scores are finite floats of the right shapes, the same from the same evidence"
        scoring = _check_scores(case)
        if isinstance(pruner, MakesMasks) and case.granularity == "weight":
            yield f"{label}: masks are bool, shaped like weights, repeatable, and follow the sparsity"
            _check_masks(pruner, case, scoring)
        yield f"{label}: its scores choose what is removed"
        kept = case.removal(ScoresAlone(pruner.name, scoring.scores), scoring).keep
        if isinstance(pruner, Penalises):
            yield f"{label}: the penalty is a finite scalar with a gradient"
            _check_penalty(pruner, case, kept)
        if isinstance(pruner, Steps):
            yield f"{label}: scoring in steps goes on from a pruned model"
            _check_steps(pruner, case)
        if isinstance(pruner, Rewrites):
            yield f"{label}: rewritten weights are finite, and those of parameters that there are"
            case.removal(pruner, scoring)
        yield f"{label}: the pruned network computes finite outputs, and the model is left as it was"
        _check_outputs(case, case.removal(pruner, scoring).model)


def _check_scores(case: PruningCase) -> Scoring:
    first, second = case.scoring(), case.scoring()
    scores, again = first.scores, second.scores
    check_finite(scores)
    check_distinct(scores, of=case.label)
    floats = all(score.is_floating_point() for score in scores.values())
    require(floats, f"{case.label}: scores must be floating-point numbers")
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


def _check_masks(pruner: Pruner, case: PruningCase, scoring: Scoring) -> None:
    few, again, many = (
        select_masks(
            pruner,
            scoring.scores,
            scoring.evidence,
            masks={},
            budget=replace(case.budget(), level=level),
        )
        for level in (0.5, 0.5, 0.75)
    )
    for name, mask in few.items():
        require(torch.equal(mask, again[name]), f"{case.label}: the same evidence, other masks")
    left = [sum(int(mask.sum()) for mask in masks.values()) for masks in (few, many)]
    require(left[1] < left[0], f"{case.label}: masks at sparsity 0.75 keep no fewer than at 0.5")


def _check_penalty(pruner: Penalises, case: PruningCase, keep: Mapping[str, Tensor]) -> None:
    whole = isinstance(pruner.least_steps, int) and pruner.least_steps >= 1
    require(
        whole, f"{case.label}: least_steps must be a whole number above 0, not {pruner.least_steps!r}"
    )
    model = residual_network()
    penalty = penalty_on(
        model,
        pruner,
        keep={} if pruner.scores_after else keep,
        example=case.calibration.example if case.granularity == "channel" else None,
    )
    for progress in (0.0, 0.5, 1.0):
        added = penalty(progress)
    require(added.requires_grad, f"{case.label}: the penalty has no gradient: make it of live tensors")
    pulls = torch.autograd.grad(added, list(model.parameters()), allow_unused=True)
    some = any(pull is not None and bool(pull.any()) for pull in pulls)
    require(some, f"{case.label}: the penalty's gradient is zero when training ends")


def _check_steps(pruner: Steps, case: PruningCase) -> None:
    removal = choose_in_steps(
        case.pruner,
        case.model,
        case.calibration,
        steps=pruner.steps if pruner.steps < 1 else min(pruner.steps, MOST_STEPS),
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
