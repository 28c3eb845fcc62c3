"""Submission: a run as one file, with checksums and where it comes from."""

from __future__ import annotations

import hashlib
import io
import json
import re
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.errors import HarnessError, failure_reason
from harness.storage.files import write_file
from harness.storage.ledger import ROWS
from harness.storage.run_folder import OPTIONS, SAMPLES, RunFolder

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


FORMAT = 1
"""Version of this kind of file."""
SUFFIX = ".harness.zip"
MANIFEST = "manifest.json"
MOST_BYTES = 2_000_000_000
"""Of all files when unpacked."""
NAMES = re.compile(rf"{MANIFEST}|{ROWS}|{OPTIONS}|{SAMPLES}/[A-Za-z0-9][A-Za-z0-9._-]*\.npz")
MACHINE_COLUMNS = (
    "machine",
    "device",
    "cores",
    "platform",
    "python",
    "torch",
    "timm",
    "harness",
    "revision",
)
UNDATED = (1980, 1, 1, 0, 0, 0)
"""Of every file in it, so that the same run makes the same bytes."""


@dataclass(frozen=True, kw_only=True)
class Submission:
    """Submission as it was read: its manifest, its files by name, and what is wrong with them."""

    manifest: Mapping[str, Any]
    files: Mapping[str, bytes]
    findings: tuple[str, ...]

    @property
    def submitted(self) -> str:
        """Day that the manifest says it was made on."""
        return str(self.manifest.get("submitted_at", ""))[:10]

    def unpack(self, folder: Path) -> None:
        """Write its run into a folder, under names that `read_submission` let through."""
        for name, content in self.files.items():
            write_file(folder / name, content)


def write_submission(run: RunFolder, path: Path, *, submitter: str, submitted_at: str) -> None:
    """Write a run as a submission. Raises HarnessError where it has no measured row."""
    if not any(row["status"] == "ok" for row in run.rows):
        raise HarnessError(f"{run.path} has no row that was measured: there is nothing to hand in")
    files = {ROWS: (run.path / ROWS).read_bytes()}
    if (run.path / OPTIONS).is_file():
        files[OPTIONS] = (run.path / OPTIONS).read_bytes()
    named = {row["samples"] for row in run.rows if row["samples"]}
    for archive in sorted((run.path / SAMPLES).glob("*.npz")):
        if archive.name in named:
            files[f"{SAMPLES}/{archive.name}"] = archive.read_bytes()
    manifest = {
        "format": FORMAT,
        "run": run.path.name,
        "submitter": submitter,
        "submitted_at": submitted_at,
        "rows": len(run.rows),
        "machines": machines_of(run.rows),
        "files": {name: hashlib.sha256(content).hexdigest() for name, content in files.items()},
    }
    files[MANIFEST] = (json.dumps(manifest, indent=1, sort_keys=True) + "\n").encode()
    write_file(path, _packed(files))


def read_submission(path: Path) -> Submission:
    """Read a submission, and what is wrong with its files.

    Raises HarnessError where it is none, or one of a later release.
    """
    if not path.is_file():
        raise HarnessError(f"{path} is not there: name a file of `harness submit`, or a run folder")
    try:
        with zipfile.ZipFile(path) as archive:
            files, findings = _unpacked(archive)
            manifest = dict(json.loads(files.pop(MANIFEST)))
            listed = dict(manifest["files"])
            form = int(manifest["format"])
    except Exception as error:
        # Whatever a stranger's archive makes of the library that reads it.
        raise HarnessError(f"{path} is no file of `harness submit` ({failure_reason(error)})") from None
    if form > FORMAT:
        raise HarnessError(f"{path} was made by a later release (format {form}): upgrade to read it")
    findings += [
        f"{name} is in the manifest and not in the file" for name in listed if name not in files
    ]
    for name, content in files.items():
        if name not in listed:
            findings.append(f"{name} is not in the manifest")
        elif hashlib.sha256(content).hexdigest() != listed[name]:
            findings.append(f"{name} is not what its checksum says: it was changed after it was made")
    return Submission(manifest=manifest, files=files, findings=tuple(findings))


def opened_run(path: Path, unpacked: Path) -> tuple[RunFolder, Submission | None]:
    """Run of a folder, or of a submission, which is unpacked into another one.

    Raises HarnessError where a submission was changed after it was made.
    """
    if not path.is_file():
        return RunFolder(path), None
    submission = read_submission(path)
    run = RunFolder(unpacked)
    if not submission.findings:
        submission.unpack(unpacked)
    for finding in submission.findings or run.damages:
        raise HarnessError(f"{path}: {finding}; `harness verify {path}` says what else")
    return run, submission


def _unpacked(archive: zipfile.ZipFile) -> tuple[dict[str, bytes], list[str]]:
    """Files by name, and findings on those that are left out."""
    files: dict[str, bytes] = {}
    findings: list[str] = []
    if sum(item.file_size for item in archive.infolist()) > MOST_BYTES:
        raise ValueError(f"more than {MOST_BYTES / 1e9:g} GB when unpacked")
    for item in archive.infolist():
        if not NAMES.fullmatch(item.filename):
            findings.append(f"{item.filename!a} does not belong into it")
        elif item.filename in files:
            findings.append(f"{item.filename} is in it twice")
        else:
            files[item.filename] = archive.read(item)
    return files, findings


def _packed(files: Mapping[str, bytes]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            item = zipfile.ZipInfo(name, date_time=UNDATED)
            item.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(item, files[name])
    return content.getvalue()


def machines_of(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Machines and releases that measured rows, each once."""
    seen = {
        tuple(str(row[name]) for name in MACHINE_COLUMNS): {name: row[name] for name in MACHINE_COLUMNS}
        for row in rows
        if row["status"] == "ok"
    }
    return [seen[key] for key in sorted(seen)]
