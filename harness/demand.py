"""What training one model asks of this machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, kw_only=True)
class Demand:
    """Milliseconds of a step by arithmetic, and 10^6 bytes of a worker where the system tells."""

    milliseconds: Mapping[str, float]
    megabytes: float | None
