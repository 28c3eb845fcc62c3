"""`harness merge` from the command line."""

from click.testing import CliRunner

from harness.commands.merge import merge
from harness.storage.ledger import Ledger
from harness.storage.row import Row
from tests.doubles import made_rows, refusal


def write_run(folder, **columns):
    for row in made_rows():
        texts = {name: row[name] or "" for name in ("correct", "dense_correct")}
        Ledger(folder).append(Row(**{**row, **columns, **texts}))


def test_merged_runs_are_a_run(command, tmp_path):
    write_run(tmp_path / "one", machine="aaa")
    write_run(tmp_path / "other", machine="bbb", seed=1)
    done = command("merge", "one", "other", "--out", "both")
    assert done.returncode == 0, done.stderr
    assert "0 copies dropped" in done.stdout
    assert command("report", "both").returncode == 0
    assert (tmp_path / "both" / "leaderboard.md").is_file()
    assert "holds a run already" in refusal(command("merge", "one", "--out", "both"))


def test_what_disagrees_is_printed_and_a_submission_is_a_run_too(command, tmp_path):
    write_run(tmp_path / "one", machine="aaa")
    write_run(tmp_path / "other", machine="aaa", ms_saved=1.0, ms_saved_low=0.9, ms_saved_high=1.1)
    assert command("submit", "other", "--out", "other.zip").returncode == 0
    done = command("merge", "one", "other.zip", "--out", "both")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("disagree on one machine: ") == 6


def test_where_the_merge_goes_is_asked_for():
    assert "Missing option '--out'" in CliRunner().invoke(merge, ["results"]).output
