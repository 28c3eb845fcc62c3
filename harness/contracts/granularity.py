"""What is removed at once: single weights, n of m of them, blocks, whole channels."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.contracts.evidence import GRANULARITIES
from harness.errors import HarnessError

if TYPE_CHECKING:
    from harness.contracts.evidence import Granularity, Scope

ALLOWED = (*GRANULARITIES, "channel:MULTIPLE", "channel:BACKEND", "N:M", "block:OUTxIN")
N_OF_M = re.compile(r"([1-9]\d{0,8}):([1-9]\d{0,8})")
BLOCK = re.compile(r"([1-9]\d{0,8})x([1-9]\d{0,8})")
MULTIPLE = re.compile(r"0{0,8}[1-9]\d{0,8}")
"""Python makes no number of thousands of digits."""


@dataclass(frozen=True, kw_only=True)
class Pattern:
    """A granularity taken apart; `scored` is what a criterion is asked to score for it.

    `n_of_m` weights of so many stay; a `block` is outputs by inputs; channels that stay in a layer
    are a `multiple`.
    """

    name: str
    scored: Granularity
    n_of_m: tuple[int, int] | None = None
    block: tuple[int, int] | None = None
    multiple: int = 1

    @property
    def scopes(self) -> tuple[Scope, ...]:
        """What scores can compare over."""
        if self.scored == "channel":
            return ("global", "local", "isomorphic")
        return ("global", "local") if self.block or self.n_of_m else ("global", "local", "row", "erk")

    @property
    def levels(self) -> tuple[float, ...] | None:
        """The only sparsity there is, where the pattern itself says it."""
        return None if self.n_of_m is None else (1.0 - self.n_of_m[0] / self.n_of_m[1],)


def pattern(name: str) -> Pattern:
    """Raises HarnessError for what is no granularity."""
    ratio = N_OF_M.fullmatch(name)
    if ratio and int(ratio[1]) < int(ratio[2]):
        return Pattern(name=name, scored="weight", n_of_m=(int(ratio[1]), int(ratio[2])))
    word, _, argument = name.partition(":")
    block = BLOCK.fullmatch(argument)
    if word == "block" and block:
        return Pattern(name=name, scored="weight", block=(int(block[1]), int(block[2])))
    if word == "channel" and MULTIPLE.fullmatch(argument):
        return Pattern(name=name, scored="channel", multiple=int(argument))
    for plain in GRANULARITIES:
        if name == plain:
            return Pattern(name=name, scored=plain)
    raise HarnessError(f"{name!r} is no granularity; there are {', '.join(ALLOWED)}")
