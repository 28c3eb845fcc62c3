"""Benchmark pruning methods by the accuracy they retain per millisecond they save.

This package is the facade: everything a plugin author may import is here. `__init__.pyi` says what it
holds and where that is; a name's module is imported when the name is first asked for, so that the
command line answers at once and listing plugins imports no PyTorch.
"""

import warnings
from collections.abc import Mapping

import lazy_loader

RENAMED: Mapping[str, str] = {}
"""Names that were given up in this minor version, by what they are called now; they go in the next."""

_lazily, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)


def __getattr__(name: str) -> object:
    """A name's object, its module imported now; one that was given up warns."""
    if name in RENAMED:
        text = f"harness.{name} is called harness.{RENAMED[name]} now, and goes in the next version"
        warnings.warn(text, DeprecationWarning, stacklevel=2)
        name = RENAMED[name]
    return _lazily(name)
