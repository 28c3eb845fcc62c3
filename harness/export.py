"""A backend's converted graph: made once for an architecture, whatever the weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

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


def _graph_key(backend: SharesGraph, model: nn.Module, example: Tensor, name: str) -> str:
    facts = dict(backend.describe()) if isinstance(backend, Backend) else {}
    shapes = [[name, list(value.shape)] for name, value in model.state_dict().items()]
    found = digest(
        [name, shapes, list(example.shape[1:]), facts, source_hash(backend), torch.__version__]
    )
    return f"graph-{type(backend).__name__}-{found}"
