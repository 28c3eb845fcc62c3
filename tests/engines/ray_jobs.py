"""Jobs that a Ray cluster is given; alone in a file, so that a host imports nothing else for them."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

from harness.engines.telling import tell


def work(job):
    if isinstance(job, Path):
        return held(job)
    if job == "raises":
        raise ValueError("of no value")
    if job == "exits":
        os._exit(3)
    if job == "hangs":
        time.sleep(600)
    if job == "waits":
        tell("waits for a second")
        time.sleep(1)
    return os.environ["HOST"]


def held(folder):
    """Say that it has begun, and go on when told to."""
    (folder / os.environ["HOST"]).touch()
    while not (folder / "go").exists():
        time.sleep(0.1)
    return os.environ["HOST"]


@dataclass(frozen=True)
class OnGpu:
    """A job that trains on a GPU, as far as an engine is concerned."""

    on_gpu: bool = True
