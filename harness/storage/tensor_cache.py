"""Tensors that several trials need of one model, kept on disk where it took long to make them."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from safetensors.torch import load_file, save_file

from harness.storage.keys import digest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from torch import Tensor

    from harness.storage.artifacts import ArtifactStore

    Make = Callable[[], tuple[Mapping[str, Tensor], Sequence[str]]]

TENSORS, FACTS = "tensors.safetensors", "facts.json"
MIN_SECONDS_TO_KEEP = 0.5
"""What is made faster than that is made again: it is about as fast as to write and read it."""


@dataclass(frozen=True, kw_only=True)
class CachedTensors:
    """Tensors by name, the words that go with them, and the seconds that making them took."""

    tensors: Mapping[str, Tensor]
    words: Sequence[str]
    seconds: float


def compute_tensors(make: Make) -> CachedTensors:
    """What is made now, and kept nowhere."""
    began = time.perf_counter()
    tensors, words = make()
    return CachedTensors(tensors=tensors, words=words, seconds=time.perf_counter() - began)


class TensorCache:
    """Keeps in `store` what is made of the model and the images that `of` names."""

    def __init__(self, store: ArtifactStore, *, of: Sequence[Any]) -> None:
        self._store = store
        self._of = list(of)

    def get(
        self,
        name: str,
        make: Make,
        *,
        by: Sequence[Any] = (),
    ) -> CachedTensors:
        """What is kept under the name and what it is made `by`, or is made now."""
        key = f"{name}-{digest([*self._of, *by])}"
        if key in self._store:
            return self._read(key)
        kept = compute_tensors(make)
        if kept.seconds >= MIN_SECONDS_TO_KEEP:
            self._write(key, kept)
        return kept

    def _read(self, key: str) -> CachedTensors:
        folder = self._store.folder(key)
        return CachedTensors(
            tensors=load_file(folder / TENSORS), **json.loads((folder / FACTS).read_text())
        )

    def _write(self, key: str, kept: CachedTensors) -> None:
        with self._store.writing(key) as folder:
            # Two names may stand for one tensor, which the format refuses.
            save_file(
                {n: value.clone().contiguous() for n, value in kept.tensors.items()}, folder / TENSORS
            )
            facts = {"words": [*kept.words], "seconds": kept.seconds}
            (folder / FACTS).write_text(json.dumps(facts))
