"""Runs of several machines become one, and what cannot be true is named."""

import json

import numpy as np
import pytest

from harness.errors import HarnessError
from harness.exchange.merge import merge_runs, merged_rows
from harness.ranking.leaderboard import RankedRows, RankingRule, leaderboards
from harness.ranking.remarks import remarks
from harness.storage.bits import encode_bits
from harness.storage.ledger import Ledger
from harness.storage.row import Row
from harness.storage.row_line import row_line
from harness.storage.run_folder import RunFolder
from tests.doubles import ROOT, made_row, made_rows


def run(folder, rows, **columns) -> RunFolder:
    for row in rows:
        known = {
            **row,
            **columns,
            "correct": row["correct"] or "",
            "dense_correct": row["dense_correct"] or "",
        }
        Ledger(folder).append(Row(**known))
    return RunFolder(folder)


@pytest.fixture
def published():
    rows = RunFolder(ROOT / "results" / "regression").rows
    return next(row for row in rows if row["status"] == "ok")


def test_a_cell_of_two_machines_is_two_measurements(tmp_path):
    one = run(tmp_path / "one", made_rows(), machine="aaa")
    other = run(tmp_path / "other", made_rows(), machine="bbb")
    merge = merge_runs([one, other], tmp_path / "both")
    measured = [row for row in RunFolder(tmp_path / "both").rows if row["status"] == "ok"]
    assert len(measured) == 2 * 6
    assert {row["machine"] for row in measured} == {"aaa", "bbb"}
    assert merge.disagreements == ()


def test_copies_are_dropped_whatever_they_are_called(tmp_path):
    rows = made_rows()
    merge = merged_rows([*rows, *rows, {**rows[1], "written_at": "later", "samples": "other.npz"}])
    assert merge.copies == len(rows) + 1
    assert len(merge.rows) == len(rows)


def test_a_simulators_time_is_every_machines():
    simulated = made_row(rounds=None, machine="aaa")
    assert len(merged_rows([simulated, {**simulated, "machine": "bbb"}]).rows) == 2
    ledger_rows = [simulated, {**simulated, "machine": "bbb"}]
    assert len(leaderboards(ledger_rows)[0].entries[0].rows) == 1


def test_what_one_machine_measured_twice_and_cannot_both_be_is_named():
    once = made_row(machine="aaa", key="cell")
    slower = {**once, "ms_saved": 1.0, "ms_saved_low": 0.9, "ms_saved_high": 1.1}
    [text] = merged_rows([once, slower]).disagreements
    assert text == "cell: saves 40.0% (39.0% to 41.0%) of dense time, and 10.0% (9.0% to 11.0%)"
    bits = encode_bits(np.arange(100) < 80)
    [text] = merged_rows([once, {**once, "top1": 0.8, "correct": bits}]).disagreements
    assert text == "cell: other test images are right, top-1 90.00% and 80.00%"
    assert merged_rows([once, {**slower, "machine": "bbb"}]).disagreements == ()


def test_a_slower_day_is_no_disagreement():
    once = made_row(machine="aaa", key="cell")
    names = ("ms_saved", "ms_saved_low", "ms_saved_high", "dense_latency_ms", "latency_ms")
    assert merged_rows([once, {**once, **{n: 1.5 * once[n] for n in names}}]).disagreements == ()


def test_a_failure_counts_only_where_nothing_succeeded(tmp_path):
    good = made_row(key="cell", machine="aaa", written_at="2026-01-01")
    failed = {**vars(Row(key="cell", status="failed", reason="gone")), "written_at": "2026-02-02"}
    one, other = run(tmp_path / "one", [good]), run(tmp_path / "other", [failed])
    merge_runs([one, other], tmp_path / "both")
    assert [row["status"] for row in RunFolder(tmp_path / "both").rows] == ["ok"]


def test_rows_of_an_older_schema_get_the_columns_of_this_one(tmp_path, published):
    old = {name: value for name, value in published.items() if name not in ("machine", "search")}
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "rows.jsonl").write_text(json.dumps(old) + "\n")
    merge = merge_runs([RunFolder(tmp_path / "old")], tmp_path / "both")
    assert merge.migrated == 1
    [row] = map(json.loads, (tmp_path / "both" / "rows.jsonl").read_text().splitlines())
    assert set(row) == {*vars(Row()), "check"}


def test_rows_of_a_later_release_are_refused_by_the_name_of_their_column(tmp_path, published):
    (tmp_path / "rows.jsonl").write_bytes(row_line({**published, "watts": 3.0}))
    with pytest.raises(HarnessError, match="'watts', which this release does not know"):
        merge_runs([RunFolder(tmp_path)], tmp_path / "both")


def test_archives_of_one_name_and_other_samples_are_both_kept(tmp_path):
    for name, machine, times in (("one", "aaa", [1.0]), ("other", "bbb", [2.0])):
        folder = tmp_path / name
        run(folder, [made_row(samples="s.npz", machine=machine)])
        (folder / "samples").mkdir()
        np.savez_compressed(folder / "samples" / "s.npz", **{"1/dense/0": np.array(times)})
    merge_runs([RunFolder(tmp_path / "one"), RunFolder(tmp_path / "other")], tmp_path / "both")
    told = {}
    for row in RunFolder(tmp_path / "both").rows:
        with np.load(tmp_path / "both" / "samples" / row["samples"]) as archive:
            told[row["machine"]] = archive["1/dense/0"].tolist()
    assert told == {"aaa": [1.0], "bbb": [2.0]}


@pytest.mark.parametrize("name", ["../secret.npz", "/etc/passwd", "gone.npz"])
def test_an_archive_that_is_none_of_its_run_is_left_out(tmp_path, name):
    np.savez_compressed(tmp_path / "secret.npz", x=np.zeros(1))
    merge_runs([run(tmp_path / "one", [made_row(samples=name)])], tmp_path / "both")
    [row] = RunFolder(tmp_path / "both").rows
    assert row["samples"] == ""


def test_a_folder_that_holds_a_run_is_left_as_it_is(tmp_path):
    one = run(tmp_path / "one", made_rows())
    with pytest.raises(HarnessError, match="holds a run already"):
        merge_runs([one], tmp_path / "one")


def test_kinds_of_machines_are_mixed_only_when_asked_and_that_is_said():
    rows = [made_row(key=str(n), device=name, cores=n) for n, name in ((2, "A"), (64, "A"), (8, "B"))]
    assert len(leaderboards(rows)) == 3
    rows[1]["pruner"] = "taylor"
    [board] = RankedRows(rows, rule=RankingRule(mix_machines=True)).leaderboards
    assert board.conditions["device"] == "machines of any kind"
    assert "This board mixes machines: A (64 cores), B (8 cores)." in remarks(board)[0]
    [board] = RankedRows(rows[:1], rule=RankingRule(mix_machines=True)).leaderboards
    assert "mixes" not in " ".join(remarks(board))


@pytest.mark.parametrize("name", ["top1", "dense_latency_ms"])
def test_a_measured_row_that_lacks_a_number_is_not_merged(tmp_path, name):
    row = made_row()
    for folder in ("one", "other"):
        run(tmp_path / folder, [{**row, name: None, "correct": folder}])
    with pytest.raises(HarnessError, match=f"line 1: it is measured, and {name} is empty"):
        merge_runs([RunFolder(tmp_path / "one"), RunFolder(tmp_path / "other")], tmp_path / "both")
