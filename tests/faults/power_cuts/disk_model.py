"""Disk model: names by folder and content by file, and what changes either."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True)
class Name:
    """A name of a folder that stands for a file or a folder from now on, or for none."""

    owner: int
    name: str
    inode: int | None


@dataclass(frozen=True)
class Data:
    """Bytes of a file from an offset on, behind which it ends where it is `cut`."""

    owner: int
    offset: int
    data: bytes
    cut: bool = False


@dataclass
class Disk:
    """Names by folder, and content by file."""

    names: dict[int, dict[str, int]] = field(default_factory=lambda: defaultdict(dict))
    contents: dict[int, bytes] = field(default_factory=lambda: defaultdict(bytes))

    def apply(self, effect: Name | Data) -> None:
        if isinstance(effect, Data):
            self.contents[effect.owner] = changed(self.contents[effect.owner], effect)
        elif effect.inode is None:
            self.names[effect.owner].pop(effect.name, None)
        else:
            self.names[effect.owner][effect.name] = effect.inode

    def with_effects(self, effects: Iterable[Name | Data]) -> Disk:
        names = defaultdict(dict, {inode: {**names} for inode, names in self.names.items()})
        other = Disk(names, defaultdict(bytes, self.contents))
        for effect in effects:
            other.apply(effect)
        return other


def changed(content: bytes, effect: Data) -> bytes:
    """Content of a file after that."""
    begin, end = effect.offset, effect.offset + len(effect.data)
    return content[:begin].ljust(begin, b"\0") + effect.data + (b"" if effect.cut else content[end:])
