"""Rows on disk: appended, synced, never half read, one writer."""

import errno
import json
import multiprocessing
import os
from dataclasses import asdict
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import HarnessError
from harness.storage.bits import decode_bits, encode_bits
from harness.storage.ledger import Ledger
from harness.storage.row import Row, column_units


def test_the_latest_row_of_a_key_counts(tmp_path):
    ledger = Ledger(tmp_path)
    for key, status in (("a", "failed"), ("b", "ok"), ("a", "ok")):
        ledger.append(Row(key=key, status=status))
    assert [(row["key"], row["status"]) for row in ledger.rows()] == [("a", "ok"), ("b", "ok")]
    assert len(ledger.path.read_text().splitlines()) == 3, "nothing is rewritten"


def test_a_line_cut_off_by_a_kill_is_passed_over_and_repaired(tmp_path):
    ledger = Ledger(tmp_path)
    ledger.append(Row(key="a"))
    whole = ledger.path.read_bytes()
    ledger.path.write_bytes(whole + b'{"key": "b", "sta')
    assert [row["key"] for row in ledger.rows()] == ["a"]
    ledger.repair()
    assert ledger.path.read_bytes() == whole
    ledger.append(Row(key="c"))
    assert [row["key"] for row in ledger.rows()] == ["a", "c"]


def test_what_cannot_be_written_is_named(tmp_path, monkeypatch):
    def full(file):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match=r"No space left on device: '.*rows\.jsonl'"):
        Ledger(tmp_path).append(Row(key="a"))


def test_a_row_from_before_a_column_came_has_it_empty(tmp_path):
    ledger = Ledger(tmp_path)
    ledger.path.write_text(json.dumps({"key": "a", "status": "ok"}) + "\n")
    [row] = ledger.rows()
    assert set(row) == set(column_units())
    assert row["ms_saved_error"] is None


ROWS = st.lists(
    st.builds(
        Row,
        key=st.sampled_from(["a", "b", "c"]),
        status=st.sampled_from(["ok", "failed", "skipped"]),
        reason=st.text(max_size=9),
        sparsity=st.floats(0, 1),
        steady=st.none() | st.booleans(),
    ),
    max_size=6,
)


@pytest.fixture(scope="module")
def shelf(tmp_path_factory):
    """A new ledger at every call."""
    root = tmp_path_factory.mktemp("ledgers")

    def new(rows):
        ledger = Ledger(root / uuid4().hex)
        for row in rows:
            ledger.append(row)
        return ledger

    return new


@given(rows=ROWS)
def test_what_was_appended_comes_back_the_latest_of_each_key(shelf, rows):
    latest = {row.key: asdict(row) for row in rows}
    assert shelf(rows).rows() == list(latest.values())


@given(rows=ROWS.filter(bool), data=st.data())
def test_a_file_that_ends_anywhere_holds_its_whole_lines_and_goes_on(shelf, rows, data):
    ledger = shelf(rows)
    content = ledger.path.read_bytes()
    cut = data.draw(st.integers(0, len(content)))
    ledger.path.write_bytes(content[:cut])
    whole = rows[: content[:cut].count(b"\n")]
    assert ledger.rows() == shelf(whole).rows()
    ledger.repair()
    ledger.append(Row(key="more"))
    assert ledger.rows() == [*shelf(whole).rows(), asdict(Row(key="more"))]


@given(rows=ROWS.filter(bool), data=st.data())
def test_a_damaged_byte_is_named_with_its_line_or_leaves_rows_that_are_whole(shelf, rows, data):
    ledger = shelf(rows)
    content = bytearray(ledger.path.read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= 1 << data.draw(st.integers(0, 7))
    ledger.path.write_bytes(content)
    found, why = [], ""
    try:
        found = ledger.rows()
    except HarnessError as error:
        why = str(error)
    line = content[:place].count(b"\n") + 1
    assert why in ("", f"{ledger.path}, line {line}, is not a row")
    assert all(set(row) >= set(column_units()) for row in found)


@pytest.mark.parametrize("line", [b"not json", b"[]", b'{"status": "ok"}', b'"\xff\xfe"'])
def test_an_unreadable_line_is_named(tmp_path, line):
    ledger = Ledger(tmp_path)
    ledger.path.write_bytes(json.dumps({"key": "a"}).encode() + b"\n" + line + b"\n")
    with pytest.raises(HarnessError, match="line 2, is not a row"):
        ledger.rows()


def test_what_is_not_a_number_never_gets_in(tmp_path):
    with pytest.raises(ValueError, match="JSON"):
        Ledger(tmp_path).append(Row(top1=float("nan")))


def _try_lock(folder, answers):
    try:
        Ledger(folder).lock()
        answers.put("held")
    except HarnessError as error:
        answers.put(str(error))


def test_two_runs_cannot_write_to_one_folder(tmp_path):
    context = multiprocessing.get_context("spawn")
    answers = context.Queue()
    with Ledger(tmp_path).lock():
        other = context.Process(target=_try_lock, args=(tmp_path, answers))
        other.start()
        other.join()
    assert "another harness run is writing" in answers.get(timeout=10)


def test_bits_survive_their_packing():
    import numpy as np

    bits = np.random.default_rng(0).random(597) < 0.9
    assert np.array_equal(decode_bits(encode_bits(bits), 597), bits)


def test_every_column_is_explained_and_results_readme_lists_it():
    from pathlib import Path

    page = (Path(__file__).parents[2] / "results" / "README.md").read_text(encoding="utf-8")
    for name, (text, unit) in column_units().items():
        assert text
        assert f"| `{name}` | {unit} | {text} |" in page, name


@pytest.mark.parametrize(
    ("name", "kept"),
    [("folder:b\udcc3\udca4ume", "folder:bäume"), ("caf\udce9", "caf\ufffd"), ("\ud800", "?")],
)
def test_names_in_another_encoding_are_kept_as_text(name, kept, tmp_path):
    Ledger(tmp_path).append(Row(key="a", dataset=name))
    assert [row["dataset"] for row in Ledger(tmp_path).rows()] == [kept]
