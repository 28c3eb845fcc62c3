"""Chunks of work whose model files fit on a disk and in a memory at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

Item = TypeVar("Item")

MAX_MEGABYTES = 1000.0
"""Of the files of a chunk, in 10^6 bytes, unless one file alone is larger."""


def file_chunks(
    items: Iterable[Item],
    file_of: Callable[[Item], tuple[str, float]],
    *,
    max_files: int | None = None,
) -> Iterator[list[Item]]:
    """All items in order; `file_of` says the name of an item's file and its size in 10^6 bytes.

    A file that several items of a chunk share counts once.
    """
    chunk: list[Item] = []
    sizes: dict[str, float] = {}
    for item in items:
        name, size = file_of(item)
        grown = sizes | {name: size}
        too_many = max_files is not None and len(grown) > max_files
        if chunk and (too_many or sum(grown.values()) > MAX_MEGABYTES):
            yield chunk
            chunk, grown = [], {name: size}
        chunk.append(item)
        sizes = grown
    if chunk:
        yield chunk
