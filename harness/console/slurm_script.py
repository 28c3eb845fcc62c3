"""A plan as jobs of Slurm: arrays that train, and one job that measures and writes the rows."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import HarnessError
from harness.options.config_file import typed_words
from harness.options.training_options import FLOAT32

if TYPE_CHECKING:
    import click

    from harness.engines.shard import Stage
    from harness.planning.plan import Plan

SCRIPT = """\
#!/bin/sh
# {dense_models} dense models and {trials} trials to train, then one job that measures and ranks.
# Partition, account and time come from SBATCH_PARTITION, SBATCH_ACCOUNT and SBATCH_TIMELIMIT.
set -eu
cd {folder}
run={run}
{stages}sbatch{after} --job-name=harness --exclusive --wrap="$run"
"""
STAGE = """\
{stage}=$(sbatch --parsable{after} --job-name=harness-{stage} --array=1-{count} --cpus-per-task=1 \\
  --wrap="$run --workers=1 --shard={stage}:\\$SLURM_ARRAY_TASK_ID/{count}")
"""
DEFAULT_TASKS = 16
"""Of an array, where nothing else is said."""
MAX_TASKS = 1000
"""Tasks of an array, which Slurm takes as it comes (MaxArraySize)."""


def slurm_script(context: click.Context, plan: Plan, *, tasks: int | None) -> str:
    """A shell script that queues the `harness run` of `context` in at most `tasks` tasks a stage.

    Each stage waits for the one before, whatever its end: what a job did not finish is owed still.
    Raises HarnessError where the folder's models are trained in unlike arithmetics.
    """
    options = typed_words(context, without=("engine", "workers", "fresh", "arithmetic"))
    command = [sys.executable, "-m", "harness", "run", *options, "--engine=local", _arithmetic(plan)]
    counts: dict[Stage, int] = {
        "dense": len(plan.needed_dense_models),
        "trials": len(plan.pending_trials),
    }
    stages, after = "", ""
    for stage, pending in counts.items():
        count = min(pending, tasks or DEFAULT_TASKS, MAX_TASKS)
        if count:
            stages += STAGE.format(stage=stage, after=after, count=count)
            after = f' --dependency="afterany:${stage}"'
    return SCRIPT.format(
        dense_models=counts["dense"],
        trials=counts["trials"],
        folder=shlex.quote(str(Path.cwd())),
        run=shlex.quote(shlex.join(command)),
        stages=stages,
        after=after,
    )


def _arithmetic(plan: Plan) -> str:
    """What all tasks train in, wherever they run."""
    used = sorted({dense.recipe.arithmetic or FLOAT32 for dense in plan.dense_models})
    if len(used) > 1:
        raise HarnessError(f"the folder's models train in {', '.join(used)}: queue them one by one")
    return f"--arithmetic={used[0]}"
