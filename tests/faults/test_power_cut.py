"""A power cut after any write of a command: what its readers see then is what was written, or named."""

import os
import random
import shutil
import sys
from dataclasses import dataclass

import pytest

from tests.doubles import program, started
from tests.faults.conftest import GRID, flip, results
from tests.faults.power_cuts.crash_states import STATES, Replay
from tests.faults.power_cuts.disk_tree import DiskTree, read_tree
from tests.faults.power_cuts.recorded_writes import UNREAD, record, why_not_recorded
from tests.faults.power_cuts.recovery import LEDGER, RUN, History, history, problems

# One process records for all of these.
pytestmark = [pytest.mark.xdist_group("power cuts"), pytest.mark.long(240)]

ONE = (*GRID, "--pruners=taylor", "--levels=0.5", "--granularities=channel")
"""The least grid that writes files of every kind."""
CLEAR = "from pathlib import Path; from harness.runs.runner import clear; clear(Path('run'))"
TRIED = [
    (kind, command)
    for kind in STATES
    for command in ("run", "mend", "clean", "clear")
    # What removes writes nothing that could be torn.
    if (kind, command) not in (("torn", "clean"), ("torn", "clear"))
]
HARMED = ("artifacts/graph-*/content", "artifacts/memory-*.json", "samples/*.npz")


@dataclass(frozen=True, kw_only=True)
class Recording:
    """What a command wrote, over what was there before."""

    tree: dict
    operations: list
    seen: History


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    """Recordings of a run, of one that is mended, of one that is cleaned, and of one forgotten."""
    reason = why_not_recorded()
    if reason:
        pytest.skip(reason)
    root = tmp_path_factory.mktemp("recorded")
    run = _recorded(root, program(*ONE))
    shutil.copytree(root, aside := tmp_path_factory.mktemp("mended"), dirs_exist_ok=True)
    harmed = dict(harm(aside / RUN))
    mend = _recorded(aside, program("doctor", RUN, "--mend"), harmed)
    clean = _recorded(root, program("clean", RUN, "--remove"))
    clear = _recorded(root, [sys.executable, "-c", CLEAR])
    return {"run": run, "mend": mend, "clean": clean, "clear": clear}


def _recorded(root, command, harmed=None):
    before = {path: content for path, content in read_tree(root).items() if is_read(path)}
    operations = record(root, command, root.with_name(f"{root.name}.strace"), {**os.environ})
    replay = Replay(before)
    for operation in operations:
        replay.do(operation)
    [end] = replay.applied()
    wanted = {path: content for path, content in read_tree(root).items() if is_read(path)}
    assert end.keys() == wanted.keys()
    assert [path for path in end if end[path] != wanted[path]] == [], "all that is written is recorded"
    kinds = [one.kind for one in operations if one.path == LEDGER]
    assert kinds.count("write") == kinds.count("sync"), "each append is synced before it returns"
    seen = history(before, operations, harmed or {})
    return Recording(tree=before, operations=operations, seen=seen)


def is_read(path):
    return path.rpartition("/")[2] not in UNREAD


def harm(run):
    """Damage a file of some kinds and a row: what each is then by its path, of the ledger the line."""
    for pattern in HARMED:
        path = sorted(run.glob(pattern))[0]
        flip(path)
        yield f"{RUN}/{path.relative_to(run).as_posix()}", path.read_bytes()
    path = run / "rows.jsonl"
    first, *others = path.read_bytes().splitlines(keepends=True)
    changed = first.replace(b'"seed": 0', b'"seed": 7')
    path.write_bytes(b"".join([changed, *others]))
    yield LEDGER, changed


def cuts(recording, kind):
    """Every state of a kind once: after which operation, the tree, and the rows promised then."""
    replay, known = Replay(recording.tree), set()
    promised = replay.content(LEDGER)
    for number, operation in enumerate(recording.operations):
        replay.do(operation)
        if operation.path == LEDGER and operation.kind in ("sync", "remove"):
            promised = replay.content(LEDGER)
        for tree in STATES[kind](replay):
            state = hash((frozenset(tree.items()), promised))
            if state not in known:
                known.add(state)
                yield f"{number}, {operation}", tree, promised


@pytest.mark.parametrize(("kind", "command"), TRIED)
def test_a_folder_is_recovered_after(kind, command, recordings, tmp_path, record_property):
    disk, recording, tried, broken = DiskTree(tmp_path), recordings[command], 0, []
    for where, tree, promised in cuts(recording, kind):
        disk.lay(tree)
        tried += 1
        here = problems(tree, tmp_path, promised, recording.seen)
        broken += [f"after {where}: {one}" for one in here]
    record_property("states", tried)
    assert tried
    assert not broken, f"{len(broken)} promises broken in {tried} states\n" + "\n".join(broken[:40])


@pytest.mark.parametrize("kind", STATES)
def test_the_same_command_ends_with_the_same_rows_after(kind, recordings, tmp_path):
    *_, (_, end, rows) = cuts(recordings["run"], "applied")
    owing = [state for state in cuts(recordings["run"], kind) if state[-1] != rows]
    where, tree, _ = random.Random(kind).choice(owing)  # noqa: S311 -- a state, and no secret
    for name, state in (("cut", tree), ("whole", end)):
        DiskTree(tmp_path / name).lay(state)
    done = started(tmp_path / "cut", *ONE)
    assert done.returncode == 0, f"after {where}: {done.stderr}"
    assert "Traceback" not in done.stderr
    assert results(tmp_path / "cut" / RUN) == results(tmp_path / "whole" / RUN)
