"""Pruners: what a criterion may look at, and what it may be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from torch import Tensor

    from harness.contracts.evidence import Evidence, Granularity, Scope, Scores


@runtime_checkable
class Pruner(Protocol):
    """Scores weights or channels; the core does everything else."""

    @property
    def name(self) -> str:
        """The name users select it by."""

    def score(self, evidence: Evidence) -> Scores:
        """Score every prunable weight; higher = keep.

        Weight-shaped scores are summed per channel and averaged over the coupled layers where
        channels are pruned (Fang 2023); scores shaped `(out,)` speak for the producing layers.
        """


@runtime_checkable
class PrunesOnly(Protocol):
    """A pruner that is defined at some granularities only; the core skips cells at others."""

    @property
    def granularities(self) -> Collection[str]:
        """Where the method is defined: `weight`, `channel`, or both."""


@runtime_checkable
class Scoped(Protocol):
    """A pruner whose publication does not compare scores over the whole network.

    The core compares as it says, unless `--scope` says otherwise.
    """

    @property
    def scopes(self) -> Mapping[Granularity, Scope]:
        """The published comparison group at each granularity; global where none is given."""


@runtime_checkable
class Rewrites(Protocol):
    """A pruner that also changes the weights that stay.

    The core writes them into a copy of the model before it removes and trains; methods that choose the
    same masks do not share training with one that rewrites.
    """

    def rewrite(self, evidence: Evidence, keep: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """New weights by name, whole ones, from which the core then removes what `keep` drops.

        `keep` is bool: shaped like each weight, or `(out,)` where channels are removed.
        """


@runtime_checkable
class MakesMasks(Protocol):
    """A pruner that chooses single weights itself, whatever their scores.

    The core asks at granularity `weight` only, and searches the sparsity that meets the level where
    weights cost unlike; patterns and channels are chosen by the scores.
    """

    def masks(self, evidence: Evidence, sparsity: float) -> Mapping[str, Tensor]:
        """Keep masks (bool) by weight name; what was removed before stays removed."""


@runtime_checkable
class Steps(Protocol):
    """A pruner that scores anew in each of `steps` exponential steps, with no training between.

    The core removes after each what its share of the sparsity asks for.
    """

    @property
    def steps(self) -> int:
        """How many; the density falls by the same factor in each."""


CONTROL = "random"
"""The criterion that all others are held against."""


@runtime_checkable
class ComparedWith(Protocol):
    """A pruner that removes from fewer layers than others do, and offers random removal from them.

    The core runs it wherever it runs the criterion beside `random`, and holds the criterion against it.
    """

    @property
    def control(self) -> Pruner:
        """The control, called `random:NAME` after the criterion."""


@dataclass(frozen=True, kw_only=True)
class Trained:
    """A model in training, as a penalty sees it; tensors are live, so that gradients flow.

    `norm_scales` are `(out,)` by the weight's name; `keep` says what the criterion would keep of the
    model that this training started from, bool as in `Rewrites`. `progress` rises from 0 to 1.
    """

    weights: Mapping[str, Tensor]
    norm_scales: Mapping[str, Tensor]
    keep: Mapping[str, Tensor]
    progress: float


@runtime_checkable
class Penalises(Protocol):
    """A pruner that first trains the model towards sparsity, in epochs that count as any others.

    The core trains with the penalty for `--penalty-epochs`, prunes, and then trains by the plain loss
    as after any criterion. Where those epochs have fewer steps, the trial is skipped with the reason.
    """

    @property
    def least_steps(self) -> int:
        """Fewest training steps in which the penalty changes what is chosen."""

    @property
    def scores_after(self) -> bool:
        """Whether scores are those of the penalised model; else what the penalty saw leaves."""

    def penalty(self, trained: Trained) -> Tensor:
        """A finite scalar with a gradient, which is added to each batch's loss."""
