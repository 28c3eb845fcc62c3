"""As many models as there are cores: trained one after the other on all of them, or each on one.

    python tests/benchmarks/peers/training_workers.py [--models resnet18,mobilenetv3_small_100]

What decides how trials are spread: a process a core, of one thread, unless this says otherwise.
"""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from time import perf_counter

import click
import torch

from harness.discovery.loading import discover
from harness.machine.environment import physical_cores
from harness.planning.axis_selection import chosen_dataset
from harness.training.learning_rate import Rate
from harness.training.loop import TrainingJob, train
from harness.training.recipe import Recipe


def trained(name: str, *, threads: int, epochs: float) -> None:
    """Train one model on digits."""
    torch.set_num_threads(threads)
    catalogue = discover()
    [model], dataset = catalogue.choose_models(name), chosen_dataset(catalogue, "digits")
    rate = Rate(peak=Recipe.dense_lr)
    train(model.build(dataset), dataset, Recipe(), TrainingJob(epochs=epochs, rate=rate, seed=0))


def seconds(name: str, *, workers: int, threads: int, models: int) -> float:
    """Of training that many, one epoch each; processes are there already and have trained a step."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        for future in [
            pool.submit(trained, name, threads=threads, epochs=0.05) for _ in range(workers)
        ]:
            future.result()
        began = perf_counter()
        for future in [pool.submit(trained, name, threads=threads, epochs=1.0) for _ in range(models)]:
            future.result()
        return perf_counter() - began


@click.command()
@click.option("--models", default="resnet18,mobilenetv3_small_100,cifar_resnet20", help="Names.")
@click.option("--repeats", type=click.IntRange(min=1), default=3, help="Of each, in turn.")
def main(models: str, repeats: int) -> None:
    """Print seconds of both, and which is faster by how much."""
    cores = physical_cores()
    for name in models.split(","):
        pairs = [
            (
                seconds(name, workers=1, threads=cores, models=cores),
                seconds(name, workers=cores, threads=1, models=cores),
            )
            for _ in range(repeats)
        ]
        together, apart = (min(times) for times in zip(*pairs, strict=True))
        click.echo(
            f"{name}: {cores} models take {together:.1f} s on {cores} threads one after the other, "
            f"{apart:.1f} s on one thread each: {together / apart:.2f} times as fast"
        )


if __name__ == "__main__":
    main()
