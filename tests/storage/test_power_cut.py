"""A row outlasts a power cut from its append on, and what it depends on is there where it is."""

import os
import sys

import pytest

from harness.storage.artifacts import ArtifactStore
from harness.storage.ledger import Ledger
from tests.faults.power_cuts.crash_states import STATES, Replay
from tests.faults.power_cuts.disk_tree import DiskTree
from tests.faults.power_cuts.recorded_writes import record, why_not_recorded

WRITES = """
from pathlib import Path
from harness.storage.artifacts import ArtifactStore
from harness.storage.files import write_file
from harness.storage.ledger import Ledger
from harness.storage.row import Row

run = Path("run")
for key in ("a", "b"):
    with ArtifactStore(run / "artifacts").writing(key) as folder:
        (folder / "weights").write_bytes(key.encode() * 99)
    write_file(run / "samples" / key, key.encode() * 99)
    Ledger(run).append(Row(key=key, status="failed"))
"""


@pytest.mark.skipif(bool(why_not_recorded()), reason=why_not_recorded())
def test_a_row_outlasts_a_power_cut_and_so_does_what_it_depends_on(tmp_path):
    (tmp_path / "recorded").mkdir()
    command = [sys.executable, "-c", WRITES]
    operations = record(tmp_path / "recorded", command, tmp_path / "strace", {**os.environ})
    disk, store = DiskTree(tmp_path / "cut"), ArtifactStore(tmp_path / "cut" / "run" / "artifacts")
    replay, appended, states = Replay({}), 0, 0
    for operation in operations:
        replay.do(operation)
        appended += (operation.kind, operation.path) == ("sync", "run/rows.jsonl")
        for tree in (tree for kind in STATES.values() for tree in kind(replay)):
            disk.lay(tree)
            keys = [row["key"] for row in Ledger(store.root.parent).read()[0]]
            assert keys in (["a", "b"][:appended], ["a", "b"][: appended + 1])
            for key in keys:
                assert store.content(key, "weights", bytes) == key.encode() * 99
                assert (store.root.parent / "samples" / key).read_bytes() == key.encode() * 99
            states += 1
    assert appended == 2
    assert states > 100
