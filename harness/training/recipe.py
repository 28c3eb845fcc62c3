"""Training recipe of every model of a run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Arithmetic = Literal[
    "", "channels_last", "bf16", "channels_last+bf16",
    "cuda", "cuda+channels_last", "cuda+bf16", "cuda+channels_last+bf16",
]  # fmt: skip
"""Precision, device and memory format; empty: 32-bit floats on the processor, channels first."""

Norms = Literal["own", "as-trained"]
"""Norm statistics: `own` are estimated anew on calibration images after every cut and training here."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Training recipe, one for all methods, so that a comparison is of methods and nothing else.

    `finetune_epochs` is the budget of each sparsity level, shared out over its rounds by the
    schedule: every method spends the same to reach the same level.
    """

    dense_epochs: float = 12.0
    finetune_epochs: float = 1.0
    train_batch: int = 64
    optimizer: str = "sgd"
    dense_lr: float = 0.1
    finetune_lr: float = 0.02
    weight_decay: float = 5e-4
    augmented: bool = True
    arithmetic: Arithmetic = ""
    norms: Norms = "own"

    def trains(self, penalty_epochs: float = 0.0) -> bool:
        """Whether anything is trained by it: models may be taken and pruned as they are."""
        return bool(self.dense_epochs or self.finetune_epochs or penalty_epochs)


PROFILED_IMAGES = 32
"""Of a training step that is tried."""


@dataclass(frozen=True, kw_only=True)
class StepCost:
    """Step cost: milliseconds by arithmetic, and 10^6 bytes of a worker where the system tells."""

    milliseconds: dict[str, float]
    megabytes: float | None
