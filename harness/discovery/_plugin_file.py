"""Plugin file: plugins in a Python file of the user's, which needs no package."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from harness.contracts.call_limit import call_limit
from harness.errors import HarnessError, failure_reason
from harness.storage.keys import sources_beside

if TYPE_CHECKING:
    from types import ModuleType


def import_plugin_file(path: Path) -> ModuleType:
    """Import a plugin file as the module that it is called; what lies beside it, it can import.

    Worker processes import it by the same name, since they search where this process does. Raises
    HarnessError where it is no file of Python, is called like another module, or fails.
    """
    path = path.expanduser().resolve()
    if not path.is_file() or path.suffix != ".py" or not path.stem.isidentifier():
        raise HarnessError(f"--plugin {path}: there is no Python file of that name, as my_model.py")
    if str(path.parent) not in sys.path:
        # Last, so that no file beside it takes the place of an installed module.
        sys.path.append(str(path.parent))
    for module in [path, *sources_beside(path)]:
        # As it is now: in a notebook it may have been edited since.
        if getattr(sys.modules.get(module.stem), "__file__", None) == str(module):
            del sys.modules[module.stem]
    importlib.invalidate_caches()
    other = _origin(path.stem)
    if other != path:
        raise HarnessError(
            f"--plugin {path}: {other or 'Python itself'} is called {path.stem!r} too: rename the file"
        )
    try:
        with call_limit("its import"):
            return import_module(path.stem)
    except (Exception, SystemExit) as error:
        raise HarnessError(f"--plugin {path}: {failure_reason(error)}") from error


def _origin(name: str) -> Path | None:
    """File that a module of that name is imported from; None where it has none."""
    try:
        spec = importlib.util.find_spec(name)
    except ValueError:
        # As of the main program.
        return None
    return Path(spec.origin).resolve() if spec and spec.has_location and spec.origin else None
