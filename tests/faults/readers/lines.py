"""Rows and records of strangers, as they are and with checksums as whoever wrote them computes."""

import json
import math
import zlib
from collections.abc import Callable, Mapping
from dataclasses import fields

from msgspec.json import Decoder

from harness.errors import visible
from harness.measuring.backend_evaluation import BackendEvaluation
from harness.measuring.deployed_size import ExportRecord, _read_peaks
from harness.storage.artifacts import ArtifactStore
from harness.storage.checksums import CHECKED_END
from harness.storage.keys import measurement_key, trial_key
from harness.storage.ledger import Ledger
from harness.storage.row import Row
from harness.storage.row_checks import architecture_findings, dense_findings, missing_findings
from harness.training.recipe import StepCost
from harness.trials.level_result import read_level_result
from tests.faults.readers.refusal import refusing, scratch, written

LARGEST = 1e15
KEY = "levels@0.5"


def sealed(text: bytes, *, key: str = "") -> bytes:
    """The text with the checksum that whoever wrote it would have computed."""
    text = unsealed(text)
    if not text.endswith(b"}"):
        return text
    comma = b", " if len(text) > 2 else b""
    return b'%b%b"check": "%08x"}' % (text[:-1], comma, zlib.crc32(text, zlib.crc32(key.encode())))


def unsealed(text: bytes) -> bytes:
    """The text without a checksum, as earlier releases wrote it."""
    text = text.rstrip()
    head = CHECKED_END.sub(b"", text[-20:])
    return text if head == text[-20:] else text[:-20].removesuffix(b", ") + b"}"


def rekeyed(line: bytes) -> bytes:
    """A line with the keys that its settings make."""
    try:
        row = {**{item.name: item.default for item in fields(Row)}, **json.loads(unsealed(line))}
        row["trial"] = trial_key(row)
        row["key"] = measurement_key(row)
        return json.dumps(row).encode()
    except (ValueError, TypeError, KeyError, RecursionError):
        return line


def check_row(row: Mapping[str, object]) -> None:
    """Every column has its type and is in its range, told by the row and not by its reader."""
    for item in fields(Row):
        value, words = row[item.name], str(item.type)
        if value is None:
            assert "None" in words, item.name
        elif words.startswith(("str", "Status")):
            assert isinstance(value, str)
            assert value == visible(value), item.name
            assert value.encode().isascii() or value.isprintable(), item.name
        elif words.startswith("bool"):
            assert isinstance(value, bool), item.name
        else:
            assert isinstance(value, int if words.startswith("int") else int | float), item.name
            assert not isinstance(value, bool), item.name
            check_number(item.name, value, unit=item.metadata["unit"], sign=item.metadata["sign"])


def check_number(name: str, value: float, *, unit: str, sign: str) -> None:
    """Whether a number can be what its column says."""
    assert math.isfinite(value), name
    assert abs(value) <= (1 if unit == "fraction" else LARGEST), name
    assert sign == "any" or value >= 0, name
    assert sign != "positive" or value > 0, name


def read_ledger(content: bytes) -> None:
    """A ledger as it is, with checksums of its own, with none, and with its keys computed anew."""
    lines = content.splitlines()
    for change in (None, sealed, unsealed, rekeyed):
        whole = content if change is None else b"".join(change(line) + b"\n" for line in lines)
        written("rows.jsonl", whole)
        with refusing():
            ledger = Ledger(scratch())
            rows, damages = ledger.read()
            for row in rows:
                check_row(row)
            assert len(rows) + len(damages) <= whole.count(b"\n")
            whole_rows = [row for row in rows if not [*missing_findings(row)]]
            texts = [*damages, *architecture_findings(whole_rows), *dense_findings(whole_rows)]
            assert all("\n" not in text for text in texts)
            assert damages or not rows or ledger.columns()


RECORDS: Mapping[str, Callable[[bytes], object]] = {
    "level": read_level_result,
    "export": Decoder(ExportRecord).decode,
    "memory": _read_peaks,
    "evaluation": Decoder(BackendEvaluation).decode,
    "step": Decoder(StepCost).decode,
    "json": json.loads,
}


def read_record(content: bytes) -> None:
    """A record of every kind, as it is and with a checksum of its own."""
    store = ArtifactStore(scratch())
    for text in (content, sealed(content, key=KEY)):
        written(f"{KEY}.json", text)
        for read in RECORDS.values():
            with refusing():
                store.sound_record(KEY, read)
        with refusing():
            level = store.sound_record(KEY, read_level_result)
            assert level is not None
            assert 0.0 <= level.sparsity <= 1.0
            assert all(part is None or abs(part) <= 1.0 for part in (level.sparsity_reached,))
            assert min(level.facts.epochs, level.facts.train_seconds, level.facts.layers_at_floor) >= 0
            store.folder(level.snapshot).relative_to(scratch())
