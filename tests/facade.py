"""The facade as text: `python -m tests.facade > tests/facade.txt` writes it anew.

What plugin authors build on: every name with its signature, methods and fields. A line that changes or
goes is an incompatible change: it waits for a minor version, and warns for one before.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Iterator

import harness
from harness import testing


def facade_lines() -> list[str]:
    """Lines of `harness`, then of `harness.testing`, by name."""
    kit = [name for name in sorted(vars(testing)) if name.startswith("check_")]
    named = [(f"harness.{name}", getattr(harness, name)) for name in sorted(harness.__all__)]
    named += [(f"harness.testing.{name}", getattr(testing, name)) for name in kit]
    return [line for name, offered in named for line in described(name, offered)]


def described(name: str, offered: object) -> Iterator[str]:
    """The name with its signature, and its members."""
    if not inspect.isclass(offered):
        # Others are aliases of types, as `harness.Run`.
        yield f"{name}{inspect.signature(offered)}" if inspect.isfunction(offered) else name
        return
    yield name
    if dataclasses.is_dataclass(offered):
        for field in dataclasses.fields(offered):
            default = "" if field.default is dataclasses.MISSING else f" = {field.default!r}"
            yield f"{name}.{field.name}: {field.type}{default}"
    for member, value in sorted(vars(offered).items()):
        if member.startswith("_"):
            continue
        if isinstance(value, property):
            yield f"{name}.{member} -> {inspect.signature(value.fget).return_annotation}"
        elif inspect.isfunction(value):
            yield f"{name}.{member}{inspect.signature(value)}"


if __name__ == "__main__":
    print("\n".join(facade_lines()))
