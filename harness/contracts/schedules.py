"""Schedules: in which rounds a sparsity is reached, as data."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

from harness.errors import HarnessError

if TYPE_CHECKING:
    from collections.abc import Sequence

Place = float | Literal["budget"]
"""How far through dense training, from 0 to 1; `budget`: as far before its end as the round trains."""


@dataclass(frozen=True, kw_only=True)
class Regrowth:
    """Dynamic sparse training (Evci 2020): drop small weights, grow those of large dense gradient.

    Each time a cosine of the fraction `drop` of a layer's weights, `every` so many steps, `until`
    that part of the round's training.
    """

    drop: float = 0.3
    every: int = 100
    until: float = 0.75

    def __post_init__(self) -> None:
        """Raise HarnessError where a field is none that there can be."""
        if not (0.0 < self.drop < 1.0 and self.every >= 1 and 0.0 < self.until <= 1.0):
            raise HarnessError(f"regrowth drops a fraction every so many steps, not {self}")


@dataclass(frozen=True, kw_only=True)
class Round:
    """Prune to `sparsity`, then train for `share` of the trial's fine-tuning epochs.

    `dense_share` adds a part of the dense model's epochs. `rewind` sets what stays back to the dense
    model's weights at that place, `redraw` to new initial ones. `rate` follows the learning rate of
    dense training from that place to its end instead of fine-tuning's own. `regrowth` moves the
    masks while training.
    """

    sparsity: float
    share: float
    dense_share: float = 0.0
    rewind: Place | None = None
    redraw: bool = False
    rate: Place | None = None
    regrowth: Regrowth | None = None

    def __post_init__(self) -> None:
        """Raise HarnessError naming a field that is none that there can be."""
        for name in ("share", "dense_share"):
            share = getattr(self, name)
            if not (isinstance(share, int | float) and 0.0 <= share < inf):
                raise HarnessError(f"a round's {name} is a part of epochs, from 0 up, not {share!r}")
        for name in ("rewind", "rate"):
            place = getattr(self, name)
            inside = isinstance(place, int | float) and 0.0 <= place <= 1.0
            if not inside and place not in (None, "budget"):
                raise HarnessError(
                    f"a round's {name} is a place from 0 to 1 or 'budget', not {place!r}"
                )
        if self.redraw and self.rewind is not None:
            raise HarnessError("a round redraws weights or rewinds them, not both")


@runtime_checkable
class Schedule(Protocol):
    """Says in which rounds a sparsity is reached, as data."""

    @property
    def name(self) -> str:
        """The name users select it by."""

    def rounds(self, target: float) -> Sequence[Round]:
        """Rounds of rising sparsity, the last at `target`; shares add up to 1.

        Levels whose sequences begin alike share that work, so keep early rounds independent of
        the target where the method allows it.
        """


@runtime_checkable
class StartsEarly(Protocol):
    """A schedule that prunes before dense training is over.

    The core trains the dense model up to there, prunes, and leaves the rest to the rounds.
    """

    @property
    def starts_at(self) -> float:
        """How far through dense training, from 0 (initialisation) to 1."""


@runtime_checkable
class Controlled(Protocol):
    """A schedule whose publication demands a control.

    The core runs it wherever the schedule runs, as a method of its own.
    """

    @property
    def control(self) -> Schedule:
        """The control."""
