"""What is asked of a run's training: how long, how fast, from which weights, in which arithmetic."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import click

from harness.options.declaration import flag, option, optional, text_option
from harness.options.value_types import FiniteRange
from harness.training.recipe import Arithmetic, Norms, Recipe

ArithmeticChoice = Literal["auto", "fp32"] | Arithmetic
FLOAT32: Literal["fp32"] = "fp32"
"""What is typed for training as no arithmetic changes it."""
EPOCHS = FiniteRange(min=0, max=100_000)
RATE = FiniteRange(min=0, max=1000)
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@dataclass(frozen=True, kw_only=True)
class TrainingOptions:
    """How dense models are trained and pruned ones fine-tuned."""

    dense_epochs: float = option(EPOCHS, default=Recipe.dense_epochs, help="Epochs of dense training.")
    finetune_epochs: float = option(
        EPOCHS,
        default=Recipe.finetune_epochs,
        help="Fine-tuning epochs of each level, shared out over its rounds.",
    )
    penalty_epochs: float = option(
        EPOCHS,
        default=0.0,
        help="Epochs of each level that slimming, group_lasso and greg train with their penalty, "
        "before fine-tuning; with too few to act they are skipped.",
    )
    train_batch: int = option(
        click.IntRange(min=1, max=65_536), default=Recipe.train_batch, help="Images per training step."
    )
    optimizer: str = text_option(default=Recipe.optimizer, help="timm's name of the optimiser.")
    dense_lr: float = option(
        RATE, default=Recipe.dense_lr, help="Peak learning rate of dense training."
    )
    finetune_lr: float = option(
        RATE, default=Recipe.finetune_lr, help="Peak learning rate of fine-tuning."
    )
    weight_decay: float = option(
        FiniteRange(min=0, max=1), default=Recipe.weight_decay, help="Weight decay of both."
    )
    arithmetic: ArithmeticChoice = option(
        click.Choice(["auto", FLOAT32, *filter(None, get_args(Arithmetic))]),
        default="auto",
        help="How models train: auto measures what is fastest here, once a model; fp32 is 32-bit "
        "floats.",
    )
    norms: Norms = option(
        click.Choice(get_args(Norms)),
        default=Recipe.norms,
        help="Norm statistics: own, estimated anew after every cut and training, or as-trained, which "
        "are mostly the dense network's.",
    )
    augmented: bool = flag("--augment/--no-augment", default=True, help="The dataset's own way.")
    weights: Path | None = optional(
        FILE,
        help="A file of weights that dense training starts from, safetensors or .pth; --dense-epochs 0 "
        "takes it as it is.",
    )
    reset_classifier: bool = flag(
        help="Leave the last layer out of --weights, whose classes are others, and begin it fresh."
    )

    @property
    def auto(self) -> bool:
        """Whether each model trains in what is fastest for it."""
        return self.arithmetic == "auto"

    def recipe(self) -> Recipe:
        """In 32-bit floats where no other arithmetic was named."""
        arithmetic = self.arithmetic
        return Recipe(
            dense_epochs=self.dense_epochs,
            finetune_epochs=self.finetune_epochs,
            train_batch=self.train_batch,
            optimizer=self.optimizer,
            dense_lr=self.dense_lr,
            finetune_lr=self.finetune_lr,
            weight_decay=self.weight_decay,
            augmented=self.augmented,
            norms=self.norms,
            arithmetic="" if arithmetic == "auto" or arithmetic == "fp32" else arithmetic,
        )
