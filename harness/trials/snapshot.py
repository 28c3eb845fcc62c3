"""Snapshot: a model on disk with its weights, architecture, accuracy and size."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import torch
import zstandard
from msgspec import DecodeError
from msgspec.json import Decoder
from safetensors.torch import load, save
from torch import Tensor

from harness.contracts.number_ranges import (  # noqa: TC001 -- read by msgspec
    Amount,
    Count,
    Fraction,
    PositiveCount,
)
from harness.conversion.equivalence import TOLERANCE
from harness.errors import DamagedError, HarnessError, failure_reason
from harness.machine.time_breakdown import TimeBreakdown
from harness.networks.layers import count_macs, exempt, exempt_weights, prunable_weights
from harness.networks.no_random_fill import NoRandomFill
from harness.networks.surgery import History, replay, trace
from harness.storage.artifacts import read_artifact
from harness.storage.bits import encode_bits
from harness.storage.files import WEIGHTS, ZSTD_LEVEL
from harness.training.evaluation import evaluate
from harness.training.sampling import example_batch

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from torch import nn

    from harness.contracts.data import Dataset, Model
    from harness.networks.channel_groups import CutsCopies
    from harness.storage.artifacts import ArtifactStore

FACTS = "facts.json"
COMPARED_IMAGES = 8
MOST_RATIO, ROOM_BYTES = 1000, 1_000_000_000
"""Of a file of weights: how often its size it is when unpacked, and bytes that any may be."""
WAY_OUT = (
    "whatever decides its outputs has to be in its state dict, as persistent buffers are, "
    "and every build has to be alike"
)


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """Snapshot facts of one model; sizes in 10^6 bytes, `correct` as `encode_bits` writes it.

    `unreached` weights are those that no output depends on, which are none of the prunable ones.
    """

    history: History
    top1: Fraction
    top5: Fraction | None
    chance: Fraction
    images: PositiveCount
    correct: str
    params: Count
    params_nonzero: Count
    prunable: Count
    prunable_nonzero: Count
    macs: Count
    size_mb: Amount
    compressed_mb: Amount
    train_seconds: Amount
    unreached: list[str] = field(default_factory=list)


def save_snapshot(
    store: ArtifactStore,
    key: str,
    network: nn.Module,
    *,
    model: Model,
    dataset: Dataset,
    history: History,
    train_seconds: float,
    time_breakdown: TimeBreakdown | None = None,
    traced: CutsCopies | None = None,
) -> Snapshot:
    """Save a snapshot under the key: evaluate the network, and write its weights and facts.

    What `trace_unfilled` said of the model saves tracing it again to read the snapshot back.
    Raises HarnessError, and saves nothing, where it cannot be read back as what it was.
    """
    time_breakdown = time_breakdown or TimeBreakdown()
    with time_breakdown.counting("evaluating"):
        evaluation = evaluate(network, dataset)
        macs = count_macs(network, example_batch(dataset, 1))
    with time_breakdown.counting("exporting"):
        content = save(state_of(network))
        packed = zstandard.compress(content, ZSTD_LEVEL)
        parameters, weights = list(network.parameters()), list(prunable_weights(network).values())
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
            unreached=exempt_weights(network),
        )
        with store.writing(key) as folder:
            (folder / WEIGHTS).write_bytes(packed)
            (folder / FACTS).write_text(json.dumps(asdict(snapshot)))
            again = partial(load_model, folder, model, dataset, traced=traced)
            check_rebuild(network, again, name=model.name, dataset=dataset)
    return snapshot


def read_facts(folder: Path) -> Snapshot:
    """Snapshot facts in a folder, without the weights. Raises DamagedError where they are not sound."""
    content = read_artifact(folder / FACTS)
    try:
        return Decoder(Snapshot).decode(content)
    except (DecodeError, UnicodeDecodeError) as error:
        raise DamagedError(f"{folder.name}/{FACTS} is damaged: {failure_reason(error)}") from None


def read_state(folder: Path) -> dict[str, Tensor]:
    """State dict in a folder: the weights, without the facts. Raises DamagedError as `read_facts`."""
    content = read_artifact(folder / WEIGHTS)
    try:
        return load(_unpacked(content))
    except MemoryError:
        raise HarnessError(f"{folder.name}/{WEIGHTS} does not fit into this machine's memory") from None
    except Exception as error:
        # Whatever a stranger's file makes of the libraries that read it.
        raise DamagedError(f"{folder.name}/{WEIGHTS} is damaged: {failure_reason(error)}") from None


def _unpacked(content: bytes) -> bytes:
    """Content of a frame of zstd. Raises ValueError where it would fill the memory."""
    size = zstandard.get_frame_parameters(content).content_size
    if size > MOST_RATIO * len(content) + ROOM_BYTES:
        raise ValueError(f"{size / 1e6:.0f} MB when unpacked, of {len(content) / 1e6:.1f} MB")
    return zstandard.decompress(content)


def load_model(
    folder: Path,
    model: Model,
    dataset: Dataset,
    *,
    traced: CutsCopies | None = None,
    state: Mapping[str, Tensor] | None = None,
) -> nn.Module:
    """Load a snapshot's model, in evaluation mode, cut to its architecture and filled with weights.

    What `trace_unfilled` said of the model saves tracing it again, and `state`, where it was read,
    reading.
    """
    facts, state = read_facts(folder), state or read_state(folder)
    return rebuild(
        model, dataset, state, history=facts.history, unreached=facts.unreached, traced=traced
    )


def trace_unfilled(model: Model, dataset: Dataset) -> CutsCopies | None:
    """What cuts a model that is read, traced before its weights are there; None where nothing can.

    Where another graph comes of that than of the trained model, reading back fails, as it should.
    """
    with NoRandomFill():
        network = model.build(dataset)
    return trace(network, example_batch(dataset, 1))


def state_of(model: nn.Module) -> dict[str, Tensor]:
    """State dict, contiguous, each tensor once: of those that are tied, under the first name.

    Raises HarnessError where it holds anything but tensors.
    """
    state = model.state_dict(keep_vars=True)
    for name, value in state.items():
        if not isinstance(value, Tensor):
            raise HarnessError(
                f"{name} in the state dict is a {type(value).__name__}: only tensors are saved"
            )
    first = _first_names(state)
    return {
        name: value.detach().contiguous() for name, value in state.items() if first[id(value)] == name
    }


def rebuild(
    model: Model,
    dataset: Dataset,
    state: Mapping[str, Tensor],
    *,
    history: History,
    unreached: Sequence[str] = (),
    traced: CutsCopies | None = None,
) -> nn.Module:
    """Model in evaluation mode: built anew, cut to its architecture and filled with `state`."""
    with NoRandomFill():
        network = model.build(dataset)
    exempt(network, unreached)
    replay(network, example_batch(dataset, 1), history, traced=traced)
    own = network.state_dict(keep_vars=True)
    first = _first_names(own)
    tied = {name: state[first[id(value)]] for name, value in own.items() if first[id(value)] in state}
    network.load_state_dict({**tied, **state})
    return network.eval()


def check_rebuild(
    network: nn.Module,
    make: Callable[[], nn.Module],
    *,
    name: str,
    dataset: Dataset,
    images: int = COMPARED_IMAGES,
) -> None:
    """Raises HarnessError where what `make` builds anew computes something else than `network`."""
    example = example_batch(dataset, images)
    try:
        # What is drawn meanwhile is no part of a trial's own randomness.
        with torch.random.fork_rng(devices=[]):
            again = make()
        with torch.no_grad():
            expected, outputs = network.eval()(example), again(example)
    except Exception as error:
        raise HarnessError(
            f"{name} cannot be read back from its state dict: {failure_reason(error)}"
        ) from error
    # What diverged in training is no number in both.
    largest = float(expected.nan_to_num(posinf=0.0, neginf=0.0).abs().max())
    if not torch.allclose(outputs, expected, rtol=0.0, atol=TOLERANCE * largest, equal_nan=True):
        off = float((outputs - expected).abs().max()) / max(largest, 1e-12)
        raise HarnessError(
            f"{name}, read back from its state dict, computes outputs that differ by {off:.2g} of "
            f"the largest: {WAY_OUT}"
        )


def _first_names(state: Mapping[str, Tensor]) -> dict[int, str]:
    return {id(value): name for name, value in reversed([*state.items()])}
