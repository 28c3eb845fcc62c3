"""Tensor cache: what several trials compute from one model, on disk where computing took long."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.json import Decoder
from safetensors.torch import load, save_file

from harness.storage.keys import digest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from torch import Tensor

    from harness.storage.artifacts import ArtifactStore

    Compute = Callable[[], tuple[Mapping[str, Tensor], Sequence[str]]]

TENSORS, FACTS = "tensors.safetensors", "facts.json"
MIN_SECONDS_TO_KEEP = 0.5
"""Least seconds of computing that are worth a file: to write and read it takes about as long."""


@dataclass(frozen=True, kw_only=True)
class CachedTensors:
    """Tensors by name, the words that go with them, and the seconds that computing them took."""

    tensors: Mapping[str, Tensor]
    words: Sequence[str]
    seconds: float


class _Facts(Struct):
    words: list[str]
    seconds: float


def compute_tensors(compute: Compute) -> CachedTensors:
    """Tensors computed now, and written nowhere."""
    began = time.perf_counter()
    tensors, words = compute()
    return CachedTensors(tensors=tensors, words=words, seconds=time.perf_counter() - began)


class TensorCache:
    """Tensor cache in `store`, for one model and the images that `of` names."""

    def __init__(self, store: ArtifactStore, *, of: Sequence[Any]) -> None:
        self._store = store
        self._of = list(of)

    def get(
        self,
        name: str,
        compute: Compute,
        *,
        by: Sequence[Any] = (),
    ) -> CachedTensors:
        """Tensors cached under the name and what they are computed `by`, or computed now."""
        key = f"{name}-{digest([*self._of, *by])}"
        cached = self._read(key)
        if cached is not None:
            return cached
        computed = compute_tensors(compute)
        if computed.seconds >= MIN_SECONDS_TO_KEEP:
            self._write(key, computed)
        return computed

    def _read(self, key: str) -> CachedTensors | None:
        facts = self._store.content(key, FACTS, Decoder(_Facts).decode)
        tensors = self._store.content(key, TENSORS, load)
        if facts is None or tensors is None:
            return None
        return CachedTensors(tensors=tensors, words=facts.words, seconds=facts.seconds)

    def _write(self, key: str, cached: CachedTensors) -> None:
        with self._store.writing(key) as folder:
            # Two names may stand for one tensor, which the format refuses.
            save_file(
                {name: value.clone().contiguous() for name, value in cached.tensors.items()},
                folder / TENSORS,
            )
            facts = {"words": [*cached.words], "seconds": cached.seconds}
            (folder / FACTS).write_text(json.dumps(facts))
