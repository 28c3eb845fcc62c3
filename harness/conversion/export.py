"""Export: the file that a backend loads, from a snapshot or a graph that its masked twins share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.contracts.backends import Backend, RunsModel
from harness.contracts.converters import LoadsFile, Narrows, Refines, SharesGraph
from harness.errors import HarnessError
from harness.storage.file_hash import file_hash
from harness.storage.files import WEIGHTS
from harness.storage.keys import digest, source_hash
from harness.training.sampling import drawn_images, example_batch

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor, nn

    from harness.contracts.backends import Run
    from harness.contracts.converters import AnyConverter
    from harness.contracts.data import Dataset
    from harness.storage.artifacts import ArtifactStore

CONTENT = "content"
CALIBRATION_IMAGES = 64


@dataclass(frozen=True, kw_only=True)
class Exporter:
    """Exporter of models called `name`; graphs and files that are in `store` are not made again."""

    name: str
    dataset: Dataset
    store: ArtifactStore

    def file(self, converter: AnyConverter, model: nn.Module, *, batch: int, folder: Path) -> bytes:
        """File that the backend loads for a batch size; `model` is the snapshot in `folder`."""
        if isinstance(converter, SharesGraph):
            return converter.fill(self.graph(converter, model), model)
        facts = [self.name, file_hash(folder / WEIGHTS), batch, *converter_facts(converter)]
        # Of the same weights, ranges and sizes are other ones where images become other inputs.
        facts += [list(self.dataset.shape), self.dataset.fingerprint()]
        key = f"file-{converter.name}-{digest(facts)}"
        content = self._kept(key)
        if content is None:
            if isinstance(converter, Refines):
                source = self.file(converter.source, model, batch=batch, folder=folder)
                content = converter.refine(source, self._images(), batch=batch)
            else:
                content = converter.convert(model, self._images(), batch=batch)
            self._write(key, content)
        return content

    def graph(self, converter: SharesGraph, model: nn.Module) -> bytes:
        """Graph of the model's architecture, by the converter; masked twins share it."""
        example = example_batch(self.dataset, 1)
        facts = [*architecture_facts(model, example, self.name), *converter_facts(converter)]
        key = f"graph-{converter.name}-{digest(facts)}"
        graph = self._kept(key)
        if graph is None:
            graph = self._export_graph(converter, model, example)
            self._write(key, graph)
        return graph

    def _export_graph(self, converter: SharesGraph, model: nn.Module, example: Tensor) -> bytes:
        """Export the graph, from that of a wider model of the same layers where there is one."""
        layers = [[name, type(module).__name__] for name, module in model.named_modules()]
        facts = [self.name, layers, list(example.shape[1:]), *converter_facts(converter)]
        layers_key = f"layers-{converter.name}-{digest(facts)}"
        wide = self._kept(layers_key)
        if isinstance(converter, Narrows) and wide is not None:
            narrow = converter.narrowed(wide, model, example)
            if narrow is not None:
                return narrow
        graph = converter.export(model, example)
        if wide is None:
            self._write(layers_key, graph)
        return graph

    def _kept(self, key: str) -> bytes | None:
        return self.store.content(key, CONTENT, bytes)

    def _write(self, key: str, content: bytes) -> None:
        with self.store.writing(key) as folder:
            (folder / CONTENT).write_bytes(content)

    def _images(self) -> Tensor:
        return drawn_images(self.dataset, "train", CALIBRATION_IMAGES, seed=0)


def convert(converter: AnyConverter, model: nn.Module, images: Tensor) -> bytes:
    """Convert a model for inputs like `images`, which it is calibrated on; nothing is stored."""
    if isinstance(converter, SharesGraph):
        return converter.fill(converter.export(model, images), model)
    if isinstance(converter, Refines):
        source = convert(converter.source, model, images)
        return converter.refine(source, images, batch=len(images))
    return converter.convert(model, images, batch=len(images))


def load_on_backend(backend: Backend, model: nn.Module, images: Tensor) -> Run:
    """Load a model on the backend, from PyTorch or by way of its file, for inputs like `images`."""
    if isinstance(backend, RunsModel):
        return backend.prepare(model, images)
    if isinstance(backend, LoadsFile):
        return backend.load(convert(backend.converter, model, images))
    raise HarnessError(f"{backend.name} neither takes a model nor loads a file")


def architecture(model: nn.Module, example: Tensor, name: str) -> str:
    """Architecture digest, which masked twins share: a model apart from the values of its weights."""
    return digest(architecture_facts(model, example, name))


def architecture_facts(model: nn.Module, example: Tensor, name: str) -> list[Any]:
    """Architecture facts, which masked twins share."""
    shapes = [[name, list(value.shape)] for name, value in model.state_dict().items()]
    return [name, shapes, list(example.shape[1:])]


def converter_facts(converter: AnyConverter) -> list[Any]:
    """Converter facts: they change when a converter, or one that it goes on from, does."""
    source = converter_facts(converter.source) if isinstance(converter, Refines) else []
    return [converter.version, source_hash(converter), *source]
