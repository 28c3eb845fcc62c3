"""A tree of files as it lies on the disk, changed to another by what differs alone."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from os import stat_result
    from pathlib import Path

    from tests.faults.power_cuts.crash_states import Tree


class DiskTree:
    """A folder that is one tree after another, whatever others change in it meanwhile."""

    def __init__(self, root: Path) -> None:
        root.mkdir(exist_ok=True)
        self.root = root
        self._laid: dict[str, tuple[bytes, tuple[int, ...]]] = {}

    def lay(self, tree: Tree) -> None:
        """Make the folder hold the tree and nothing else."""
        for path in sorted(self.root.rglob("*"), reverse=True):
            name = path.relative_to(self.root).as_posix()
            if name not in tree or (tree[name] is None) != path.is_dir():
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        for name, content in sorted(tree.items()):
            path = self.root / name
            if content is None:
                path.mkdir(exist_ok=True)
            elif not self._lies(path, name, content):
                path.write_bytes(content)
                self._laid[name] = (content, _signature(path.stat()))

    def _lies(self, path: Path, name: str, content: bytes) -> bool:
        laid, signature = self._laid.get(name, (None, ()))
        return laid is content and path.is_file() and _signature(path.stat()) == signature


def read_tree(root: Path) -> Tree:
    """The tree that lies in a folder."""
    return {
        path.relative_to(root).as_posix(): None if path.is_dir() else path.read_bytes()
        for path in sorted(root.rglob("*"))
    }


def _signature(stat: stat_result) -> tuple[int, ...]:
    return stat.st_ino, stat.st_size, stat.st_mtime_ns
