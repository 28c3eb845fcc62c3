"""Backend file: a backend by path, so that an earlier version can be timed beside the new one."""

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
    """Backend called `name` that a Python file offers; to open it runs that file."""

    path: Path
    name: str

    def open(self) -> Backend:
        """Load the backend. Raises HarnessError where the file offers none of that name."""
        offered: list[Any] = list(_import_file(self.path).harness_backends())
        for backend in offered:
            if backend.name == self.name:
                return backend  # type: ignore[no-any-return]  # what a file offers has no type
        raise HarnessError(f"{self.path} offers no backend called {self.name!r}")


def backend_files(folder: Path) -> dict[str, BackendFile]:
    """Backends by name that the Python files of a folder offer; a file may offer none."""
    by_name: dict[str, BackendFile] = {}
    for path in sorted(folder.glob("*.py")):
        offer = getattr(_import_file(path), "harness_backends", tuple)
        by_name |= {
            backend.name: BackendFile(path=path.resolve(), name=backend.name) for backend in offer()
        }
    return by_name


def open_backend(backend: Backend | BackendFile) -> Backend:
    """Backend itself, loaded where it is a file."""
    return backend.open() if isinstance(backend, BackendFile) else backend


def _import_file(path: Path) -> ModuleType:
    # A name of its own: the installed version of the same module may be loaded beside it.
    name = f"harness_backend_file_{digest(path.resolve().as_posix())}"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, path)
        if spec is None or spec.loader is None:
            raise HarnessError(f"{path} is no file of Python")
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]
