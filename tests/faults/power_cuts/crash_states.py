"""Crash states: what a power cut may leave of operations, after Pillai et al., OSDI 2014.

Two disks are kept: what was written, and what was synced: the content of a file by its own fsync, and
the names in a folder by the folder's. A cut leaves either, or something between.
"""

from __future__ import annotations

from itertools import count
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from tests.faults.power_cuts.disk_model import Data, Disk, Name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tests.faults.power_cuts.recorded_writes import Operation

Tree = dict[str, bytes | None]
"""Content of every file by its path; None of a folder."""
ROOT = 0


class Replay:
    """Operations done one after another, and the states that a cut after the last may leave."""

    def __init__(self, tree: Mapping[str, bytes | None]) -> None:
        self.written, self.synced = Disk(), Disk()
        self._pending: list[list[Name | Data]] = []
        """Effects of each operation that were not synced."""
        self._last: list[Name | Data] = []
        self._folders = {ROOT}
        self._inodes = count(ROOT + 1)
        for path, content in sorted(tree.items()):
            owner, name = self._parent(path)
            effects: list[Name | Data] = [Name(owner, name, self._new(folder=content is None))]
            if content is not None:
                effects.append(Data(effects[0].inode, 0, content))
            for effect in effects:
                self.written.apply(effect)
                self.synced.apply(effect)

    def do(self, operation: Operation) -> None:
        """Do the next one."""
        if operation.kind == "sync":
            self._last = []
            self._sync(self.inode(operation.path))
            return
        self._last = [*self._effects(operation)]
        for effect in self._last:
            self.written.apply(effect)
        self._pending.append(self._last)

    def inode(self, path: str) -> int | None:
        """What a path stands for, as the command itself sees it."""
        inode: int | None = ROOT
        for name in PurePosixPath(path).parts:
            inode = self.written.names[inode].get(name) if inode is not None else None
        return inode

    def content(self, path: str) -> bytes:
        """Content of a file as the command itself sees it; empty where there is none."""
        inode = self.inode(path)
        return b"" if inode is None else self.written.contents[inode]

    def _effects(self, operation: Operation) -> Iterator[Name | Data]:
        (owner, name), inode = self._parent(operation.path), self.inode(operation.path)
        match operation.kind:
            case "create" | "folder":
                if inode is None:
                    yield Name(owner, name, self._new(folder=operation.kind == "folder"))
            case "write":
                end = len(self.written.contents[inode])
                yield Data(inode, end if operation.offset is None else operation.offset, operation.data)
            case "resize":
                size = operation.offset or 0
                if len(self.written.contents[inode]) != size:
                    yield Data(inode, size, b"", cut=True)
            case "rename":
                yield Name(*self._parent(operation.to), inode)
                yield Name(owner, name, None)
            case "remove":
                yield Name(owner, name, None)

    def _sync(self, inode: int | None) -> None:
        for effect in (effect for one in self._pending for effect in one if effect.owner == inode):
            self.synced.apply(effect)
        left = ([effect for effect in one if effect.owner != inode] for one in self._pending)
        self._pending = [one for one in left if one]

    def _parent(self, path: str) -> tuple[int, str]:
        pure = PurePosixPath(path)
        owner = self.inode(str(pure.parent))
        assert owner is not None, path
        return owner, pure.name

    def _new(self, *, folder: bool) -> int:
        inode = next(self._inodes)
        if folder:
            self._folders.add(inode)
        return inode

    def tree(self, names: Mapping[int, Mapping[str, int]], content: Callable[[int], bytes]) -> Tree:
        """Tree of some names and some contents."""
        tree: Tree = {}
        open_folders = [("", ROOT)]
        while open_folders:
            above, folder = open_folders.pop()
            for name, inode in names.get(folder, {}).items():
                is_folder = inode in self._folders
                tree[f"{above}{name}"] = None if is_folder else content(inode)
                if is_folder:
                    open_folders.append((f"{above}{name}/", inode))
        return tree

    def applied(self) -> Iterator[Tree]:
        """All that was written."""
        yield self.tree(self.written.names, self.written.contents.__getitem__)

    def torn(self) -> Iterator[Tree]:
        """All, of the last write its first half."""
        for effect in self._last:
            if isinstance(effect, Data) and len(effect.data) > 1:
                half = Data(effect.owner, effect.offset, effect.data[: len(effect.data) // 2], cut=True)
                torn = self.written.with_effects([half])
                yield self.tree(torn.names, torn.contents.__getitem__)

    def synced_only(self) -> Iterator[Tree]:
        """What was synced, and nothing else."""
        yield self.tree(self.synced.names, self.synced.contents.__getitem__)

    def names_first(self) -> Iterator[Tree]:
        """All names; of contents that were not synced nothing, a half, or their length in zeros."""
        for left in (_nothing, _half, _zeros):
            yield self.tree(
                self.written.names,
                lambda inode, left=left: left(
                    self.synced.contents[inode], self.written.contents[inode]
                ),
            )

    def one_first(self) -> Iterator[Tree]:
        """What was synced, and one operation before those that it came after."""
        for operation in self._pending:
            disk = self.synced.with_effects(operation)
            yield self.tree(disk.names, disk.contents.__getitem__)

    def one_late(self) -> Iterator[Tree]:
        """All but one operation that was not synced."""
        for late in self._pending:
            others = [effect for one in self._pending if one is not late for effect in one]
            disk = self.synced.with_effects(others)
            yield self.tree(disk.names, disk.contents.__getitem__)


def _nothing(synced: bytes, written: bytes) -> bytes:
    return synced


def _half(synced: bytes, written: bytes) -> bytes:
    return written[: (len(synced) + len(written)) // 2]


def _zeros(synced: bytes, written: bytes) -> bytes:
    return synced.ljust(len(written), b"\0")


STATES: Mapping[str, Callable[[Replay], Iterator[Tree]]] = {
    "applied": Replay.applied,
    "synced only": Replay.synced_only,
    "names first": Replay.names_first,
    "one first": Replay.one_first,
    "one late": Replay.one_late,
    "torn": Replay.torn,
}
"""Kinds of states."""
