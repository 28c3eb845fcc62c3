"""Witness: of criteria whose zeros no backend skips, the one that shows that they save nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.contracts.backends import shares_time
from harness.contracts.pruners import PrunesOnly
from harness.discovery.selection import split_terms

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.contracts.backends import Backend
    from harness.contracts.pruners import Pruner

GRANULARITY = "weight"


GRANULARITY = "weight"
PREFERRED = "magnitude_l1"
"""The baseline of all criteria (Han 2015), which needs no data."""


@dataclass(frozen=True, kw_only=True)
class Witness:
    """Witness at granularity weight: who shows what zeros save, and who is not run beside it.

    `left_out` are defined at that granularity, `undefined` are not; neither has any trial there.
    """

    names: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    undefined: tuple[str, ...] = ()

    def runs(self, pruner: str, granularity: str) -> bool:
        """Whether a criterion has trials at a granularity."""
        return granularity != GRANULARITY or pruner not in (*self.left_out, *self.undefined)

    @property
    def sentence(self) -> str:
        """Sentence that says what was left out and how to run it; empty where nothing was."""
        if not self.left_out:
            return ""
        kept, others = ", ".join(self.names), ", ".join(self.left_out)
        return (
            f"No backend here skips zeros: at granularity weight, {kept} alone ran, as a witness. "
            f"Others run by name, with --granularities weight, or on a backend that reads zeros, "
            f"as sparse_cpu: {others}."
        )


def chosen_witness(
    pruners: Sequence[Pruner], backends: Sequence[Backend], *, terms: str, granularities: str
) -> Witness:
    """Witness among the criteria that `terms` chose; nothing is left out where zeros may save time.

    Who is named runs, and who names the granularity gets all of them.
    """
    asked = {*split_terms(granularities)} - {"all"}
    if asked or not all(shares_time(backend) for backend in backends):
        return Witness()
    named = [pruner.name for pruner in pruners if pruner.name in split_terms(terms)]
    others = [pruner for pruner in pruners if pruner.name not in named]
    defined = [pruner.name for pruner in others if _is_defined(pruner)]
    first = PREFERRED if PREFERRED in defined else next(iter(defined), "")
    kept = (*named,) if named else (first,)
    return Witness(
        names=kept,
        left_out=tuple(name for name in defined if name not in kept),
        undefined=tuple(pruner.name for pruner in others if not _is_defined(pruner)),
    )


def _is_defined(pruner: Pruner) -> bool:
    return not isinstance(pruner, PrunesOnly) or GRANULARITY in pruner.granularities
