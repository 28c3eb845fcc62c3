"""Bounds of a channel group: where Torch-Pruning follows a graph without end, it is stopped.

Behind recurrences and windows of attention its mapping of indices may lead in circles, each time to
more channels. Such a group is none, and whoever asks for it is told so.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LEAST_STEPS, STEPS_PER_DEPENDENCY = 1000, 3
"""Most steps to a group are the first, and the second over the dependencies: most lead to it once."""


class GroupBounds:
    """Bounds of the groups of one graph, by its widest layer and the number of its dependencies."""

    def __init__(self, *, widest: int, dependencies: int) -> None:
        self._widest = widest
        self._most_steps = LEAST_STEPS + STEPS_PER_DEPENDENCY * dependencies
        self._steps = 0

    def begin(self) -> None:
        """Begin another group."""
        self._steps = 0

    def count_step(self) -> None:
        """Count a step. Raises ValueError where there are too many of them."""
        self._steps += 1
        if self._steps > self._most_steps:
            raise ValueError("the dependency graph leads in circles")

    def mapped(self, mapping: Callable[[Any], Any], indices: Any) -> Any:  # noqa: ANN401 -- Torch-Pruning's
        """Mapped indices. Raises ValueError where they are of no layer."""
        mapped = mapping(indices)
        if len(mapped) > self._widest or any(index.idx >= self._widest for index in mapped):
            raise ValueError("the dependency graph asks for channels that no layer has")
        return mapped


class BoundedMappings(list[Any]):
    """Mappings of one dependency within bounds; a step is counted whenever they are gone through."""

    def __init__(self, mappings: list[Any], bounds: GroupBounds) -> None:
        super().__init__(mappings)
        self._bounds = bounds

    def __iter__(self) -> Iterator[Callable[[Any], Any]]:
        self._bounds.count_step()
        for mapping in filter(None, super().__iter__()):
            yield partial(self._bounds.mapped, mapping)
