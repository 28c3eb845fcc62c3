"""Options of the grid's axes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

import click

from harness.options.declaration import option, optional, required_option, text_option
from harness.options.value_types import COUNT, FiniteRange
from harness.planning.grid import ScopeChoice


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
