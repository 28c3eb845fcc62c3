"""A backend's converted graph: made once for an architecture, whatever the weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from harness.contracts import Backend, SharesGraph
from harness.keys import digest, source_hash

if TYPE_CHECKING:
    from torch import Tensor, nn

    from harness.artifacts import ArtifactStore

GRAPH = "graph"


def shared_graph(
    backend: SharesGraph, model: nn.Module, example: Tensor, *, name: str, store: ArtifactStore
) -> bytes:
    """The backend's export of the model's architecture, kept by content key; masked twins share it."""
    key = _graph_key(backend, model, example, name)
    if key not in store:
        content = backend.export(model, example)
        with store.writing(key) as folder:
            (folder / GRAPH).write_bytes(content)
    return (store.folder(key) / GRAPH).read_bytes()


def filled_graph(
    backend: SharesGraph, model: nn.Module, example: Tensor, *, name: str, store: ArtifactStore
) -> bytes:
    """The file that the backend loads: its kept graph with the model's weights."""
    return backend.fill(shared_graph(backend, model, example, name=name, store=store), model)


def architecture(model: nn.Module, example: Tensor, name: str) -> str:
    """A digest that masked twins share: what a model is apart from the values of its weights."""
    return digest(_architecture_facts(model, example, name))


def runtime_facts(backend: object) -> list[Any]:
    """What changes when a backend, its device or its libraries do."""
    facts = dict(backend.describe()) if isinstance(backend, Backend) else {}
    return [facts, source_hash(backend), torch.__version__]


def _architecture_facts(model: nn.Module, example: Tensor, name: str) -> list[Any]:
    shapes = [[name, list(value.shape)] for name, value in model.state_dict().items()]
    return [name, shapes, list(example.shape[1:])]


def _graph_key(backend: SharesGraph, model: nn.Module, example: Tensor, name: str) -> str:
    found = digest([*_architecture_facts(model, example, name), *runtime_facts(backend)])
    return f"graph-{type(backend).__name__}-{found}"
