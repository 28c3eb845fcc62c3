"""The loop that people write over Torch-Pruning, against `harness run` on the same 54 cells.

    python tests/benchmarks/peers/torch_pruning_loop.py [--repeats 2]

Six criteria, three levels, three seeds, ResNet-18 on digits: the dense model of a seed is trained once,
each cell prunes a copy as the library's documentation does it, fine-tunes, tests and times it. Epochs,
batch size and recipe are the harness's defaults, and so is the loop that trains. Both take turns.
"""

import copy
import subprocess
import sys
import tempfile
from collections.abc import Callable
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
from harness.training import Rate, calibration_batches, evaluate, train

MODEL, DATASET = "resnet18", "digits"
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
RECIPE = Recipe()


def loop() -> list[float]:
    """Accuracy of each cell; times are taken and dropped, as what is compared is how long all takes."""
    [model], [dataset] = discover().choose_models(MODEL), discover().choose("dataset", DATASET)
    found = []
    for seed in SEEDS:
        torch.manual_seed(seed)
        dense = model.build(dataset)
        rate = Rate(peak=RECIPE.dense_lr)
        train(dense, dataset, RECIPE, epochs=RECIPE.dense_epochs, rate=rate, seed=seed)
        for criterion in CRITERIA.values():
            for level in LEVELS:
                pruned = copy.deepcopy(dense)
                prune(pruned, criterion(), level=level, dataset=dataset)
                rate = Rate(peak=RECIPE.finetune_lr)
                train(pruned, dataset, RECIPE, epochs=RECIPE.finetune_epochs, rate=rate, seed=seed)
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
        ignored_layers=[model.fc],
    )
    if isinstance(importance, tp.importance.GroupTaylorImportance):
        batches = calibration_batches(dataset, images=256, batch=RECIPE.train_batch, seed=0)
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


def harness_run() -> list[float]:
    """Accuracy of each cell of the same grid, by the command that a user types."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [
                sys.executable, "-m", "harness", "run", "--models", MODEL, "--dataset", DATASET,
                "--pruners", ",".join(CRITERIA), "--granularities", "channel", "--scope", "local",
                "--levels", ",".join(map(str, LEVELS)), "--seeds", ",".join(map(str, SEEDS)),
                "--backends", "eager_cpu", "--batch-sizes", "1", "--out", folder,
            ],
            check=True,
            capture_output=True,
        )  # fmt: skip
        table = pd.read_parquet(Path(folder) / "table.parquet")
    return table.top1[(table.pruner != "dense") & (table.status == "ok")].tolist()


def measured(name: str, run: Callable[[], list[float]]) -> float:
    """Cells an hour, printed with the mean accuracy."""
    began = perf_counter()
    found = run()
    seconds = perf_counter() - began
    rate = 3600.0 * len(found) / seconds
    click.echo(f"{name}: {len(found)} cells in {seconds:.0f} s, {rate:.0f} an hour, {fmean(found):.2%}")
    return rate


@click.command()
@click.option("--repeats", type=click.IntRange(min=1), default=2, help="Of each, in turn.")
def main(repeats: int) -> None:
    """Compare both and print how many times the cells an hour the harness does."""
    pairs = [(measured("loop", loop), measured("harness", harness_run)) for _ in range(repeats)]
    ratio = median(ours / theirs for theirs, ours in pairs)
    click.echo(f"The harness does {ratio:.2f} times the cells an hour.")


if __name__ == "__main__":
    main()
