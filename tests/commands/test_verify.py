"""`harness verify` from the command line: a real run, handed in, checked and run again."""

import json
from dataclasses import replace

import pytest
from click.testing import CliRunner

from harness.commands.verify import verify
from harness.exchange.differences import difference_table
from harness.exchange.rerun import Rerun, chosen_cells
from harness.ranking.leaderboard import leaderboards
from harness.storage.ledger import Ledger
from harness.storage.row import Row
from harness.storage.run_folder import RunFolder
from tests.doubles import ROOT, made_row, made_rows, refusal

CLAIMED = Rerun(cell="c", top1=0.9, macs=1, saved=(0.45, 0.4, 0.5))
SMALL = [
    "run", "--models", "test_resnet", "--pruners", "random", "--granularities", "weight",
    "--levels", "0.5", "--seeds", "0", "--backends", "eager_cpu", "--dense-epochs", "0.3",
    "--finetune-epochs", "0.1", "--arithmetic", "fp32", "--quick",
]  # fmt: skip


@pytest.mark.long(25)
def test_a_cell_that_is_run_again_here_has_the_same_images_right(command, tmp_path):
    assert command(*SMALL).returncode == 0
    assert command("submit", "results/test_resnet-digits", "--out", "mine.zip").returncode == 0
    done = command("verify", "mine.zip", "--rerun", "1", "--record")
    assert done.returncode == 0, done.stdout + done.stderr
    [again] = json.loads((tmp_path / "mine.zip.checked.json").read_text())["reruns"]
    assert again["top1_here"] == again["top1"]
    assert again["macs_here"] == again["macs"]
    assert "Run again here" in done.stdout


def test_options_of_a_stranger_that_are_none_of_the_grid_are_not_typed(command, tmp_path):
    """A file of plugins that a submission names would be run."""
    evil = tmp_path / "evil.py"
    evil.write_text("raise SystemExit(open('was_run', 'w'))")
    folder = tmp_path / "run"
    folder.mkdir()
    rows = RunFolder(ROOT / "results" / "resnet18-rivals-epyc").rows
    row = next(r for r in rows if r["status"] == "ok" and r["pruner"] == "random") | {"samples": ""}
    Ledger(folder).append(Row(**row | {"model": "no_such_model"}))
    (folder / "options.toml").write_text(f'models = "x"\nplugin = "{evil}"\n"config" = "{evil}"\n')
    done = command("verify", "run", "--rerun", "1")
    assert done.returncode == 1
    assert "not run: " in done.stdout
    assert not (tmp_path / "was_run").exists()


def test_a_record_is_of_a_file():
    told = CliRunner().invoke(verify, [str(ROOT / "results" / "regression"), "--record"]).exception
    assert "a record is of a file" in str(told)


def test_what_is_not_there_is_named(command):
    assert "nowhere is not there" in refusal(command("verify", "nowhere"))


def test_cells_are_chosen_by_a_number_and_never_dense():
    rows = [*made_rows(), made_row(key="more", sparsity=0.7)]
    assert chosen_cells(rows, 3, seed=1) == chosen_cells(rows, 3, seed=1)
    assert len(chosen_cells(rows, 99, seed=0)) == 6
    assert all(row["pruner"] != "dense" for row in chosen_cells(rows, 99, seed=0))


@pytest.mark.parametrize(
    ("here", "agrees"), [((0.5, 0.4, 0.6), True), ((0.3, 0.2, 0.35), False), (None, False)]
)
def test_savings_agree_where_their_intervals_meet(here, agrees):
    again = replace(CLAIMED, top1_here=0.88, macs_here=1, saved_here=here)
    assert again.agrees is agrees


@pytest.mark.parametrize("other", [{"top1_here": 0.5}, {"macs_here": 2}])
def test_another_accuracy_or_another_size_is_no_agreement(other):
    same = replace(CLAIMED, top1_here=0.9, macs_here=1, saved_here=CLAIMED.saved)
    assert same.agrees
    assert not replace(same, **other).agrees


def test_another_kind_of_machine_is_named():
    again = replace(CLAIMED, device="A")
    assert again.verdict == "not run: "
    there = replace(again, saved_here=CLAIMED.saved, top1_here=0.9, macs_here=1, device_here="B")
    assert there.verdict == "agrees (A there, B here)"
    assert replace(there, device_here="A").verdict == "agrees"


def test_differences_are_from_dense_random_and_the_reference():
    [board] = leaderboards(made_rows())
    table = difference_table(board, board, "group_norm_l2")
    line = table.texts()[0]
    cells = dict(zip(table.headers, line, strict=True))
    random = next(entry for entry in board.entries if entry.method[0] == "random")
    assert cells["top-1 against dense"] == "+0.0 points"
    assert cells["score against random"] == f"{board.entries[0].score - random.score:+.3f}"
    assert cells["score against group_norm_l2"] == "+0.000"
    assert cells["score on the board so far"] == f"{board.entries[0].score:.3f}"
