"""Verification of a submission: what can be checked without running it, and what running it gives."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.errors import HarnessError, failure_reason
from harness.exchange._network_checks import network_findings
from harness.exchange._plugin_checks import plugin_notes, used_plugins
from harness.exchange._sample_checks import sample_findings, simulated_findings
from harness.exchange.submission import machines_of, read_submission
from harness.storage.files import write_file
from harness.storage.row_checks import architecture_findings, dense_findings, row_findings
from harness.storage.run_folder import SAMPLES, RunFolder

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from harness.discovery.catalogue import Catalogue

RECORD_SUFFIX = ".checked.json"
"""Beside a submission: when it was checked, and what cells that were run again gave."""


@dataclass(frozen=True, kw_only=True)
class Check:
    """Check: its name, what it looked at, what it found wrong, and in `notes` what it could not see."""

    name: str
    looked_at: str
    findings: tuple[str, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Verification:
    """Verification of a submission, unpacked as `run`."""

    run: RunFolder
    checks: tuple[Check, ...]

    @property
    def findings(self) -> list[str]:
        """All findings, each under the name of its check."""
        return [f"{check.name}: {text}" for check in self.checks for text in check.findings]


def verify(path: Path, unpacked: Path, catalogue: Catalogue) -> Verification:
    """Verification of a submission, which is unpacked into a folder, or of a run folder as it is.

    Raises HarnessError where the file is no submission, or its ledger cannot be read.
    """
    if path.is_dir():
        run, checks, options = RunFolder(path), [], RunFolder(path).options
    else:
        submission = read_submission(path)
        submission.unpack(unpacked)
        # Where a stranger's images lie is no business of this machine.
        run, options = RunFolder(unpacked), {}
        findings = submission.findings
        if submission.manifest.get("machines") != machines_of(run.sound_rows):
            findings += ("the manifest names other machines or releases than the rows do",)
        checks = [
            Check(
                name="checksums",
                looked_at=f"{len(submission.files)} files",
                findings=findings,
            )
        ]
    return Verification(run=run, checks=(*checks, *_run_checks(run, options, catalogue)))


def _run_checks(run: RunFolder, options: Mapping[str, Any], catalogue: Catalogue) -> list[Check]:
    rows = run.sound_rows
    told = [(row, [*_findings_of(row)]) for row in rows]
    of_rows = [f"{row['key']}: {text}" for row, texts in told for text in texts]
    sound = [row for row, texts in told if not texts]
    timed = [row for row in sound if row["status"] == "ok" and row["rounds"] is not None]
    of_rows += [*architecture_findings(sound), *dense_findings(sound)]
    simulated, unknown = simulated_findings(sound, catalogue)
    sizes, notes = network_findings(sound, options, catalogue)
    used = used_plugins(sound)
    return [
        Check(
            name="rows",
            looked_at=f"{len(rows)} rows",
            findings=(*run.damages, *of_rows),
            notes=tuple(_machine_notes(rows)),
        ),
        Check(
            name="samples",
            looked_at=f"{len(timed)} timed rows",
            findings=(*sample_findings(sound, run.path / SAMPLES), *simulated),
            notes=tuple(unknown),
        ),
        Check(
            name="networks",
            looked_at=f"{len({row['model'] for row in sound})} networks",
            findings=tuple(sizes),
            notes=tuple(notes),
        ),
        Check(
            name="plugins",
            looked_at=f"{len(used)} plugins",
            findings=(),
            notes=tuple(plugin_notes(used, catalogue)),
        ),
    ]


def _findings_of(row: Mapping[str, Any]) -> Iterator[str]:
    """Findings on a row; one that a check itself fails on is one."""
    try:
        yield from row_findings(row)
    except Exception as error:
        yield f"its numbers cannot be held against each other ({failure_reason(error)})"


def check_rows(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Raise HarnessError where a row of a submission cannot be what it says."""
    for row in rows:
        for text in _findings_of(row):
            raise HarnessError(f"{path}: {row['key']}: {text}; `harness verify {path}` says what else")


def _machine_notes(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Notes on which machines measured rows, and on rows that do not say so."""
    timed = [row for row in rows if row["status"] == "ok" and row["rounds"] is not None]
    kinds = sorted({f"{row['device']} ({row['cores']} cores)" for row in timed})
    machines = {row["machine"] for row in timed if row["machine"]}
    if len(kinds) > 1 or len(machines) > 1:
        yield f"measured on {max(len(machines), len(kinds))} machines: {', '.join(kinds)}"
    older = sum(not row["machine"] for row in timed)
    if older:
        yield f"{older} timed rows are of earlier releases, which do not name their machine"


def write_record(path: Path, *, checked_at: str, reruns: Sequence[Mapping[str, Any]]) -> Path:
    """Write beside a submission that it was checked, with what running cells of it again gave."""
    record = {
        "submission": path.name,
        "sha256": _file_digest(path),
        "checked_at": checked_at,
        "reruns": [*reruns],
    }
    beside = path.with_name(path.name + RECORD_SUFFIX)
    write_file(beside, (json.dumps(record, indent=1, sort_keys=True) + "\n").encode())
    return beside


def checked_on(path: Path) -> str:
    """Day that a submission was checked on; empty where no record beside it is of these bytes.

    Raises HarnessError where the record cannot be read.
    """
    beside = path.with_name(path.name + RECORD_SUFFIX)
    if not beside.is_file():
        return ""
    try:
        record = json.loads(beside.read_bytes())
        of_these_bytes = record["sha256"] == _file_digest(path)
        return str(record["checked_at"])[:10] if of_these_bytes else ""
    except (ValueError, TypeError, KeyError, RecursionError):
        raise HarnessError(f"{beside} is no record of `harness verify --record`") from None


def _file_digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
