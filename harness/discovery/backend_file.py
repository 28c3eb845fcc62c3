"""A backend's code as a file, so that an earlier version can be timed beside the new one."""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.errors import HarnessError
from harness.storage.keys import digest

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

    from harness.contracts.backends import Backend


@dataclass(frozen=True, kw_only=True)
class BackendFile:
    """The backend called `name` that a file of Python offers; opening it runs that file."""

    path: Path
    name: str

    def open(self) -> Backend:
        """The backend. Raises HarnessError where the file offers none of that name."""
        offered: list[Any] = list(_module(self.path).harness_backends())
        for backend in offered:
            if backend.name == self.name:
                return backend  # type: ignore[no-any-return]  # what a file offers has no type
        raise HarnessError(f"{self.path} offers no backend called {self.name!r}")


def backend_files(folder: Path) -> dict[str, BackendFile]:
    """The backends that the Python files of a folder offer, by name; a file may offer none."""
    found: dict[str, BackendFile] = {}
    for path in sorted(folder.glob("*.py")):
        offer = getattr(_module(path), "harness_backends", tuple)
        found |= {b.name: BackendFile(path=path.resolve(), name=b.name) for b in offer()}
    return found


def open_backend(backend: Backend | BackendFile) -> Backend:
    """The backend itself."""
    return backend.open() if isinstance(backend, BackendFile) else backend


def _module(path: Path) -> ModuleType:
    # A name of its own: the installed version of the same module may be loaded beside it.
    name = f"harness_backend_file_{digest(path.resolve().as_posix())}"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, path)
        if spec is None or spec.loader is None:
            raise HarnessError(f"{path} is no file of Python")
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]
