"""What is promised of a run folder after a power cut, held against what was written into it."""

from __future__ import annotations

import json
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from harness.errors import DamagedError
from harness.storage.artifacts import DAMAGED, check_artifact
from harness.storage.damage import artifact_damages, sample_damages
from harness.storage.files import TEMPORARY_PREFIX
from harness.storage.ledger import ROWS, Ledger
from harness.storage.row_line import read_row
from harness.storage.run_folder import SAMPLES, RunFolder
from harness.trials.snapshot import read_facts
from tests.faults.power_cuts.crash_states import Replay

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from tests.faults.power_cuts.crash_states import Tree
    from tests.faults.power_cuts.recorded_writes import Operation

RUN = "run"
LEDGER = f"{RUN}/{ROWS}"
GROWING = (LEDGER, f"{RUN}/artifacts/{DAMAGED}/reasons.txt")
"""Files that are appended to: others are whole under their name, or not there."""


@dataclass(frozen=True)
class History:
    """All that a reader may see: whole files and folders by path, and the lines of the ledger."""

    files: dict[str, set[bytes]] = field(default_factory=lambda: defaultdict(set))
    lines: set[bytes] = field(default_factory=set)
    harmed: Mapping[str, bytes] = field(default_factory=dict)
    """What was damaged before the command, by path; of the ledger, the line."""

    def see(self, tree: Tree) -> None:
        """Take a whole tree for what was written."""
        for path, content in tree.items():
            if content is not None:
                self.files[path].add(content)
        self.lines.update(whole_lines(tree.get(LEDGER) or b""))


def history(tree: Tree, operations: Sequence[Operation], harmed: Mapping[str, bytes]) -> History:
    """Whole files are those there were, those renamed to their name, and those at the end."""
    seen, replay = History(harmed=harmed), Replay(tree)
    seen.see(tree)
    for operation in operations:
        replay.do(operation)
        if operation.kind == "rename":
            [now] = replay.applied()
            own = operation.to
            seen.see({path: now[path] for path in now if path == own or path.startswith(f"{own}/")})
        elif operation.path == LEDGER:
            seen.lines.update(whole_lines(replay.content(LEDGER)))
    [end] = replay.applied()
    seen.see(end)
    return seen


def whole_lines(content: bytes) -> list[bytes]:
    return [line for line in content.splitlines(keepends=True) if line.endswith(b"\n")]


def problems(tree: Tree, root: Path, promised: bytes, seen: History) -> list[str]:
    """Which promises a state breaks that lies in a folder; afterwards that is as a run makes it."""
    run = RunFolder(root / RUN)
    if not run.path.is_dir():
        return ["rows are lost with their folder"] if promised else []
    broken = [*_rows(run, promised, seen), *_unlost(tree, seen)]
    rows, _ = Ledger(run.path).read()
    _begin(run)
    if Ledger(run.path).read()[0] != rows:
        broken.append("rows change as a run begins")
    return [*broken, *_files(run, tree, seen), *_depended_on(run, rows, seen)]


def _begin(run: RunFolder) -> None:
    """What a run does before anything else."""
    Ledger(run.path).repair()
    run.store.sweep()
    for damage in artifact_damages(run.store, read_facts):
        run.store.set_aside(damage.path, damage.reason)
        assert damage.reason in run.store.reasons()


def _rows(run: RunFolder, promised: bytes, seen: History) -> list[str]:
    there = {_words(row) for row in Ledger(run.path).read()[0]}
    lost = len(_sound(whole_lines(promised)) - there)
    invented = len(there - _sound(seen.lines))
    broken = [f"{lost} rows are lost"] if lost else []
    return broken + ([f"{invented} rows were never written"] if invented else [])


def _sound(lines: Iterable[bytes]) -> set[str]:
    """Rows that lines hold."""
    rows = set()
    for line in lines:
        with suppress(DamagedError):
            rows.add(_words(read_row(line)))
    return rows


def _words(row: Mapping[str, Any]) -> str:
    return json.dumps(row, sort_keys=True)


def _unlost(tree: Tree, seen: History) -> list[str]:
    """What was damaged before is somewhere, as it was."""
    contents = [content for content in tree.values() if content]
    return [
        f"{path}, damaged before, is lost"
        for path, harm in seen.harmed.items()
        if not any(harm in content for content in contents)
    ]


def _files(run: RunFolder, tree: Tree, seen: History) -> list[str]:
    """What is left is whole: files of a reporter, samples, artifacts and records."""
    root, damages = run.path.parent, artifact_damages(run.store, read_facts)
    broken = [f"{damage.reason}, also after it was set aside" for damage in damages]
    for path in (path for path in tree if not _is_passed_over(path)):
        content = tree[path]
        here = root / path
        if content is not None and here.is_file() and here.read_bytes() not in seen.files[path]:
            broken.append(f"{path} is not whole, and not named")
    for folder in (path for path in run.store.paths() if path.is_dir()):
        own = f"{RUN}/artifacts/{folder.name}"
        whole = {PurePosixPath(path).name for path in seen.files if path.startswith(f"{own}/")}
        if {path.name for path in folder.iterdir()} != whole:
            broken.append(f"{own} lacks files, and is not named")
    return broken


def _is_passed_over(path: str) -> bool:
    parts = PurePosixPath(path).parts
    return path in GROWING or any(name.startswith(TEMPORARY_PREFIX) for name in parts)


def _depended_on(run: RunFolder, rows: Sequence[Mapping[str, Any]], seen: History) -> list[str]:
    """What a row depends on is there where the row is."""
    broken = []
    damaged = {damage.path.name for damage in sample_damages(run.path / SAMPLES)}
    for row in rows:
        if row["status"] == "ok":
            archive = f"{RUN}/{SAMPLES}/{row['samples']}"
            for what, folder in (("snapshot", run.snapshot(row)), ("dense model", run.dense(row))):
                if folder is None:
                    broken.append(f"the {what} of a row is lost")
                else:
                    check_artifact(folder)
            there = (run.path.parent / archive).is_file() and row["samples"] not in damaged
            if row["samples"] and archive not in seen.harmed and not there:
                broken.append("the samples of a row are lost")
    return sorted({*broken})
