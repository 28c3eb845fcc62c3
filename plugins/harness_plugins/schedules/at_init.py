"""Pruning before training: at initialisation, once or with masks that move."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Self

import harness


@dataclass(frozen=True)
class AtInit:
    """Prune the untrained model, then train it for all epochs that others get (Lee 2019, Wang 2020)."""

    name: str = "at_init"
    starts_at: float = 0.0

    def rounds(self, target: float) -> Sequence[harness.Round]:
        """One round, by the learning rate of dense training."""
        return [harness.Round(sparsity=target, share=1.0, dense_share=1.0, rate=0.0)]


@dataclass(frozen=True)
class RigL:
    """Train sparse from the start, moving the mask to where gradients are large (Evci 2020, alg. 1).

    The criterion makes the first mask: the paper's is `random` with `--scope erk`. Masks move every
    100 steps as published; `rigl:20` moves them every 20.
    """

    regrowth: harness.Regrowth = field(default_factory=harness.Regrowth)
    name: str = "rigl"
    starts_at: float = 0.0

    def configured(self, argument: str) -> Self:
        """After how many steps the masks move."""
        if not argument.isdecimal() or int(argument) == 0:
            raise harness.HarnessError(
                f"rigl takes after how many steps masks move, as 100, not {argument!r}"
            )
        return type(self)(harness.Regrowth(every=int(argument)), f"rigl:{int(argument)}")

    def rounds(self, target: float) -> Sequence[harness.Round]:
        """One round, by the learning rate of dense training."""
        turn = harness.Round(
            sparsity=target, share=1.0, dense_share=1.0, rate=0.0, regrowth=self.regrowth
        )
        return [turn]


@harness.hookimpl
def harness_schedules() -> Iterable[harness.Schedule]:
    """Offer pruning at initialisation and RigL."""
    return [AtInit(), RigL()]
