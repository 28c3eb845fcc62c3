"""What any plugin may be besides: an argument in its name, libraries that start early."""

from __future__ import annotations

from math import isfinite, nan
from typing import TYPE_CHECKING, Protocol, Self, runtime_checkable

from harness.errors import HarnessError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence


@runtime_checkable
class Configurable(Protocol):
    """A plugin that takes an argument, selected as `name:argument`.

    Each argument is a plugin of its own: the name is in keys, rows and on the leaderboard.
    """

    def configured(self, argument: str) -> Self:
        """A copy whose name includes the argument; HarnessError where the argument is wrong."""


@runtime_checkable
class NeedsArgument(Protocol):
    """A plugin that is nothing without an argument.

    `all` and patterns leave it out, and its bare name is refused with the example.
    """

    @property
    def needs_argument(self) -> str:
        """An argument to show as an example."""


@runtime_checkable
class Preloads(Protocol):
    """A dataset whose libraries are slow to import.

    The process that workers are forked from imports them once, for all of them.
    """

    @property
    def preloads(self) -> Sequence[str]:
        """Module names."""


def number_from(argument: str, allowed: Callable[[float], bool], *, takes: str) -> float:
    """The number that an argument says, for `configured`.

    Raises HarnessError where it is no finite number or not `allowed`; `takes` begins the message, as in
    `watts takes a power in watts, as 15`.
    """
    try:
        number = float(argument)
    except ValueError:
        number = nan
    if not isfinite(number) or not allowed(number):
        raise HarnessError(f"{takes}, not {argument!r}")
    return number


def choice_from(argument: str, choices: Collection[str], *, of: str) -> str:
    """The argument, for `configured`. Raises HarnessError naming the `choices` of the plugin `of`."""
    if argument not in choices:
        raise HarnessError(f"{of}:{argument}: there are {', '.join(choices)}")
    return argument
