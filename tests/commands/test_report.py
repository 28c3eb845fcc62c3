"""`harness report` makes every committed page and table again, to the byte, from the committed rows."""

import shutil

import pandas as pd
import pytest
from click.testing import CliRunner

from harness.commands.report import report
from harness.storage.checksums import checked_json
from harness.storage.ledger import Ledger
from harness.storage.row import Row
from tests.doubles import ROOT, refusal

LEADERBOARDS = {f"leaderboard.{form}" for form in ("md", "tex", "csv")}
RUNS = sorted(path.parent for path in (ROOT / "results").glob("*/rows.jsonl"))


@pytest.mark.parametrize("run", RUNS, ids=lambda run: run.name)
def test_committed_reports_are_what_their_rows_make(run, command, tmp_path):
    (tmp_path / run.name).mkdir()
    shutil.copy(run / "rows.jsonl", tmp_path / run.name)
    done = command("report", run.name)
    assert done.returncode == 0, done.stderr
    made = {path.name for path in (tmp_path / run.name).iterdir()}
    pictures = {path.name for path in run.glob("tradeoff-*.svg")}
    assert made >= {"rows.jsonl", "table.csv", "table.parquet", *LEADERBOARDS, *pictures}
    if run.name.endswith("-epyc"):
        assert pictures
        for name in ("leaderboard.md", "leaderboard.csv", "table.csv", *pictures):
            assert (tmp_path / run.name / name).read_bytes() == (run / name).read_bytes(), name
        # Its bytes tell the version of Arrow that wrote it.
        tables = (pd.read_parquet(folder / "table.parquet") for folder in (tmp_path / run.name, run))
        pd.testing.assert_frame_equal(*tables)


def test_a_folder_that_is_no_run_is_named():
    done = CliRunner().invoke(report, ["nowhere"])
    assert "no run folder is called 'nowhere'" in str(done.exception)


def test_a_row_that_is_damaged_is_named_and_left_out(command, tmp_path, rows):
    for row in rows:
        Ledger(tmp_path / "run").append(Row(**row))
    whole = command("report", "run").stdout
    with (tmp_path / "run" / "rows.jsonl").open("a") as ledger:
        ledger.write("{}\n")
    done = command("report", "run")
    assert done.returncode == 0
    assert done.stdout == whole
    told = f"line {len(rows) + 1}: it is not a row: it has no key, so it is left out; `harness doctor"
    assert told in done.stderr


def test_several_runs_are_one_ranking(command, tmp_path):
    for name in ("resnet18-digits-epyc", "resnet18-digits-replicate-epyc"):
        (tmp_path / name).mkdir()
        shutil.copy(ROOT / "results" / name / "rows.jsonl", tmp_path / name)
    done = command("report", "resnet18-digits-epyc", "resnet18-digits-replicate-epyc")
    assert done.returncode == 0, done.stderr
    assert "paired over 6 seeds" in " ".join(done.stdout.split())
    assert sorted(path.name for path in (tmp_path / "resnet18-digits-epyc").iterdir()) == ["rows.jsonl"]


def test_pictures_of_several_runs_are_pdf_in_the_folder_that_is_named(command, tmp_path, rows):
    for name, model in (("one", "a"), ("other", "b")):
        for row in rows:
            Ledger(tmp_path / name).append(
                Row(**{**row, "model": model, "correct": row["correct"] or ""})
            )
    assert "--out says where" in refusal(command("report", "one", "other", "--pdf"))
    done = command("report", "one", "other", "--pdf", "--out", "both")
    assert done.returncode == 0, done.stderr
    for model in ("a", "b"):
        picture = tmp_path / "both" / f"tradeoff-{model}-digits.pdf"
        assert picture.read_bytes().startswith(b"%PDF")


HOSTILE = {
    "pruner": "a\x1b]0;pwned\x07|`<b>`\u202egnp",
    "runtime": "=cmd|'/c calc'!A1\x1b[2J",
    "reason": "no\x9b2J\n# heading",
}


def test_what_a_stranger_wrote_is_shown_and_not_obeyed(command, tmp_path, rows):
    """Whoever writes rows can compute their checksums."""
    (tmp_path / "run").mkdir()
    lines = [checked_json({**row, **HOSTILE}) for row in rows[1:]]
    (tmp_path / "run" / "rows.jsonl").write_bytes(b"\n".join([*lines, b""]))
    done = command("report", "run")
    assert done.returncode == 0, done.stderr
    written = {path.name: path.read_bytes().decode() for path in (tmp_path / "run").glob("*.[cmts]*")}
    written.pop("rows.jsonl", None)
    assert {"leaderboard.md", "leaderboard.tex", "leaderboard.csv", "table.csv"} <= set(written)
    for name, text in {"terminal": done.stdout + done.stderr, **written}.items():
        assert not {*text} & {*"\x1b\x07\x9b\u202e"}, name
    assert "'=cmd|" in written["table.csv"]
    assert "\n# heading" not in written["leaderboard.md"]
    assert "a\\x1b]0;pwned" in done.stdout
