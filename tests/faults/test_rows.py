"""Every column of a row with a value that it cannot have: named with line, column and value."""

import json
from dataclasses import fields

import pytest

from harness.storage.checksums import checked_json
from harness.storage.ledger import Ledger
from harness.storage.row import Row
from tests.doubles import ROOT

LINES = (ROOT / "results" / "regression" / "rows.jsonl").read_text().splitlines()
ROW = next(row for row in map(json.loads, LINES) if row["status"] == "ok" and row["pruner"] == "obd")
COLUMNS = [item.name for item in fields(Row)]
NUMBERS = [item.name for item in fields(Row) if str(item.type).partition(" ")[0] in ("int", "float")]
WRONG = {
    "list": [1],
    "object": {"a": 1},
    "boolean": True,
    "text": "half",
    "number": 5,
    "nothing": None,
    "huge": 1e300,
    "negative": -1e300,
}


def is_possible(column, value):
    """Whether a column may hold a value of that kind."""
    kind = str(Row.__annotations__[column])
    if value is None:
        return "None" in kind
    if isinstance(value, bool):
        return kind.startswith("bool")
    if isinstance(value, str):
        return kind.startswith("str")
    return isinstance(value, int) and column in NUMBERS


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("fault", WRONG)
def test_a_value_that_cannot_be_is_named(fault, column, tmp_path):
    value = WRONG[fault]
    if is_possible(column, value):
        pytest.skip("it can be")
    # Whoever wrote it computed a checksum.
    (tmp_path / "rows.jsonl").write_bytes(checked_json({**ROW, column: value}) + b"\n")
    rows, [damage] = Ledger(tmp_path).read()
    assert rows == []
    assert damage.startswith(f"rows.jsonl, line 1: {column} is ")


TEXTS = [item.name for item in fields(Row) if item.type == "str" and item.name != "key"]
HOSTILE = {"escape": "\x1b]0;pwned\x07", "direction": "\u202egnp.exe", "surrogate": "\udcff"}


@pytest.mark.parametrize("column", TEXTS)
@pytest.mark.parametrize("fault", HOSTILE)
def test_a_hostile_text_is_shown_and_not_obeyed(fault, column, tmp_path):
    line = checked_json({**ROW, column: HOSTILE[fault]})
    (tmp_path / "rows.jsonl").write_bytes(line + b"\n")
    rows, damages = Ledger(tmp_path).read()
    assert [row[column] for row in rows if row[column].isprintable()] or damages
