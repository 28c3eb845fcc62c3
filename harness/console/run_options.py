"""What is asked of `harness run`: each option once, as a typed field of the part that it belongs to."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import click

from harness.console._data_options import DataOptions
from harness.console._training_options import TrainingOptions
from harness.console.options import (
    PLUGIN_HELP,
    FiniteRange,
    WritablePath,
    defaults_of,
    flag,
    option,
    option_group,
    optional,
    read_config,
    required_option,
    text_option,
)
from harness.console.ranking_options import RankingOptions
from harness.engines.shard import Shard, parse_shard
from harness.errors import HarnessError
from harness.measuring.stopping import StoppingRule
from harness.planning.grid import ScopeChoice
from harness.runs.request import Request
from harness.storage.artifacts import ARTIFACTS

if TYPE_CHECKING:
    from collections.abc import Mapping

EngineName = Literal["local", "ray", "slurm-script"]
NOT_OF_THE_GRID = ("config", "dry_run", "fresh", "out", "dense_from", "shard", "plugin")
"""Options that say nothing of which rows there are and how they are measured.

Files of plugins are run, so that a folder of results never names any."""
COUNT = click.IntRange(min=1, max=1024)
MONTH = 30 * 86_400
"""Seconds that no trial and no session takes longer than."""
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
NEW_FOLDER = WritablePath(file_okay=False)
KEPT_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


class ShardType(click.ParamType["Shard"]):
    """A shard of the training, as trials:3/16."""

    name = "shard"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Shard:  # noqa: ANN401, ARG002 -- click's own signature
        """Raises HarnessError where it is none."""
        return value if isinstance(value, Shard) else parse_shard(str(value))


@dataclass(frozen=True, kw_only=True)
class AxisOptions:
    """The axes of the grid, and how its models are timed."""

    models: str = required_option(
        click.STRING,
        help="timm names or patterns, as resnet18,vit_tiny*; with a tag, as resnet18.a1_in1k, "
        "pretrained.",
    )
    pruners: str = text_option(
        default="all", help="Criteria: all, names, patterns, !name to leave out."
    )
    granularities: str = text_option(default="all", help="weight, channel, 2:4, block:4x4, ...")
    levels: str = text_option(
        default="0.3,0.6,0.8", help="Sparsity levels: fractions of the target that leave."
    )
    schedules: str = text_option(
        default="one_shot", help="one_shot, iterative:0.2, lottery, ... or all."
    )
    scope: ScopeChoice = option(
        click.Choice(get_args(ScopeChoice)),
        default="published",
        help="Compare scores as each method's paper does, over the network, a layer, an output row; or "
        "share the sparsity out by ERK, or over layers coupled alike.",
    )
    layer_floor: float | None = optional(
        FiniteRange(min=0, max=1, max_open=True),
        help="Least fraction of each layer that stays whatever its scores.  [default: 0.1 of channels]",
    )
    keep: str = text_option(
        default="",
        help="Layers that stay whole, by name or pattern, as 'layer4.*,conv1'; at channel, their own "
        "channels.",
    )
    only: str = text_option(default="", help="Layers that alone are pruned, written alike.")
    target: str = text_option(
        default="macs",
        help="What a level is a fraction of: macs, prunable params, or latency:BACKEND, which is "
        "searched on the clock: one trial at a time, at the smallest batch size. With speedup:BACKEND, "
        "--levels 2,4 are twice and four times as fast.",
    )
    seeds: str = text_option(
        default="0,1,2",
        help="Whole numbers, each with its own dense model; one seed gives scores and no ranks.",
    )
    rivals: str = text_option(
        default="",
        help="Smaller networks, as resnet10t,resnet14t, trained by the same recipe as long as a pruned "
        "model altogether: each model is ranked beside those that have fewer multiply-accumulates.",
    )
    podium: int | None = optional(
        COUNT,
        help="Spend further seeds, up to eight, on the methods of which it is open whether they are "
        "among so many best.",
    )
    backends: str = text_option(
        default="eager_cpu,onnxruntime_cpu",
        help="Devices with their runtimes; all that `harness list` shows, or by name.",
    )
    batch_sizes: str = text_option(default="1", help="Timed; 1,8 tells of throughput too.")
    threads: int = option(COUNT, default=1, help="Of a timed model.")


@dataclass(frozen=True, kw_only=True)
class EngineOptions:
    """On which machines jobs run, on how many processes, and for how long at most."""

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
    time_limit: float = option(FiniteRange(min=1, max=MONTH), default=3600, help="Seconds a trial.")


@dataclass(frozen=True, kw_only=True)
class TimingOptions:
    """How sure of the times a run is to be."""

    precision: float = option(
        FiniteRange(min=0, max=1),
        default=0.01,
        help="Timing goes on until all savings are known to this fraction of dense latency (95 %).",
    )
    timing_seconds: float = option(
        FiniteRange(min=0, max=MONTH),
        default=StoppingRule.seconds,
        help="Or after so long a session: up to 32 models on one backend, in 4 processes or more.",
    )
    meter: str = text_option(default="", help="Of energy: rapl, nvml, or an estimate as watts:15.")
    pin: str = text_option(default="", help="Cores that timing processes are pinned to, as 0,1.")
    quick: bool = flag(help="One timing process instead of four: placement unseen.")

    def stopping_rule(self) -> StoppingRule:
        """One process where it is to be quick."""
        rule = StoppingRule.to_precision(self.precision, seconds=self.timing_seconds)
        return replace(rule, least=1, most=1) if self.quick else rule


@dataclass(frozen=True, kw_only=True)
class FolderOptions:
    """Where rows and models go, and what is taken over of those that there are."""

    out: Path | None = optional(NEW_FOLDER, help="The run's folder.")
    dense_from: Path | None = optional(
        KEPT_FOLDER,
        help="A run folder whose dense models are taken over instead of training the same ones again.",
    )
    fresh: bool = flag(help="Forget what this run's folder holds and start again.")
    dry_run: bool = flag(help="Print the plan and stop.")

    def kept_run(self) -> Path | None:
        """The run folder of `--dense-from`. Raises HarnessError where it is none."""
        if self.dense_from and not (self.dense_from / ARTIFACTS).is_dir():
            raise HarnessError(
                f"--dense-from {self.dense_from} is no run's folder: it has no {ARTIFACTS}/ in it"
            )
        return self.dense_from


@dataclass(frozen=True, kw_only=True)
class FileOptions:
    """Files of settings and of plugins."""

    config: Path | None = optional(
        FILE, help="TOML file with any of these options; the command line wins.", eager=read_config
    )
    plugin: str = text_option(default="", help=PLUGIN_HELP)


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """All options of `harness run`, as they were typed or a file says."""

    axes: AxisOptions = option_group(AxisOptions, title="What is run")
    data: DataOptions = option_group(DataOptions, title="On which images")
    training: TrainingOptions = option_group(TrainingOptions, title="How it is trained")
    engine: EngineOptions = option_group(EngineOptions, title="Where it runs")
    timing: TimingOptions = option_group(TimingOptions, title="How it is timed")
    ranking: RankingOptions = option_group(RankingOptions, title="How it is ranked")
    folder: FolderOptions = option_group(FolderOptions, title="Folder, and going on")
    files: FileOptions = option_group(FileOptions, title="Settings and plugins from files")

    def request(self) -> Request:
        """What decides which rows there are, and their keys."""
        axes, data = self.axes, self.data
        return Request(
            models=axes.models,
            dataset=data.dataset,
            pruners=axes.pruners,
            granularities=axes.granularities,
            scope=axes.scope,
            schedules=axes.schedules,
            levels=axes.levels,
            seeds=axes.seeds,
            backends=axes.backends,
            batch_sizes=axes.batch_sizes,
            threads=axes.threads,
            recipe=self.training.recipe(),
            weights=self.training.weights,
            reset_classifier=self.training.reset_classifier,
            preprocessing=data.preprocessing(),
            target=axes.target,
            data_dir=data.data_dir,
            download=data.download,
            penalty_epochs=self.training.penalty_epochs,
            layer_floor=axes.layer_floor,
            rivals=axes.rivals,
            keep=axes.keep,
            only=axes.only,
        )


REPEATABLE = (
    "models", "pruners", "granularities", "levels", "schedules", "scope", "layer-floor", "keep", "only",
    "target", "seeds", "rivals", "dataset", "backends", "batch-sizes", "threads", "dense-epochs",
    "finetune-epochs", "penalty-epochs", "train-batch", "optimizer", "dense-lr", "finetune-lr",
    "weight-decay", "arithmetic", "norms", "augment", "precision", "timing-seconds", "quick",
)  # fmt: skip
"""Options that say what is measured and how long, and reach neither another machine nor other files."""


def beyond_defaults(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options of a run that measure it again, but those that `harness run` takes by itself.

    A folder of results may be a stranger's, and what it names is typed, or shown to be copied.
    """
    defaults = defaults_of(RunOptions)
    return {
        name: value
        for name, value in options.items()
        if name in REPEATABLE
        and isinstance(value, bool | int | float | str)
        and value != defaults[name]
    }
