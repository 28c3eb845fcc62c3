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
from tests.doubles import ROOT


def test_the_latest_row_of_a_key_counts(tmp_path):
    ledger = Ledger(tmp_path)
    for key, status in (("a", "failed"), ("b", "skipped"), ("a", "skipped")):
        ledger.append(Row(key=key, status=status))
    assert [(row["key"], row["status"]) for row in ledger.rows()] == [
        ("a", "skipped"),
        ("b", "skipped"),
    ]
    assert len(ledger.path.read_text().splitlines()) == 3, "nothing is rewritten"


def test_a_line_cut_off_by_a_kill_is_passed_over_and_repaired(tmp_path):
    ledger = Ledger(tmp_path)
    ledger.append(Row(key="a", status="failed"))
    whole = ledger.path.read_bytes()
    ledger.path.write_bytes(whole + b'{"key": "b", "sta')
    assert [row["key"] for row in ledger.rows()] == ["a"]
    ledger.repair()
    assert ledger.path.read_bytes() == whole
    ledger.append(Row(key="c", status="failed"))
    assert [row["key"] for row in ledger.rows()] == ["a", "c"]


def test_what_cannot_be_written_is_named(tmp_path, monkeypatch):
    def full(file):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match=r"No space left on device: '.*rows\.jsonl'"):
        Ledger(tmp_path).append(Row(key="a", status="failed"))


def test_a_row_from_before_a_column_came_has_it_empty(tmp_path):
    ledger = Ledger(tmp_path)
    ledger.path.write_text(json.dumps({"key": "a", "status": "skipped"}) + "\n")
    [row] = ledger.rows()
    assert set(row) == set(column_units())
    assert row["ms_saved_error"] is None


ROWS = st.lists(
    st.builds(
        Row,
        key=st.sampled_from(["a", "b", "c"]),
        status=st.sampled_from(["failed", "skipped"]),
        reason=st.text(max_size=9).filter(str.isprintable),
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
    ledger.append(Row(key="more", status="failed"))
    assert ledger.rows() == [*shelf(whole).rows(), asdict(Row(key="more", status="failed"))]


@given(rows=ROWS.filter(bool), data=st.data())
def test_a_damaged_bit_costs_its_own_row_alone_and_is_named(shelf, rows, data):
    ledger = shelf(rows)
    content = bytearray(ledger.path.read_bytes())
    # A file that does not end with its last line was left by a killed process.
    place = data.draw(st.integers(0, len(content) - 2))
    content[place] ^= 1 << data.draw(st.integers(0, 7))
    ledger.path.write_bytes(content)
    number = content[:place].count(b"\n")
    sound, damages = ledger.read()
    # A line may have become two, or two one; of a checksum that is none, the row may be whole.
    assert any(f"line {number + 1}: " in text for text in damages) or sound == shelf(rows).rows()
    others = [row for n, row in enumerate(rows) if n not in (number, number + 1)]
    assert {row.key: row for row in others}.keys() <= {row["key"] for row in sound}
    assert all(row in [asdict(row) for row in rows] for row in sound)


PUBLISHED = (ROOT / "results" / "regression" / "rows.jsonl").read_bytes().splitlines()
ROW = json.loads(next(line for line in PUBLISHED if b'"ok"' in line and b'"obd"' in line))
DAMAGED = {
    "no JSON": (b"not json", "it is not a row"),
    "cut": (json.dumps(ROW)[:90].encode(), "it is not a row"),
    "a list": (b"[]", "it is not a row"),
    "pairs": (b'[["key", "a"]]', "it is not a row"),
    "text": (b'"\xff\xfe"', "it is not a row"),
    "brackets": (b"[" * 60_000, "it is not a row"),
    "no key": (b'{"status": "ok"}', "it has no key"),
    "another status": ({"status": "fine"}, "status is 'fine'"),
    "a text": ({"top1": "0.5"}, "top1 is '0.5': expected `float"),
    "a list for a number": ({"top1": [1]}, "top1 is [1]: expected `float"),
    "nothing for a text": ({"model": None}, "model is None: expected `str`"),
    "a number for a key": ({"key": 5}, "key is 5: expected `str`"),
    "a fraction of one image": ({"batch": 1.5}, "batch is 1.5: expected `int`"),
    "a word for a number": ({"batch": "one"}, "batch is 'one': expected `int`"),
    "truth for a number": ({"seed": True}, "seed is True: expected `int`"),
    "a number for truth": ({"steady": 1}, "steady is 1: expected `bool"),
    "no number": (json.dumps(ROW | {"top1": float("nan")}).encode(), "it is not a row"),
    "more than all": ({"top1": 7.0}, "top1 is 7.0: expected `float` <= 1.0"),
    "no time": ({"latency_ms": 0.0}, "latency_ms is 0.0: expected `float` > 0.0"),
    "less than no time": ({"latency_ms": -1.0}, "latency_ms is -1.0: expected `float` > 0.0"),
    "without end": ({"latency_ms": 1e308}, "latency_ms is 1e+308: expected `float` <= 1"),
    "no images": ({"images": 0}, "images is 0: expected `int` >= 1"),
    "another accuracy": ({"top1": ROW["top1"] + 10 / ROW["images"]}, "correct marks"),
    "another level": ({"sparsity": 0.7}, "its settings make"),
    "other images": ({"correct": ROW["correct"][:-8]}, "correct marks -1 as right"),
    "a time that is empty": ({"latency_ms": None}, "latency_ms is empty"),
    "no computing": ({"dense_macs": 0}, "and the row's other numbers make"),
    "a text before no JSON": (b'{"seed": "a", oops}', "it is not a row"),
    "a text before brackets": (b'{"seed": "a", "x": ' + b"[" * 60_000, "it is not a row"),
    "a number of 6000 digits": (b'{"seed": %b}' % (b"9" * 6000), "seed is 99999999"),
    "a number beyond all": (b'{"top1": 1e999}', "top1 is 1e999: number out of range"),
    "no UTF-8 where no column is": (b'{"key": "a", "status": "failed", "\x9c": 1}', "it is not a row"),
}


@pytest.mark.parametrize(("line", "said"), DAMAGED.values(), ids=DAMAGED)
def test_a_row_that_tells_no_checksum_is_held_against_itself(tmp_path, line, said):
    line = json.dumps(ROW | line).encode() if isinstance(line, dict) else line
    ledger = Ledger(tmp_path)
    ledger.path.write_bytes(PUBLISHED[0] + b"\n" + line + b"\n" + PUBLISHED[1] + b"\n")
    rows, [damage] = ledger.read()
    assert damage.startswith("rows.jsonl, line 2: ")
    assert said in damage
    assert [row["key"] for row in rows] == [json.loads(line)["key"] for line in PUBLISHED[:2]]
    with pytest.raises(
        HarnessError, match=r"line 2: .*; `harness doctor .* --mend` sets such rows aside"
    ):
        ledger.rows()


@pytest.mark.parametrize("letter", ["\x7f", "\\b", "\\r", "\\t", "\\n", "\\u001b"])
def test_no_letter_of_a_text_moves_the_cursor(tmp_path, letter):
    line = b'{"key": "a", "status": "failed", "reason": "a%bb"}\n' % letter.encode()
    (tmp_path / "rows.jsonl").write_bytes(line)
    [row] = Ledger(tmp_path).rows()
    assert row["reason"].isprintable()


def test_damaged_rows_are_set_aside_as_they_are_and_the_others_stay(tmp_path):
    ledger = Ledger(tmp_path)
    for key in ("a", "b", "c"):
        ledger.append(Row(key=key, status="failed"))
    first, second, third = ledger.path.read_bytes().splitlines(keepends=True)
    changed = second.replace(b'"seed": 0', b'"seed": 7')
    ledger.path.write_bytes(first + changed + third)
    [damage] = ledger.set_aside_damaged()
    assert damage == "rows.jsonl, line 2: its checksum is another: it is not what was written"
    assert ledger.path.read_bytes() == first + third
    ledger.path.write_bytes(first + b"{}\n")
    assert len(ledger.set_aside_damaged()) == 1
    assert (tmp_path / "rows.damaged.jsonl").read_bytes() == changed + b"{}\n"
    assert ledger.set_aside_damaged() == []


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
    Ledger(tmp_path).append(Row(key="a", status="failed", dataset=name))
    assert [row["dataset"] for row in Ledger(tmp_path).rows()] == [kept]
