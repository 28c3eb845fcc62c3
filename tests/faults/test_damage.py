"""Every kind of file of a run, damaged in every way: named, and never read as what was written."""

import shutil

import pytest

from harness.storage.run_folder import RunFolder
from tests.doubles import typed
from tests.faults.conftest import flip

DAMAGES = {
    "truncated": lambda path, _: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "emptied": lambda path, _: path.write_bytes(b""),
    "flipped": lambda path, _: flip(path),
    "swapped": lambda path, other: shutil.copy(other, path),
    "foreign": lambda path, _: path.write_bytes(b'{"top1": 0.999, "check": "0badf00d"}\n'),
}
KINDS = {
    "weights": "artifacts/*/weights.safetensors.zst",
    "facts": "artifacts/*-*/facts.json",
    "checksums": "artifacts/*/checks.json",
    "graph": "artifacts/graph-*/content",
    "export record": "artifacts/file-*.json",
    "memory record": "artifacts/memory-*.json",
    "level record": "artifacts/*@*.json",
    "samples": "samples/*.npz",
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_named_set_aside_and_gone_after_that(damage, kind, copy):
    path, *others = sorted(copy.glob(KINDS[kind]))
    different = [other for other in others if other.read_bytes() != path.read_bytes()]
    if damage == "swapped" and (kind == "samples" or not different):
        pytest.skip("no other of its kind differs, or a copy is sound by itself, as of an archive")
    DAMAGES[damage](path, different[0] if different else None)
    done = typed(copy.parent, "doctor", "run")
    assert done.returncode == 1, done.stdout
    assert (path if kind == "samples" or "record" in kind else path.parent).name in done.stdout
    assert typed(copy.parent, "doctor", "run", "--mend").returncode == 0
    assert typed(copy.parent, "doctor", "run").returncode == 0
    assert typed(copy.parent, "report", "run").returncode == 0


@pytest.mark.parametrize("damage", ["truncated", "flipped"])
def test_a_damaged_row_alone_is_left_out(damage, copy):
    path = copy / "rows.jsonl"
    whole, count = path.read_bytes(), len(RunFolder(copy).rows)
    lines = whole.splitlines(keepends=True)
    line = bytearray(lines[3])
    line[90] ^= 1
    lines[3] = bytes(line) if damage == "flipped" else bytes(line[:90]) + b"\n"
    path.write_bytes(b"".join(lines))
    run = RunFolder(copy)
    assert len(run.sound_rows) == count - 1
    assert run.damages[0].startswith("rows.jsonl, line 4: ")
