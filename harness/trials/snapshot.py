"""Snapshot: a model on disk with its weights, architecture, accuracy and size."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import zstandard
from safetensors.torch import load, save
from torch import Tensor
from torch.nn import init
from torch.overrides import TorchFunctionMode

from harness.machine.time_breakdown import TimeBreakdown
from harness.pruning.layers import count_macs, prunable_weights
from harness.pruning.surgery import History, replay
from harness.storage.bits import encode_bits
from harness.storage.files import WEIGHTS, ZSTD_LEVEL
from harness.training.evaluation import evaluate
from harness.training.sampling import example_batch

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from torch import nn

    from harness.contracts.data import Dataset, Model
    from harness.storage.artifacts import ArtifactStore

FACTS = "facts.json"
RANDOM_FILLS = (
    Tensor.normal_, Tensor.uniform_, init.kaiming_normal_, init.kaiming_uniform_, init.normal_,
    init.uniform_,
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """Snapshot facts of one model; sizes in 10^6 bytes, `correct` as `encode_bits` writes it."""

    history: History
    top1: float
    top5: float | None
    chance: float
    images: int
    correct: str
    params: int
    params_nonzero: int
    prunable: int
    prunable_nonzero: int
    macs: int
    size_mb: float
    compressed_mb: float
    train_seconds: float


def save_snapshot(
    store: ArtifactStore,
    key: str,
    model: nn.Module,
    *,
    dataset: Dataset,
    history: History,
    train_seconds: float,
    time_breakdown: TimeBreakdown | None = None,
) -> Snapshot:
    """Save a snapshot under the key: evaluate the model, and write its weights and facts."""
    time_breakdown = time_breakdown or TimeBreakdown()
    with time_breakdown.counting("evaluating"):
        evaluation = evaluate(model, dataset)
        macs = count_macs(model, example_batch(dataset, 1))
    with time_breakdown.counting("exporting"):
        content = save({name: value.contiguous() for name, value in model.state_dict().items()})
        packed = zstandard.compress(content, ZSTD_LEVEL)
        parameters, weights = list(model.parameters()), list(prunable_weights(model).values())
        snapshot = Snapshot(
            history=history,
            top1=evaluation.top1,
            top5=evaluation.top5,
            chance=evaluation.chance,
            images=evaluation.correct.numel(),
            correct=encode_bits(evaluation.correct.numpy()),
            params=sum(p.numel() for p in parameters),
            params_nonzero=sum(int(p.count_nonzero()) for p in parameters),
            prunable=sum(w.numel() for w in weights),
            prunable_nonzero=sum(int(w.count_nonzero()) for w in weights),
            macs=macs,
            size_mb=len(content) / 1e6,
            compressed_mb=len(packed) / 1e6,
            train_seconds=train_seconds,
        )
        with store.writing(key) as folder:
            (folder / WEIGHTS).write_bytes(packed)
            (folder / FACTS).write_text(json.dumps(asdict(snapshot)))
    return snapshot


def read_facts(folder: Path) -> Snapshot:
    """Snapshot facts in a folder, without the weights."""
    return Snapshot(**json.loads((folder / FACTS).read_text()))


def load_model(folder: Path, model: Model, dataset: Dataset) -> nn.Module:
    """Load a snapshot's model, in evaluation mode, cut to its architecture and filled with weights."""
    with _NoRandomFill():
        network = model.build(dataset)
    replay(network, example_batch(dataset, 1), read_facts(folder).history)
    network.load_state_dict(load(zstandard.decompress((folder / WEIGHTS).read_bytes())))
    return network.eval()


class _NoRandomFill(TorchFunctionMode):
    """Mode without random fills, half of the time of building: memory stays as it is."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401 -- as torch's
        """Result of `func`, or the tensor untouched where it is a random fill."""
        named = kwargs or {}
        if func in RANDOM_FILLS:
            return args[0] if args else named["tensor"]
        return func(*args, **named)
