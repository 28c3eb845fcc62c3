"""Options of where jobs run, and what each may take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

import click

from harness.engines.job_limits import JobLimits
from harness.engines.shard import Shard, parse_shard
from harness.options.declaration import option, optional
from harness.options.value_types import COUNT, MONTH, FiniteRange

EngineName = Literal["local", "ray", "slurm-script"]


class ShardType(click.ParamType["Shard"]):
    """A shard of the training, as trials:3/16."""

    name = "shard"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Shard:  # noqa: ANN401, ARG002 -- click's own signature
        """Raises HarnessError where it is none."""
        return value if isinstance(value, Shard) else parse_shard(str(value))


@dataclass(frozen=True, kw_only=True)
class EngineOptions:
    """On which machines jobs run, and on how many processes."""

    workers: int | None = optional(
        COUNT, help="Training processes, or tasks of a Slurm array.  [default: cores; 16]"
    )
    engine: EngineName = option(
        click.Choice(get_args(EngineName)),
        default="local",
        help="Processes here, hosts of a Ray cluster, or a script that queues jobs of Slurm.",
    )
    address: str | None = optional(
        click.STRING, help="Of the cluster, as 10.0.0.1:6379.  [default: one is started here]"
    )
    shard: Shard | None = optional(
        ShardType(),
        "--shard",
        # Its name in earlier releases, which scripts of theirs hold.
        "--part",
        help="Only train a shard, as a task that knows of no others: dense:1/4 or trials:3/16.",
    )


@dataclass(frozen=True, kw_only=True)
class LimitOptions:
    """What one job may take: a trial, a session of timing, whatever runs in processes of its own."""

    time_limit: float = option(FiniteRange(min=1, max=MONTH), default=3600, help="Seconds.")
    memory_limit: float | None = optional(
        FiniteRange(min=0.1, max=100_000),
        help="GB of memory.  [default: nine tenths of the machine's, by workers; 4 at least]",
    )
    disk_limit: float | None = optional(
        FiniteRange(min=0.001, max=1_000_000),
        help="GB that it writes.  [default: half of what is free]",
    )
    process_limit: int | None = optional(
        click.IntRange(min=1, max=1_000_000),
        help="Processes at once.  [default: 8 a core; 256 at least]",
    )
    log_limit: float = option(
        FiniteRange(min=0.001, max=100_000),
        default=JobLimits.log_mb,
        help="MB of what it prints; the rest is left out.",
    )

    def job_limits(self) -> JobLimits:
        """All but time."""
        return JobLimits(
            memory_gb=self.memory_limit,
            disk_gb=self.disk_limit,
            processes=self.process_limit,
            log_mb=self.log_limit,
        )
