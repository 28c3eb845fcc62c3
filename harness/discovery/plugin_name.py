"""Plugin names: what a selection can pick, and no table shows as something else."""

from __future__ import annotations

import re

RESERVED = {"dense": "what the unpruned model is called in every table", "all": "every plugin there is"}
"""Names that mean something already."""
SELECTABLE = re.compile(r"[^\s,:!*?\[\]\x00-\x1f\x7f]+")
"""All but what separates, configures, leaves out and matches where plugins are selected."""


def name_problem(kind: str, name: object) -> str | None:
    """Why a plugin cannot be called so, in one sentence; None where it can.

    Of a configured plugin, `name:argument`, the name is looked at.
    """
    if not isinstance(name, str):
        return f"{name!r} is no name for a {kind}: it has to be a string"
    plain = name.partition(":")[0]
    if plain in RESERVED:
        return f"{name!r} is no name for a {kind}: it is {RESERVED[plain]}"
    if not SELECTABLE.fullmatch(plain):
        return (
            f"{name!r} is no name for a {kind}: it needs at least a letter, and neither spaces nor "
            "any of , : ! * ? [ ], which no selection could tell from its own"
        )
    return None
