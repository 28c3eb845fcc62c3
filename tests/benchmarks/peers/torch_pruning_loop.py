"""The loop that people write over Torch-Pruning, against `harness run` on the same 54 cells.

    python tests/benchmarks/peers/torch_pruning_loop.py [--repeats 2]
    python tests/benchmarks/peers/torch_pruning_loop.py --images cifar10 --model cifar_resnet20

Six criteria, three levels, three seeds, ResNet-18 on digits, or another model on 10,000 images of a
folder with train/CLASS and test/CLASS. The dense model of a seed is trained once, each cell prunes a
copy as the library's documentation does it, fine-tunes, tests and times it. Epochs, batch size, rates
and augmentation are the harness's; the loop is PyTorch's and torchvision's own, on as many threads as
PyTorch takes, images of a folder being decoded by two workers of its loader.
"""

import copy
import math
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, median
from time import perf_counter

import click
import pandas as pd
import torch
import torch_pruning as tp
from torch import nn
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader
from torchvision.datasets import ImageFolder
from torchvision.transforms import v2

from harness.discovery.loading import discover
from harness.planning.axis_selection import chosen_dataset
from harness.training.recipe import Recipe

LEVELS, SEEDS = (0.5, 0.8, 0.9), (0, 1, 2)
CRITERIA = {
    "group_norm_l1": lambda: tp.importance.GroupMagnitudeImportance(p=1),
    "group_norm_l2": lambda: tp.importance.GroupMagnitudeImportance(p=2),
    "fpgm": tp.importance.FPGMImportance,
    "taylor": tp.importance.GroupTaylorImportance,
    "batch_norm_scale": tp.importance.BNScaleImportance,
    "random": tp.importance.RandomImportance,
}
CELLS = len(CRITERIA) * len(LEVELS) * len(SEEDS)
TIMED, WARM_UP = 50, 10
CALIBRATION = 4
"""Batches that a criterion sees which looks at images."""
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
    train_batches, test_batches = loaders(task, dataset)
    found = []
    for seed in SEEDS:
        torch.manual_seed(seed)
        dense = model.build(dataset)
        fit(dense, train_batches, epochs=recipe.dense_epochs, peak=recipe.dense_lr)
        for criterion in CRITERIA.values():
            for level in LEVELS:
                pruned = copy.deepcopy(dense)
                prune(pruned, criterion(), level=level, batches=train_batches)
                fit(pruned, train_batches, epochs=recipe.finetune_epochs, peak=recipe.finetune_lr)
                found.append(accuracy(pruned, test_batches))
                latency(pruned, next(iter(test_batches))[0][:1])
    return found


def loaders(task: Task, dataset: object) -> tuple[Sequence, Sequence]:
    """Batches to train and to test with."""
    batch = task.recipe.train_batch
    if task.dataset == "digits":
        train, test = dataset.split("train"), dataset.split("test")
        shifted = Shifted(DataLoader(train, batch, shuffle=True, drop_last=True), dataset.augment)
        return shifted, DataLoader(test, 256)
    plain = [v2.ToImage(), v2.ToDtype(torch.float32, scale=True), v2.Normalize([0.5] * 3, [0.25] * 3)]
    moved = [v2.RandomCrop(32, padding=4), v2.RandomHorizontalFlip()]
    root = Path(task.dataset.removeprefix("folder:"))
    train = ImageFolder(root / "train", v2.Compose([*moved, *plain]))
    test = ImageFolder(root / "test", v2.Compose(plain))
    train_batches = DataLoader(train, batch, shuffle=True, drop_last=True, num_workers=2)
    return train_batches, DataLoader(test, 256, num_workers=2)


@dataclass(frozen=True)
class Shifted:
    """Batches, augmented as the digits are."""

    batches: DataLoader
    augment: Callable

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self) -> Iterable:
        generator = torch.Generator().manual_seed(0)
        return ((self.augment(images, generator), labels) for images, labels in self.batches)


def fit(model: nn.Module, batches: Sequence, *, epochs: float, peak: float) -> None:
    """SGD with a warm-up and a cosine, in place."""
    steps, done = round(epochs * len(batches)), 0
    warm = max(1, steps // 10)
    optimizer = torch.optim.SGD(
        model.parameters(), peak, momentum=0.9, nesterov=True, weight_decay=Recipe.weight_decay
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min(step / warm, 0.5 * (1.0 + math.cos(math.pi * step / steps)))
    )
    model.train()
    while done < steps:
        for images, labels in batches:
            optimizer.zero_grad()
            cross_entropy(model(images), labels).backward()
            optimizer.step()
            schedule.step()
            done += 1
            if done == steps:
                break
    model.eval()


def accuracy(model: nn.Module, batches: Sequence) -> float:
    """Of the test images."""
    with torch.inference_mode():
        right = [model(images).argmax(1) == labels for images, labels in batches]
    return float(torch.cat(right).double().mean())


def prune(model: nn.Module, importance: object, *, level: float, batches: Sequence) -> None:
    """In place; as many of each layer's channels as leave about `1 - level` of the parameters."""
    shown = [batch for batch, _ in zip(batches, range(CALIBRATION), strict=False)]
    pruner = tp.pruner.BasePruner(
        model,
        shown[0][0][:1],
        importance=importance,
        pruning_ratio=1.0 - (1.0 - level) ** 0.5,
        ignored_layers=[layer for layer in model.modules() if isinstance(layer, nn.Linear)],
    )
    if isinstance(importance, tp.importance.GroupTaylorImportance):
        for images, labels in shown:
            cross_entropy(model(images), labels).backward()
    pruner.step()


def latency(model: nn.Module, example: torch.Tensor) -> float:
    """Median milliseconds of one image."""
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
@click.option("--finetune-epochs", default=2.0, help="Of both.")
def main(
    options: tuple[str, ...],
    repeats: int,
    model: str,
    images: Path | None,
    dense_epochs: float,
    finetune_epochs: float,
) -> None:
    """Compare both and print how many times the cells an hour the harness does.

    OPTIONS, after `--`, are the harness's own, as --arithmetic fp32.
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
