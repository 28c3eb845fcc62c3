"""Files of a snapshot and records of a level: numbers in their ranges, and no memory without end."""

import json
import struct

import pytest
import zstandard

from harness.errors import DamagedError
from harness.storage.artifacts import ArtifactStore
from harness.storage.files import WEIGHTS
from harness.trials.level_result import read_level_result
from harness.trials.snapshot import FACTS, read_facts, read_state

SOUND = {
    "history": [], "top1": 0.5, "top5": None, "chance": 0.1, "images": 10, "correct": "", "params": 5,
    "params_nonzero": 4, "prunable": 3, "prunable_nonzero": 2, "macs": 9, "size_mb": 0.1,
    "compressed_mb": 0.1, "train_seconds": 1.0,
}  # fmt: skip
WRONG = [("top1", 5.0), ("top5", -0.1), ("chance", 2), ("images", 0), ("size_mb", -1), ("macs", 10**18)]


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_facts_out_of_their_range_are_damage(tmp_path, name, value):
    (tmp_path / FACTS).write_text(json.dumps(SOUND))
    assert read_facts(tmp_path).images == 10
    (tmp_path / FACTS).write_text(json.dumps({**SOUND, name: value}))
    with pytest.raises(DamagedError, match=name):
        read_facts(tmp_path)


LEVEL = {"sparsity": 0.5, "status": "ok", "sparsity_reached": 0.5, "epochs": 1.0, "layers_at_floor": 0}
NO_LEVEL = [("sparsity", 7.0), ("sparsity_reached", 1.5), ("epochs", -1.0), ("layers_at_floor", -1)]


@pytest.mark.parametrize(("name", "value"), NO_LEVEL)
def test_a_level_out_of_its_range_is_damage(tmp_path, name, value):
    store = ArtifactStore(tmp_path)
    store.write_record("sound", {**LEVEL, "target_reached": -2.5})
    assert store.sound_record("sound", read_level_result).target_reached == -2.5, "slower than dense"
    store.write_record("wrong", {**LEVEL, name: value})
    with pytest.raises(DamagedError, match=name):
        store.sound_record("wrong", read_level_result)


def tensors(kind, shape, size):
    """A safetensors file of zeros."""
    header = json.dumps({"a": {"dtype": kind, "shape": shape, "data_offsets": [0, size]}}).encode()
    return struct.pack("<Q", len(header)) + header + bytes(size)


ODD = {
    "numbers that PyTorch has none of": zstandard.compress(tensors("F8_E8M0", [1], 1)),
    "a shape beyond all": zstandard.compress(tensors("F32", [2**63, 0], 0)),
    "no tensors": zstandard.compress(b"no tensors"),
    "no frame": b"no frame",
    # A frame that says it is a terabyte, which is asked for before anything is read.
    "a terabyte": b"\x28\xb5\x2f\xfd\xe0" + struct.pack("<Q", 2**40) + b"\x01\0\0",
}


@pytest.mark.parametrize("content", ODD.values(), ids=ODD)
def test_weights_that_are_none_are_damage(tmp_path, content):
    (tmp_path / WEIGHTS).write_bytes(content)
    with pytest.raises(DamagedError, match="is damaged"):
        read_state(tmp_path)


def test_weights_that_fill_the_memory_are_not_unpacked(tmp_path):
    (tmp_path / WEIGHTS).write_bytes(zstandard.compress(bytes(1_500_000_000), 3))
    with pytest.raises(DamagedError, match="1500 MB when unpacked"):
        read_state(tmp_path)


def test_weights_are_read_back(tmp_path):
    (tmp_path / WEIGHTS).write_bytes(zstandard.compress(tensors("F32", [2], 8)))
    assert read_state(tmp_path)["a"].tolist() == [0.0, 0.0]
