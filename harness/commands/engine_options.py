"""Options of `harness run` that say on which machines its jobs run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from harness.engines.shard import Shard, parse_shard
from harness.errors import HarnessError
from harness.machine.availability import no_gpu, unmet
from harness.machine.environment import physical_cores

if TYPE_CHECKING:
    from harness.discovery.catalogue import Catalogue
    from harness.engines.ray_cluster import Cluster

RAY_REQUIREMENT = "ray>=2.40,<2.56"
"""As in pyproject.toml."""


class ShardType(click.ParamType["Shard"]):
    """A shard of the training, as trials:3/16."""

    name = "shard"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Shard:  # noqa: ANN401, ARG002 -- click's own signature
        """Raises HarnessError where it is none."""
        return value if isinstance(value, Shard) else parse_shard(str(value))


def engine_options(command: Any) -> Any:  # noqa: ANN401 -- click's decorators are untyped
    """`--workers`, `--engine`, `--address` and `--shard`."""
    for option in (
        click.option(
            "--shard",
            # Its name in earlier releases, which scripts of theirs hold.
            "--part",
            "shard",
            type=ShardType(),
            help="Only train a shard, as a task that knows of no others: dense:1/4 or trials:3/16.",
        ),
        click.option(
            "--address", help="Of the cluster, as 10.0.0.1:6379.  [default: one is started here]"
        ),
        click.option(
            "--engine",
            type=click.Choice(["local", "ray", "slurm-script"]),
            default="local",
            help="Processes here, hosts of a Ray cluster, or a script that queues jobs of Slurm.",
        ),
        click.option(
            "--workers",
            type=click.IntRange(min=1),
            help="Training processes, or tasks of a Slurm array.  [default: cores; 16]",
        ),
    ):
        command = option(command)
    return command


def check_engine(context: click.Context) -> None:
    """Raise HarnessError where other options make no sense with the engine."""
    asked = context.params
    remote = asked["engine"] == "ray"
    if asked["address"] and not remote:
        raise HarnessError(f"--address {asked['address']} is of a cluster: it goes with --engine ray")
    if asked["pin"] and remote:
        raise HarnessError(f"--pin {asked['pin']} is of this machine; with --engine ray others time")
    if asked["meter"] and remote and not asked["meter"].startswith("watts"):
        raise HarnessError(
            f"--meter {asked['meter']} reads this machine; with --engine ray others time"
        )
    if asked["shard"] and (asked["fresh"] or asked["engine"] != "local"):
        raise HarnessError("--shard trains beside others in one folder: no --fresh, and --engine local")
    if asked["fresh"] and asked["engine"] == "slurm-script":
        raise HarnessError("--fresh: one job would forget what another did; remove the folder instead")
    if "cuda" in asked["arithmetic"] and asked["engine"] == "local" and (reason := no_gpu()):
        raise HarnessError(f"--arithmetic {asked['arithmetic']}: {reason}")
    if asked["shard"] and asked["arithmetic"] == "auto":
        raise HarnessError("--shard: name an --arithmetic, as fp32, so that all shards train alike")


def join_ray_cluster(catalogue: Catalogue, address: str | None, *, workers: int | None) -> Cluster:
    """The cluster, which is left when the command ends. Raises HarnessError where there is none."""
    reason = unmet(RAY_REQUIREMENT)
    if reason is not None:
        raise HarnessError(f"--engine ray: {reason}")
    from harness.engines.ray_cluster import join_cluster

    backends = [offer.plugin for offer in catalogue.offers if offer.kind == "backend"]
    workers = workers or physical_cores()
    cluster: Cluster = click.get_current_context().with_resource(
        join_cluster(address, workers=workers, backends=backends)
    )
    return cluster
