"""What any plugin may be besides: an argument in its name, libraries that start early."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, Self, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Sequence


@runtime_checkable
class Configurable(Protocol):
    """A plugin that takes an argument, selected as `name:argument`."""

    def configured(self, argument: str) -> Self:
        """A copy whose name includes the argument; HarnessError where the argument is wrong."""


@runtime_checkable
class NeedsArgument(Protocol):
    """A plugin that is nothing without an argument: `all` and patterns leave it out."""

    @property
    def needs_argument(self) -> str:
        """An argument to show as an example."""


@runtime_checkable
class Preloads(Protocol):
    """A dataset whose libraries are slow to import; worker processes start with them in memory."""

    @property
    def preloads(self) -> Sequence[str]:
        """Module names."""
