"""Backend file: a backend by path, so that an earlier version can be timed beside the new one."""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.contracts.call_limit import call_limit
from harness.discovery.plugin_name import name_problem
from harness.errors import HarnessError, failure_reason
from harness.storage.keys import digest

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

    from harness.contracts.backends import Backend


HOOK = "harness_backends"


@dataclass(frozen=True, kw_only=True)
class BackendFile:
    """Backend called `name` that a Python file offers; to open it runs that file."""

    path: Path
    name: str

    def open(self) -> Backend:
        """Load the backend. Raises HarnessError where the file offers none of that name."""
        for backend in _offered(self.path):
            if backend.name == self.name:
                return backend
        raise HarnessError(f"{self.path} offers no backend called {self.name!r}")


def backend_files(folder: Path) -> dict[str, BackendFile]:
    """Backends by name that the Python files of a folder offer; a file may offer none."""
    by_name: dict[str, BackendFile] = {}
    for path in sorted(folder.glob("*.py")):
        names = [backend.name for backend in _offered(path)]
        by_name |= {name: BackendFile(path=path.resolve(), name=name) for name in names}
    return by_name


def _offered(path: Path) -> list[Backend]:
    """Backends of a file, each with a name. Raises HarnessError where running it raises."""
    try:
        with call_limit(f"running {path}"):
            offered: list[Backend] = [*getattr(_import_file(path), HOOK, tuple)()]
            problems = [name_problem("backend", backend.name) for backend in offered]
    except HarnessError:
        raise
    except (Exception, SystemExit) as error:
        raise HarnessError(f"{path} offers no backends: {failure_reason(error)}") from error
    for problem in filter(None, problems):
        raise HarnessError(f"{path}: {problem}")
    return offered


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
        try:
            spec.loader.exec_module(sys.modules[name])
        except BaseException:
            # The next one who asks is to be told the same.
            del sys.modules[name]
            raise
    return sys.modules[name]
