"""What a deployment gets of a run: the file that was measured, or the model, and a manifest."""

from __future__ import annotations

import hashlib
import io
import json
import math
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import torch
from safetensors.torch import save

from harness.contracts.backends import Compiles
from harness.contracts.converters import DescribesTensors, FileTensor, LoadsFile
from harness.contracts.data import NamesClasses, Preprocesses
from harness.conversion.export import Exporter
from harness.errors import HarnessError
from harness.training.sampling import example_batch
from harness.trials.snapshot import load_model

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor, nn

    from harness.contracts.backends import Backend
    from harness.contracts.data import Dataset, Model
    from harness.storage.run_folder import RunFolder

    Row = Mapping[str, Any]

METHOD_WORDS = ("pruner", "granularity", "scope", "schedule")
MANIFEST_COLUMNS = (
    "model", "rival", "dataset", "data_hash", *METHOD_WORDS, "sparsity", "seed", "backend", "batch",
    "threads", "device", "runtime", "top1", "top1_backend", "dense_top1", "latency_ms", "ms_saved",
    "energy_j", "energy_source", "params_nonzero", "macs", "key",
)  # fmt: skip
MANIFEST = "manifest.json"
NEAREST = 3
"""Methods that are named where none is what was typed."""


@dataclass(frozen=True, kw_only=True)
class RowSelector:
    """Which row of a run; None takes the only one there is, or the smallest batch size and seed."""

    method: str
    backend: str
    model: str | None = None
    batch: int | None = None
    seed: int | None = None


def select_row(rows: Sequence[Row], selector: RowSelector) -> Row:
    """The row that is meant. Raises HarnessError where there is none, or more than one."""
    words, _, level = selector.method.partition("@")
    named = [row for row in rows if row["status"] == "ok" and row["backend"] == selector.backend]
    if not named:
        backends = sorted({row["backend"] for row in rows if row["status"] == "ok"})
        raise HarnessError(
            f"nothing was measured on {selector.backend!r} here, but on {', '.join(backends)}"
        )
    matching = [row for row in named if _answers(row, words.split(), level, selector)]
    if not matching:
        methods = sorted({_label(row) for row in named})
        nearest = get_close_matches(selector.method, methods, n=NEAREST, cutoff=0.0)
        raise HarnessError(
            f"{selector.method!r} is none of the {len(methods)} that were measured on "
            f"{selector.backend}; the nearest: {', '.join(nearest)}"
        )
    least = min((row["batch"], row["seed"]) for row in matching)
    chosen = [row for row in matching if (row["batch"], row["seed"]) == least]
    if len(chosen) > 1:
        several = ", ".join(sorted(f"{row['model']} {_label(row)}" for row in chosen))
        raise HarnessError(f"{selector.method!r} is several: {several}; say more words, or --model")
    return chosen[0]


def _answers(row: Row, words: Sequence[str], level: str, selector: RowSelector) -> bool:
    """Whether a row is what the words, the level and the options say."""
    asked = {"model": selector.model, "batch": selector.batch, "seed": selector.seed}
    return (
        bool(words)
        and {*words} <= {row[name] for name in (*METHOD_WORDS, "rival")}
        and (_is_unpruned(row, words) if not level else _same_level(row["sparsity"], level))
        and all(value is None or row[name] == value for name, value in asked.items())
    )


def _is_unpruned(row: Row, words: Sequence[str]) -> bool:
    """Whether a row is of the dense model, or of the smaller network that is named."""
    return bool(row["pruner"] == "dense" or row["rival"] in {*words} - {""})


def _same_level(sparsity: float, level: str) -> bool:
    try:
        return math.isclose(sparsity, float(level))
    except ValueError:
        raise HarnessError(f"a level is a number, as magnitude_l2@0.8, not {level!r}") from None


def _label(row: Row) -> str:
    if row["pruner"] == "dense":
        return "dense"
    if row["rival"]:
        return str(row["rival"])
    return f"{' '.join(row[name] for name in METHOD_WORDS)}@{row['sparsity']:g}"


def write_bundle(
    folder: RunFolder, row: Row, *, model: Model, dataset: Dataset, backend: Backend
) -> dict[str, bytes]:
    """Files by name. Raises HarnessError where the run no longer keeps the model."""
    snapshot = folder.snapshot(row)
    if snapshot is None:
        raise HarnessError(f"{folder.path} no longer keeps the model of {_label(row)}: run it again")
    network = load_model(snapshot, model, dataset)
    if isinstance(backend, LoadsFile):
        exporter = Exporter(name=model.name, dataset=dataset, store=folder.store)
        content = exporter.file(backend.converter, network, batch=row["batch"], folder=snapshot)
        files = {f"model{backend.converter.suffix}": content}
    else:
        files = _of_pytorch(network, dataset, batch=row["batch"])
    manifest = {
        "files": {
            name: {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
            for name, content in files.items()
        },
        **_tensors(files, network, backend, dataset=dataset, batch=row["batch"]),
        "preprocessing": _preprocessing(dataset),
        "class_names": [*dataset.class_names()] if isinstance(dataset, NamesClasses) else None,
        "row": {name: row[name] for name in MANIFEST_COLUMNS},
    }
    if isinstance(backend, Compiles):
        manifest["compile_with"] = backend.compile_command(next(iter(files)))
    return {**files, MANIFEST: json.dumps(manifest, indent=2).encode()}


def _tensors(
    files: Mapping[str, bytes], network: nn.Module, backend: Backend, *, dataset: Dataset, batch: int
) -> dict[str, Any]:
    """What the file takes and gives, as it says itself; None where its converter cannot read it."""
    described: tuple[Sequence[FileTensor], Sequence[FileTensor]]
    if not isinstance(backend, LoadsFile):
        example = example_batch(dataset, batch)
        described = [_as_float(example)], [_as_float(network(example))]
    elif isinstance(backend.converter, DescribesTensors):
        described = backend.converter.tensors(next(iter(files.values())))
    else:
        return {"inputs": None, "outputs": None}
    inputs, outputs = ([asdict(tensor) for tensor in tensors] for tensors in described)
    channels, *sides = dataset.shape
    layouts = {(channels, *sides): "NCHW", (*sides, channels): "NHWC"}
    for tensor in inputs:
        tensor["layout"] = layouts.get(tuple(tensor["shape"][1:]))
    return {"inputs": inputs, "outputs": outputs}


def _as_float(tensor: Tensor) -> FileTensor:
    return FileTensor(name="", shape=tuple(tensor.shape), type=str(tensor.dtype).split(".")[-1])


def _preprocessing(dataset: Dataset) -> dict[str, Any] | None:
    """How an image file becomes an input; None where the data set's images come ready."""
    if not isinstance(dataset, Preprocesses):
        return None
    preprocessing = dataset.preprocessing()
    return {
        "resize": preprocessing.scaled_to,
        "center_crop": preprocessing.size,
        "crop_mode": preprocessing.crop_mode,
        "interpolation": preprocessing.interpolation,
        "pixel_range": [0.0, 1.0],
        "mean": preprocessing.mean,
        "std": preprocessing.std,
    }


def _of_pytorch(network: nn.Module, dataset: Dataset, *, batch: int) -> dict[str, bytes]:
    """The weights, and the pruned architecture with them as a program that needs no source code."""
    program = io.BytesIO()
    torch.export.save(torch.export.export(network, (example_batch(dataset, batch),)), program)
    weights = {name: value.contiguous() for name, value in network.state_dict().items()}
    return {"model.pt2": program.getvalue(), "weights.safetensors": save(weights)}
