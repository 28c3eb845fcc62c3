"""Deployment of a plan's models: backends and batch sizes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.contracts.converters import Converter, LoadsFile, Refines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.contracts.backends import Backend


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """Deployment: a backend and the batch sizes that it is to run models at."""

    backend: Backend
    batches: Sequence[int]

    @property
    def fixed(self) -> Sequence[int]:
        """Fixed batch sizes: those that need a file of their own."""
        needs_files = isinstance(self.backend, LoadsFile) and isinstance(
            self.backend.converter, Converter | Refines
        )
        return self.batches if needs_files else ()
