"""Benchmark pruning methods by the accuracy they retain per millisecond they save.

This package is the facade: everything a plugin author may import is here. `__init__.pyi` says what it
holds and where that is; a name's module is imported when the name is first asked for, so that the
command line answers at once and listing plugins imports no PyTorch.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
