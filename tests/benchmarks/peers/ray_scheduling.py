"""What Ray costs a trial: jobs that sleep, on local workers and on hosts of a Ray cluster.

    python tests/benchmarks/peers/ray_scheduling.py [--jobs 40] [--sleep 0.5]

Hosts are raylets on this machine with a processor each. Before the clock starts, every worker has done
a job: importing PyTorch once is no cost of a trial. A trial's cost is what all took more than sleeping.
"""

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from harness.engines.engine import Engine
from harness.engines.local import LocalEngine

WORKERS = (1, 2, 4)
TIME_LIMIT = 60.0


@contextmanager
def local(workers: int, folder: Path) -> Iterator[Engine]:
    yield LocalEngine(workers=workers, time_limit=TIME_LIMIT, log=folder / "log.txt")


@contextmanager
def cluster(workers: int, folder: Path) -> Iterator[Engine]:
    # Workers import this file again: as little as the command's own.
    from ray.cluster_utils import Cluster as Started

    from harness.engines.ray_cluster import join_cluster
    from harness.engines.ray_engine import ray_engines

    started = Started(initialize_head=True, head_node_args={"num_cpus": 0})
    for _ in range(workers):
        started.add_node(num_cpus=1, env_vars={"PYTHONPATH": os.environ.get("PYTHONPATH", "")})
    try:
        with (
            join_cluster(started.address, workers=workers, backends=[]) as found,
            ray_engines(found, folder, []) as make,
        ):
            yield make(time_limit=TIME_LIMIT, log=folder / "log.txt", preloads=(), note=click.echo)
    finally:
        started.shutdown()


def spent(engine: Engine, *, jobs: int, sleep: float) -> float:
    """Seconds until all have slept."""
    given = {f"job {number}": sleep for number in range(jobs)}
    began = time.perf_counter()
    for label, outcome in engine.run(time.sleep, given, watching=lambda _: None):
        if outcome.failure:
            raise click.ClickException(f"{label}: {outcome.failure}")
    return time.perf_counter() - began


@click.command()
@click.option("--jobs", type=click.IntRange(min=4), default=40, help="That sleep.")
@click.option("--sleep", type=click.FloatRange(min=0), default=0.5, help="Seconds each.")
def main(jobs: int, sleep: float) -> None:
    """Print what a trial costs each engine, and what Ray adds."""
    for workers in WORKERS:
        costs = {}
        for name, engine_of in (("local", local), ("ray", cluster)):
            with tempfile.TemporaryDirectory() as folder, engine_of(workers, Path(folder)) as engine:
                spent(engine, jobs=2 * workers, sleep=1.0)
                seconds = spent(engine, jobs=jobs, sleep=sleep)
            # Of one worker's time, which is what a trial waits for.
            costs[name] = 1000.0 * (seconds * workers / jobs - sleep)
        click.echo(
            f"{workers} workers: local {costs['local']:.0f} ms a trial, Ray {costs['ray']:.0f} ms: "
            f"{costs['ray'] - costs['local']:+.0f} ms"
        )


if __name__ == "__main__":
    main()
