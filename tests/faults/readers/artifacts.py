"""Artifacts of strangers: checksums, facts and weights."""

import torch
import zstandard

from harness.storage.artifacts import check_artifact, read_artifact
from harness.training.weights_file import stored_weights
from harness.trials.snapshot import read_facts, read_state
from tests.faults.readers.archives import packed_archive
from tests.faults.readers.lines import LARGEST, sealed
from tests.faults.readers.refusal import refusing, written

ZIP, ZSTD, PICKLE = b"PK", zstandard.FRAME_HEADER, b"\x80"


def read_checksums(content: bytes) -> None:
    """What an artifact says of its files, with a checksum that its folder's name is in, and without."""
    written("artifact/facts.json", b"{}")
    for text in (content, sealed(content, key="artifact")):
        path = written("artifact/checks.json", text)
        with refusing():
            check_artifact(path.parent)
        with refusing():
            assert read_artifact(path.with_name("facts.json")) == b"{}"


def read_snapshot_facts(content: bytes) -> None:
    """Facts of a snapshot."""
    path = written("snapshot/facts.json", content)
    with refusing():
        facts = read_facts(path.parent)
        assert 0.0 <= facts.top1 <= 1.0
        assert facts.top5 is None or 0.0 <= facts.top5 <= 1.0
        assert 0.0 <= facts.chance <= 1.0
        assert facts.images > 0
        sizes = facts.params, facts.params_nonzero, facts.prunable, facts.prunable_nonzero, facts.macs
        assert min(*sizes, facts.size_mb, facts.compressed_mb, facts.train_seconds) >= 0
        assert max(*sizes, facts.size_mb, facts.compressed_mb, facts.train_seconds) <= LARGEST


def read_snapshot_weights(content: bytes) -> None:
    """Weights of a snapshot; what is not compressed yet is."""
    packed = content if content.startswith(ZSTD) else zstandard.compress(content, 1)
    path = written("snapshot/weights.safetensors.zst", packed)
    with refusing():
        state = read_state(path.parent)
        assert all(isinstance(value, torch.Tensor) for value in state.values())


def read_weights_file(content: bytes) -> None:
    """A file of weights: safetensors, or one of `torch.save`'s, whose zip may be still to be packed."""
    is_pickle = content.startswith((ZIP, PICKLE, b"--piece"))
    path = written("w.pth" if is_pickle else "w.safetensors", packed_archive(content))
    with refusing():
        stored = stored_weights(path)
        assert all(isinstance(value, torch.Tensor) for value in stored.state.values())
        assert all(isinstance(name, str) for name in stored.state)
