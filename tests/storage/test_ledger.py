"""Rows on disk: appended, synced, never half read, one writer."""

import errno
import json
import multiprocessing
import os

import pytest

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
