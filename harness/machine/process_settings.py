"""Process settings: what all code of a process shares; who changes it changes others' numbers."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass, fields
from pathlib import Path

import torch


@dataclass(frozen=True, kw_only=True)
class ProcessSettings:
    """Settings of this process that times, arithmetic and files depend on.

    Not the precision of a GPU's products, which its backends set for themselves.
    """

    threads: int
    """`torch.get_num_threads()`."""
    cores: frozenset[int]
    """That the process may run on; empty where the system does not say."""
    dtype: torch.dtype
    """`torch.get_default_dtype()`."""
    device: torch.device
    """`torch.get_default_device()`."""
    flushes_denormals: bool
    """`torch.set_flush_denormal`."""
    deterministic: bool
    """`torch.are_deterministic_algorithms_enabled()`."""
    folder: Path
    """The current one."""

    @classmethod
    def now(cls) -> ProcessSettings:
        """As they are."""
        affinity = getattr(os, "sched_getaffinity", None)
        return cls(
            threads=torch.get_num_threads(),
            cores=frozenset(affinity(0)) if affinity else frozenset(),
            dtype=torch.get_default_dtype(),
            device=torch.get_default_device(),
            flushes_denormals=_flushes_denormals(),
            deterministic=torch.are_deterministic_algorithms_enabled(),
            folder=_current_folder(),
        )

    def change(self) -> str | None:
        """Which setting is another now, in words; None where all are as they were."""
        now = ProcessSettings.now()
        for item in fields(self):
            before, after = getattr(self, item.name), getattr(now, item.name)
            if before != after:
                return f"changes the process's {item.name} from {_shown(before)} to {_shown(after)}"
        return None


def _current_folder() -> Path:
    """None that is there, where somebody removed it."""
    with suppress(OSError):
        return Path.cwd()
    return Path()


def _flushes_denormals() -> bool:
    return float(torch.tensor([1e-39]) * 1.0) == 0.0


def _shown(value: object) -> str:
    return ", ".join(map(str, sorted(value))) if isinstance(value, frozenset) else str(value)
