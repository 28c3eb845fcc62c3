"""Scoring: what a criterion makes of one model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch

from harness.errors import HarnessError, UnknownNameError, failure_reason
from harness.networks.layers import prunable_weights
from harness.pruning.evidence import RecordedEvidence
from harness.storage.keys import source_hash
from harness.storage.tensor_cache import compute_tensors

if TYPE_CHECKING:
    from torch import Tensor, nn

    from harness.contracts.evidence import Batches, Granularity, Scores
    from harness.contracts.pruners import Pruner
    from harness.networks.channel_groups import CoupledLayers
    from harness.storage.tensor_cache import TensorCache

    Masks = dict[str, Tensor]


@dataclass(frozen=True, kw_only=True)
class Scoring:
    """Scoring of one model: scores, and the evidence that they were made from."""

    scores: Scores = field(repr=False)
    evidence: RecordedEvidence = field(repr=False)
    coupled: CoupledLayers | None = field(repr=False)
    seconds: float


@dataclass(frozen=True, kw_only=True)
class CalibrationData:
    """Calibration data: what every criterion of a trial sees besides the model.

    `example` is a batch to trace the model with, `batches` are the calibration images and labels.
    """

    example: Tensor = field(repr=False)
    batches: Batches = field(repr=False)


def score_model(
    pruner: Pruner,
    model: nn.Module,
    calibration: CalibrationData,
    *,
    granularity: Granularity,
    coupled: CoupledLayers | None,
    seed: int,
    cache: TensorCache | None = None,
) -> Scoring:
    """Let a criterion score `model`, which it cannot touch; `cache` keeps what others need of it too.

    Raises HarnessError where the scores are not finite or not shaped as the contract asks for,
    UnsupportedError where the criterion is not defined on this model.
    """
    evidence = RecordedEvidence(
        model,
        granularity=granularity,
        batches=calibration.batches,
        coupled=coupled,
        seed=seed,
        cache=cache,
    )

    def compute() -> tuple[Scores, list[str]]:
        scores = {name: _as_float(score) for name, score in scores_of(pruner, evidence).items()}
        check_finite(scores)
        check_distinct(scores, of=pruner.name)
        check = _check_channel_shapes if granularity == "channel" else _check_weight_shapes
        check(model, scores)
        return scores, sorted(evidence.touched)

    by = [granularity, pruner.name, source_hash(pruner), seed]
    cached = cache.get("scores", compute, by=by) if cache else compute_tensors(compute)
    evidence.touched.update(cached.words)
    return Scoring(scores=cached.tensors, evidence=evidence, coupled=coupled, seconds=cached.seconds)


def scores_of(pruner: Pruner, evidence: RecordedEvidence) -> Scores:
    """Scores that the criterion makes of the evidence.

    Raises HarnessError naming criterion, granularity, and the weight that it looked at last, where it
    fails.
    """
    try:
        # A stranger's may be anything.
        scores: object = pruner.score(evidence)
    except HarnessError:
        raise
    except (Exception, SystemExit) as error:
        what = f"{pruner.name} at {evidence.granularity}: `score` failed"
        at = evidence.last_looked_at()
        raise HarnessError(f"{what}{at and f' on {at}'}: {failure_reason(error)}") from error
    if not isinstance(scores, Mapping):
        kind = type(scores).__name__
        raise HarnessError(f"{pruner.name}: `score` returns scores by parameter name, not {kind}")
    for name, score in scores.items():
        if not isinstance(score, torch.Tensor):
            kind = type(score).__name__
            raise HarnessError(f"{pruner.name}: the scores of {name!r} are a {kind}, and no tensor")
        if score.is_complex():
            raise HarnessError(f"{pruner.name}: scores of {name!r} are complex, which have no order")
    return scores


def _as_float(score: Tensor) -> Tensor:
    # Counts and flags are scores too, but neither holds the infinity that pins what was removed.
    return score.detach() if score.is_floating_point() else score.detach().double()


def _check_weight_shapes(model: nn.Module, scores: Scores) -> None:
    weights = prunable_weights(model)
    for name in scores:
        if name not in weights:
            raise UnknownNameError("prunable weight", name, weights)
    for name, weight in weights.items():
        if name not in scores or scores[name].shape != weight.shape:
            shape = tuple(scores[name].shape) if name in scores else "missing"
            raise HarnessError(
                f"at granularity weight, the scores of {name!r} must be shaped "
                f"{tuple(weight.shape)}; they are {shape}"
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


def check_distinct(scores: Scores, *, of: str) -> None:
    """Raise HarnessError where all scores are one number: what is removed would be an accident."""
    values = [score.flatten() for score in scores.values() if score.numel()]
    if sum(len(some) for some in values) < 2:
        return
    first = values[0][0]
    if all(bool((some == first).all()) for some in values):
        raise HarnessError(f"{of}: all scores are {float(first):g}, so that they choose nothing")


def check_finite(scores: Scores) -> None:
    """Raise HarnessError naming the first parameter whose scores hold NaN or infinity."""
    for name, score in scores.items():
        # A sum tells as much in a tenth of the time, unless it overflows.
        if not bool(torch.isfinite(score.sum()) or torch.isfinite(score).all()):
            raise HarnessError(f"the scores of {name!r} hold NaN or infinity")
