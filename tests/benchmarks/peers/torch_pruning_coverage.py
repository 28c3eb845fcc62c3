"""Torch-Pruning alone on the architectures of `harness coverage`, called as its timm example calls it.

    python tests/benchmarks/peers/torch_pruning_coverage.py [FOLDER [FAMILIES]]

FAMILIES is the file that `harness coverage --models families` writes: its architectures then.

Half of the channels of every layer, which is more than half of the multiply-accumulates; heads and the
classifier as its documentation says. What is pruned then has to pass what ours has to: it runs, its
outputs are finite, and ONNX Runtime computes the same. Finished models are kept, as by the command.
"""

import json
import sys
from pathlib import Path

import click
import torch
import torch_pruning
from torch import Tensor, nn

from harness.commands.coverage import MODELS, cover_all, sides_of, summary
from harness.discovery.loading import discover
from harness.machine.environment import physical_cores
from harness.runs.coverage import HALF, CoverageJob

FOLDER = Path("results/coverage/torch-pruning")
TIME_LIMIT = 100.0


def halved(model: nn.Module, example: Tensor) -> nn.Module:
    """The model with that fraction of every layer's channels gone, in place."""
    heads = {module.qkv: module.num_heads for module in model.modules() if attends(module)}
    pruner = torch_pruning.pruner.BasePruner(
        model,
        example,
        importance=torch_pruning.importance.GroupMagnitudeImportance(),
        pruning_ratio=HALF,
        num_heads=dict(heads),
        ignored_layers=classifiers(model),
    )
    for group in pruner.step(interactive=True):
        group.prune()
    for module in model.modules():
        if attends(module):
            module.num_heads = pruner.num_heads[module.qkv]
            module.head_dim = module.qkv.out_features // (3 * module.num_heads)
            if hasattr(module, "attn_dim"):
                # timm has come to keep their product since that example was written.
                module.attn_dim = module.num_heads * module.head_dim
    return model


def attends(module: nn.Module) -> bool:
    return hasattr(module, "num_heads") and hasattr(module, "qkv")


def classifiers(model: nn.Module) -> list[nn.Module]:
    return [
        module
        for module in model.modules()
        if isinstance(module, nn.Linear) and module.out_features == model.num_classes
    ]


def main(folder: Path, families: Path | None) -> None:
    """Prune all of them, print how many succeed, write the tables."""
    catalogue = discover()
    [backend] = catalogue.choose("backend", "onnxruntime_cpu")
    jobs = [
        CoverageJob(
            model=model, granularity="channel", prune=halved, backend=backend, sides=sides_of(model)
        )
        for name in (json.loads(families.read_text()).values() if families else MODELS)
        for model in catalogue.models(name)
    ]
    found = cover_all(jobs, folder, workers=physical_cores(), time_limit=TIME_LIMIT)
    click.echo(summary(found))


if __name__ == "__main__":
    torch.set_num_threads(1)
    paths = [Path(argument) for argument in sys.argv[1:]]
    main(*paths, *(FOLDER, None)[len(paths) :])
