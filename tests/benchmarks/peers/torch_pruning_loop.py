"""The loop that people write over Torch-Pruning, against `harness run` on the same 54 cells.

    python tests/benchmarks/peers/torch_pruning_loop.py [--repeats 2]
    python tests/benchmarks/peers/torch_pruning_loop.py --images cifar10 --model cifar_resnet20

Six criteria, three levels, three seeds, ResNet-18 on digits, or another model on 10,000 images of a
folder with train/CLASS and test/CLASS. The dense model of a seed is trained once, each cell prunes a
copy as the library's documentation does it, fine-tunes, tests and times it. Batch size and recipe are
the harness's defaults, and so is the loop that trains, on as many threads as PyTorch takes.
"""

import copy
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, median
from time import perf_counter

import click
import pandas as pd
import torch
import torch_pruning as tp
from torch import nn

from harness.discovery import discover
from harness.recipe import Recipe
from harness.request import chosen_dataset
from harness.training import Rate, calibration_batches, evaluate, train

LEVELS, SEEDS = (0.5, 0.8, 0.9), (0, 1, 2)
CRITERIA = {
    "magnitude_l1": lambda: tp.importance.GroupMagnitudeImportance(p=1),
    "magnitude_l2": lambda: tp.importance.GroupMagnitudeImportance(p=2),
    "fpgm": tp.importance.FPGMImportance,
    "taylor": tp.importance.GroupTaylorImportance,
    "batch_norm_scale": tp.importance.BNScaleImportance,
    "random": tp.importance.RandomImportance,
}
CELLS = len(CRITERIA) * len(LEVELS) * len(SEEDS)
TIMED, WARM_UP = 50, 10
TRAIN_IMAGES, TEST_IMAGES = 800, 200
"""Of each class."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """What both do."""

    model: str
    dataset: str
    recipe: Recipe
    options: Sequence[str]


def loop(task: Task) -> list[float]:
    """Accuracy of each cell; times are taken and dropped, as what is compared is how long all takes."""
    catalogue, recipe = discover(), task.recipe
    [model], dataset = catalogue.choose_models(task.model), chosen_dataset(catalogue, task.dataset)
    found = []
    for seed in SEEDS:
        torch.manual_seed(seed)
        dense = model.build(dataset)
        rate = Rate(peak=recipe.dense_lr)
        train(dense, dataset, recipe, epochs=recipe.dense_epochs, rate=rate, seed=seed)
        for criterion in CRITERIA.values():
            for level in LEVELS:
                pruned = copy.deepcopy(dense)
                prune(pruned, criterion(), level=level, dataset=dataset)
                rate = Rate(peak=recipe.finetune_lr)
                train(pruned, dataset, recipe, epochs=recipe.finetune_epochs, rate=rate, seed=seed)
                found.append(evaluate(pruned, dataset).top1)
                latency(pruned, dataset)
    return found


def prune(model: nn.Module, importance: object, *, level: float, dataset: object) -> None:
    """In place; as many of each layer's channels as leave about `1 - level` of the parameters."""
    example = torch.randn(1, *dataset.shape)
    pruner = tp.pruner.BasePruner(
        model,
        example,
        importance=importance,
        pruning_ratio=1.0 - (1.0 - level) ** 0.5,
        ignored_layers=[layer for layer in model.modules() if isinstance(layer, nn.Linear)],
    )
    if isinstance(importance, tp.importance.GroupTaylorImportance):
        batches = calibration_batches(dataset, images=256, batch=Recipe().train_batch, seed=0)
        for images, labels in batches:
            nn.functional.cross_entropy(model(images), labels).backward()
    pruner.step()


def latency(model: nn.Module, dataset: object) -> float:
    """Median milliseconds of one image."""
    example = torch.randn(1, *dataset.shape)
    times = []
    with torch.inference_mode():
        for _ in range(WARM_UP + TIMED):
            began = perf_counter()
            model(example)
            times.append(perf_counter() - began)
    return 1000.0 * median(times[WARM_UP:])


def harness_run(task: Task) -> list[float]:
    """Accuracy of each cell of the same grid, by the command that a user types."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [
                sys.executable, "-m", "harness", "run",
                "--models", task.model, "--dataset", task.dataset,
                "--pruners", ",".join(CRITERIA), "--granularities", "channel", "--scope", "local",
                "--levels", ",".join(map(str, LEVELS)), "--seeds", ",".join(map(str, SEEDS)),
                "--backends", "eager_cpu", "--batch-sizes", "1", "--out", folder,
                "--dense-epochs", str(task.recipe.dense_epochs),
                "--finetune-epochs", str(task.recipe.finetune_epochs), *task.options,
            ],
            check=True,
            capture_output=True,
        )  # fmt: skip
        table = pd.read_parquet(Path(folder) / "table.parquet")
    return table.top1[(table.pruner != "dense") & (table.status == "ok")].tolist()


def measured(name: str, run: Callable[[Task], list[float]], task: Task) -> float:
    """Cells an hour, printed with the mean accuracy."""
    began = perf_counter()
    found = run(task)
    seconds = perf_counter() - began
    rate = 3600.0 * len(found) / seconds
    click.echo(f"{name}: {len(found)} cells in {seconds:.0f} s, {rate:.0f} an hour, {fmean(found):.2%}")
    return rate


def some_images(images: Path, folder: Path) -> None:
    """A folder with links to the first images of each class."""
    for part, most in (("train", TRAIN_IMAGES), ("test", TEST_IMAGES)):
        for kind in sorted((images / part).iterdir()):
            (folder / part / kind.name).mkdir(parents=True)
            for image in sorted(kind.iterdir())[:most]:
                (folder / part / kind.name / image.name).symlink_to(image.resolve())


@click.command()
@click.argument("options", nargs=-1)
@click.option("--repeats", type=click.IntRange(min=1), default=2, help="Of each, in turn.")
@click.option("--model", default="resnet18", help="A name that `harness run` knows.")
@click.option("--images", type=click.Path(exists=True, path_type=Path), help="Instead of digits.")
@click.option("--dense-epochs", default=Recipe.dense_epochs, help="Of both.")
@click.option("--finetune-epochs", default=Recipe.finetune_epochs, help="Of both.")
def main(
    options: tuple[str, ...],
    repeats: int,
    model: str,
    images: Path | None,
    dense_epochs: float,
    finetune_epochs: float,
) -> None:
    """Compare both and print how many times the cells an hour the harness does.

    OPTIONS, after `--`, are the harness's own, as --arithmetic channels_last+bf16.
    """
    recipe = Recipe(dense_epochs=dense_epochs, finetune_epochs=finetune_epochs)
    with tempfile.TemporaryDirectory() as folder:
        if images:
            some_images(images, Path(folder) / "some")
        dataset = f"folder:{folder}/some" if images else "digits"
        task = Task(model=model, dataset=dataset, recipe=recipe, options=options)
        pairs = [
            (measured("loop", loop, task), measured("harness", harness_run, task))
            for _ in range(repeats)
        ]
    ratio = median(ours / theirs for theirs, ours in pairs)
    click.echo(f"The harness does {ratio:.2f} times the cells an hour.")


if __name__ == "__main__":
    main()
