"""Value types of options: what may be typed, held to its range before anything is done."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

import click

from harness.errors import HarnessError, UnknownNameError, UnwritableError
from harness.storage.files import writing_problem

COUNT = click.IntRange(min=1, max=1024)
MONTH = 30 * 86_400
"""Seconds that no trial and no session takes longer than."""


class FiniteRange(click.FloatRange):
    """Numbers that are numbers: click lets `nan` and `inf` through."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:  # noqa: ANN401 -- click's own signature
        """The number. Fails where it is not finite or out of range."""
        try:
            number = super().convert(value, param, ctx)
        except OverflowError:
            # A whole number of a file has no limit.
            number = math.inf
        if not math.isfinite(number):
            self.fail(f"{value!r} is not a finite number.", param, ctx)
        return number


class WritablePath(click.ParamType["Path"]):
    """Paths that can be written to, which is tried before any work is done for them."""

    def __init__(self, *, file_okay: bool = True, dir_okay: bool = True) -> None:
        self._path = click.Path(file_okay=file_okay, dir_okay=dir_okay, path_type=Path)
        self.name = self._path.name

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:  # noqa: ANN401 -- likewise
        """The path. Fails where it is empty, or nothing can be written there."""
        if not str(value).strip():
            self.fail("it is empty; name one, as results/mine", param, ctx)
        path: Path = self._path.convert(value, param, ctx)
        if problem := writing_problem(path):
            raise UnwritableError(value, problem, option=param.opts[0] if param else "path")
        return path


def cores_to_pin(text: str) -> tuple[int, ...]:
    """Core numbers of a comma list. Raises HarnessError for one this process may not use."""
    if not text.strip():
        return ()
    if not hasattr(os, "sched_getaffinity"):
        raise HarnessError("--pin: this system cannot pin processes to cores")
    allowed = {str(core) for core in os.sched_getaffinity(0)}
    cores = [term.strip() for term in text.split(",")]
    for core in cores:
        if core not in allowed:
            raise UnknownNameError("core", core, allowed)
    return tuple(sorted(map(int, set(cores))))
