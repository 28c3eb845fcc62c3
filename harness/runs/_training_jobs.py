"""What worker processes do; each function takes one picklable job."""

from __future__ import annotations

import ctypes
import platform
import traceback
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.errors import failure_reason
from harness.machine.device_lock import read_lock
from harness.machine.environment import gpu_name
from harness.machine.time_breakdown import JobResult, TimeBreakdown, process_age
from harness.measuring.deployed_size import DeployedSizes
from harness.training.arithmetic import device_of
from harness.trials.snapshot import load_model
from harness.trials.trained_models import train_dense
from harness.trials.trial_run import run_levels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import nn

    from harness.conversion.deployment import Deployment
    from harness.storage.artifacts import ArtifactStore
    from harness.trials.rival import Rival
    from harness.trials.spec import Dense, Trial

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""Names and numbers of glibc's <malloc.h>."""
MAX_KEPT_BYTES = 2**30


@dataclass(frozen=True, kw_only=True)
class DenseJob:
    """Train one dense model."""

    dense: Dense
    store: ArtifactStore
    deployments: Sequence[Deployment]

    @property
    def on_gpu(self) -> bool:
        """Whether its arithmetic is a GPU's."""
        return device_of(self.dense.recipe.arithmetic) == "cuda"


@dataclass(frozen=True, kw_only=True)
class TrialJob:
    """Run one trial, all of its levels."""

    trial: Trial | Rival
    store: ArtifactStore
    deployments: Sequence[Deployment]

    @property
    def on_gpu(self) -> bool:
        """Whether its arithmetic is a GPU's."""
        return device_of(self.trial.network.recipe.arithmetic) == "cuda"


def run_training(job: DenseJob | TrialJob) -> JobResult:
    """Whichever it is; where it trains on a GPU, no harness times there meanwhile.

    Training is on one thread, whatever `threads` the models are timed on: workers already fill the
    cores, and sums split among threads are other numbers, so that a result would depend on the option.
    """
    with read_lock(gpu_name()) if job.on_gpu else nullcontext():
        return run_dense(job) if isinstance(job, DenseJob) else run_trial(job)


def run_dense(job: DenseJob) -> JobResult:
    """Keep the trained dense model, its exports and their sizes."""
    keep_freed_memory()
    time_breakdown, dense = TimeBreakdown(), job.dense
    time_breakdown.add("starting", process_age())
    train_dense(dense, job.store, time_breakdown=time_breakdown)
    _export(dense.key, None, dense=dense, job=job, time_breakdown=time_breakdown)
    return JobResult(time_breakdown=time_breakdown)


def run_trial(job: TrialJob) -> JobResult:
    """Keep a snapshot of every level, its exports and their sizes."""
    time_breakdown, network = TimeBreakdown(), job.trial.network
    if job.trial.target.backend is None:
        # Where it times models too, they are to have their memory as others do.
        keep_freed_memory()
    time_breakdown.add("starting", process_age())
    for level, model in run_levels(job.trial, job.store, time_breakdown=time_breakdown):
        if level.status == "ok":
            _export(level.snapshot, model, dense=network, job=job, time_breakdown=time_breakdown)
    return JobResult(time_breakdown=time_breakdown)


def keep_freed_memory() -> None:
    """Have glibc keep what a training step frees for the next one.

    It gives large blocks back to the system, and pages that come anew take a tenth of a step.
    """
    if platform.libc_ver()[0] == "glibc":
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(M_MMAP_THRESHOLD, MAX_KEPT_BYTES)
        mallopt(M_TRIM_THRESHOLD, MAX_KEPT_BYTES)


def _export(
    snapshot: str,
    model: nn.Module | None,
    *,
    dense: Dense,
    job: DenseJob | TrialJob,
    time_breakdown: TimeBreakdown,
) -> None:
    deployed_sizes = DeployedSizes(job.store)
    pending = deployed_sizes.pending_exports(snapshot, job.deployments)
    if not pending:
        return
    if model is None:
        model = load_model(job.store.folder(snapshot), dense.model, dense.dataset)
    for deployment in pending:
        try:
            with time_breakdown.counting("exporting"):
                deployed_sizes.export(snapshot, model.eval(), dense=dense, to=deployment)
        except (Exception, SystemExit) as error:
            traceback.print_exc()
            deployed_sizes.record_failure(snapshot, deployment.backend, failure_reason(error))
