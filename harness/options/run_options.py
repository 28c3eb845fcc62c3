"""What is asked of `harness run`: each option once, as a typed field of the part that it belongs to."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.errors import HarnessError
from harness.measuring.stopping import StoppingRule
from harness.options._axis_options import AxisOptions
from harness.options._data_options import DataOptions
from harness.options.config_file import read_config
from harness.options.declaration import (
    PLUGIN_HELP,
    defaults_of,
    flag,
    option,
    option_group,
    optional,
    text_option,
)
from harness.options.engine_options import EngineOptions, LimitOptions
from harness.options.ranking_options import RankingOptions
from harness.options.training_options import TrainingOptions
from harness.options.value_types import MONTH, FiniteRange, WritablePath
from harness.runs.request import Request
from harness.storage.artifacts import ARTIFACTS

if TYPE_CHECKING:
    from collections.abc import Mapping

NOT_OF_THE_GRID = ("config", "dry_run", "fresh", "out", "dense_from", "shard", "plugin")
"""Options that say nothing of which rows there are and how they are measured.

Files of plugins are run, so that a folder of results never names any."""
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
NEW_FOLDER = WritablePath(file_okay=False)
KEPT_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


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
    limits: LimitOptions = option_group(LimitOptions, title="What a job may take")
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
