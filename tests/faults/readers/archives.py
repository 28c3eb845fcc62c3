"""Archives of strangers: samples, and submissions with what is told beside them."""

import io
import json
import re
import tempfile
import zipfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from functools import cache
from hashlib import sha256
from pathlib import Path
from warnings import catch_warnings

import pluggy

from harness.discovery import hookspecs
from harness.discovery.loading import discover
from harness.exchange.merge import merge_runs
from harness.exchange.submission import opened_run, read_submission
from harness.exchange.verification import checked_on, verify
from harness.presentation.timing_samples import SampleArchives
from harness.storage.damage import sample_damages
from harness.storage.ledger import Ledger
from tests.faults.readers.lines import check_row, sealed
from tests.faults.readers.refusal import refusing, remove, scratch, written

PIECE = re.compile(rb"\n?--piece ([^\n]*)\n")
"""Before each file of an archive that is still to be packed, so that mutations keep its checksums."""


def pieces(content: bytes) -> dict[str, bytes]:
    """Files of an archive that is still to be packed."""
    _, *words = PIECE.split(content)
    names = [name.decode("utf-8", "replace") for name in words[::2]]
    return dict(zip(names, words[1::2], strict=True))


def packed_archive(content: bytes, files: Mapping[str, bytes] | None = None) -> bytes:
    """Zip of pieces, with the right checksums; other content as it is."""
    if not content.startswith(b"--piece") and files is None:
        return content
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        for name, piece in (files if files is not None else pieces(content)).items():
            with suppress(UnicodeEncodeError), catch_warnings(action="ignore"):
                file.writestr(zipfile.ZipInfo(name), piece)
    return archive.getvalue()


def read_samples(content: bytes) -> None:
    """An archive of samples."""
    path = written("run/samples/s.npz", packed_archive(content))
    for damage in sample_damages(path.parent):
        assert "\n" not in damage.reason
    for batch in (1, 8):
        with refusing():
            archives = SampleArchives(path.parent)
            for own in archives.processes("s.npz", batch):
                assert all(isinstance(label, str) for label in own)
            archives.of({"samples": "s.npz", "batch": batch, "latency_ms": 1.0})


@cache
def catalogue():
    """All that is installed."""
    return discover("")


def read_submitted(content: bytes) -> None:
    """A submission: read, unpacked, verified but for its networks, and merged with itself."""
    files = pieces(content)
    if content.startswith(b"--piece checked"):
        lines = files.get("rows.jsonl", b"").splitlines()
        files = {**files, "rows.jsonl": b"".join(sealed(line) + b"\n" for line in lines)}
        files.pop("checked", None)
    if files and "manifest.json" not in files:
        sums = {name: sha256(piece).hexdigest() for name, piece in files.items()}
        manifest = {"format": 1, "machines": [], "files": sums}
        files["manifest.json"] = json.dumps(manifest).encode()
    path = written("theirs.harness.zip", packed_archive(content, files or None))
    out = Path(tempfile.mkdtemp(dir=scratch()))
    try:
        with refusing():
            submission = read_submission(path)
            submission.submitted.encode("utf-8", "replace")
            verify(path, out / "verified", without_models())
        with refusing():
            run, _ = opened_run(path, out / "unpacked")
            merge_runs([run, run], out / "merged")
            for row in Ledger(out / "merged").rows():
                check_row(row)
        for one in out.rglob("*"):
            assert one.resolve().is_relative_to(out), one
    finally:
        remove(out)


@cache
def without_models():
    """Nothing installed: networks are built by nobody, which takes too long."""
    manager = pluggy.PluginManager("harness")
    manager.add_hookspecs(hookspecs)
    return replace(catalogue(), manager=manager)


def read_checked(content: bytes) -> None:
    """What is told beside a submission of when it was checked."""
    path = written("own.harness.zip", b"")
    same = content.replace(b"SHA256", sha256(b"").hexdigest().encode())
    written("own.harness.zip.checked.json", same)
    with refusing():
        assert len(checked_on(path)) <= 10
