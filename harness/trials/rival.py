"""Rival: a smaller network, trained by the same recipe, in the place of a pruned one."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from harness.errors import HarnessError
from harness.storage.keys import digest, trial_key
from harness.storage.row import RIVALS
from harness.trials.target import Target

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from harness.contracts.data import Dataset, Model
    from harness.trials.spec import Dense
    from harness.trials.target import Quantity


@dataclass(frozen=True)
class SmallerNetwork:
    """Smaller network than a model, which has `level` of the model's size less."""

    model: Model
    level: float


@dataclass(frozen=True, kw_only=True)
class Rival:
    """Rival: the dense model of a smaller `network`, held against what was pruned of `dense`.

    Its `level` is the fraction of multiply-accumulates, or of prunable parameters where these are the
    target, that it has less.
    """

    dense: Dense
    network: Dense
    level: float
    target: Target = Target()
    impossible: str | None = None

    @property
    def levels(self) -> tuple[float, ...]:
        """Its one level."""
        return (self.level,)

    @cached_property
    def settings(self) -> dict[str, Any]:
        """Settings: the columns of its rows that are known before it runs."""
        pruner, granularity, scope, schedule = self.method
        return {
            **self.dense.settings,
            "pruner": pruner,
            "pruner_hash": digest([self.network.key]),
            "granularity": granularity,
            "scope": scope,
            "schedule": schedule,
            "schedule_hash": "",
            "rival": self.network.model.name,
            "target": self.target.name,
            "clock": self.target.clock,
        }

    @cached_property
    def key(self) -> str:
        """Content key, the same for the same settings on any machine."""
        return trial_key(self.settings)

    @property
    def method(self) -> tuple[str, str, str, str]:
        """Method that a leaderboard ranks: all rivals of a model, each a level."""
        return RIVALS, "network", "", "dense"

    @property
    def label(self) -> str:
        """Label for people."""
        model, seed = self.dense.model.name, self.dense.seed
        return f"{model} rival {self.network.model.name} seed {seed}"


def smaller_networks(
    model: Model, rivals: Iterable[Model], *, dataset: Dataset, quantity: Quantity
) -> list[SmallerNetwork]:
    """Smaller networks than a model among `rivals`, which are built for it."""
    whole = _size(model, dataset, quantity)
    gone = {rival: 1.0 - _size(rival, dataset, quantity) / whole for rival in rivals}
    return [SmallerNetwork(rival, round(level, 6)) for rival, level in gone.items() if level > 0.0]


def _size(model: Model, dataset: Dataset, quantity: Quantity) -> int:
    from harness.networks.layers import count_macs, exempt_unreached, prunable_weights
    from harness.training.sampling import example_batch

    network = exempt_unreached(model.build(dataset).eval(), example_batch(dataset, 1))
    if quantity == "params":
        return sum(weight.numel() for weight in prunable_weights(network).values())
    return count_macs(network, example_batch(dataset, 1))


def check_trained_alike(
    models: Sequence[Model], rivals: Sequence[Model], *, fresh: bool, epochs: float
) -> None:
    """Raise HarnessError where rivals would be trained otherwise than the models.

    `fresh` says that no weights were given, `epochs` for how long rivals train.
    """
    from harness.contracts.data import Pretrained

    own = [rival.name for rival in rivals if not isinstance(rival, Pretrained)]
    started = not fresh or any(isinstance(model, Pretrained) for model in models)
    if own and started:
        raise HarnessError(
            f"--rivals: {own[0]} would start from fresh weights, and {models[0].name} does not: name "
            "pretrained ones, as resnet10t.c3_in1k"
        )
    if own and not epochs:
        raise HarnessError(f"--rivals: {own[0]} would not be trained: --dense-epochs is 0")
