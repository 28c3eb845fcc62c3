"""A run's grid again with other seeds: in a folder of its own, and both tables side by side."""

import json

import pytest
from click.testing import CliRunner

from harness.commands.replicate import replicate
from harness.console.agreement import agreement_sentences
from harness.ranking.agreement import RankAgreement
from tests.doubles import refusal

GRID = (
    "--models", "test_resnet", "--pruners", "group_norm_l2,random", "--granularities", "channel",
    "--levels", "0.5", "--seeds", "0,3", "--dense-epochs", "0.5", "--finetune-epochs", "0.1",
    "--arithmetic", "fp32",
    "--backends", "onnxruntime_cpu", "--timing-seconds", "0", "--quick", "--out", "results/first",
)  # fmt: skip


def rows_in(folder):
    return [json.loads(line) for line in (folder / "rows.jsonl").read_text().splitlines()]


def seeds_in(folder):
    return {row["seed"] for row in rows_in(folder)}


@pytest.mark.long(60)
def test_a_replicate_has_other_seeds_and_the_same_grid(tmp_path, command):
    first = command("run", *GRID)
    assert first.returncode == 0, first.stderr
    assert "Provisional: 1 of 2 seeds (0)" in first.stderr
    assert "Provisional" not in first.stdout, "the last thing printed is the whole table"
    rows = [row for row in rows_in(tmp_path / "results" / "first") if row["pruner"] != "dense"]
    shared = {(row["architecture"], row["samples"], row["latency_ms"]) for row in rows}
    assert len(rows) == 4
    assert len(shared) == 1, "two methods and two seeds leave one architecture, timed once"
    done = command("replicate", "results/first")
    assert done.returncode == 0, done.stderr
    again = tmp_path / "results" / "first-replicate"
    assert seeds_in(again) == {4, 5}, "as many, from the first's largest on"
    one, other = (
        (folder / "options.toml").read_text().splitlines()
        for folder in (tmp_path / "results" / "first", again)
    )
    assert {*one} ^ {*other} == {'seeds = "0,3"', 'seeds = "4,5"'}
    assert "again" in done.stdout
    words = " ".join(done.stdout.split())
    assert "no more than both intervals allow" in words or "No method saves time in both" in words
    refused = command("replicate", "results/first", "--seeds", "3,7")
    assert "3 are seeds of results/first itself" in refusal(refused)
    options = tmp_path / "results" / "first" / "options.toml"
    planned = command("run", "--config", str(options), "--out", "results/other", "--dry-run")
    assert "4 trials" in planned.stdout, "the file is a configuration of its own"
    options.unlink()
    assert "does not say what was asked for" in refusal(command("replicate", "results/first"))


def test_help_says_what_a_replicate_is_for():
    done = CliRunner().invoke(replicate, ["--help"])
    assert "What a table claims is tested by making it again." in " ".join(done.output.split())


def test_a_folder_that_is_no_run_is_named(command):
    assert "no run folder is called 'nowhere'" in refusal(command("replicate", "nowhere"))


def test_sentences_say_what_swapped():
    found = RankAgreement(
        apart=40, swapped=1, tables=4, swap_tables=1, covered=31, scores=32, tau=0.875
    )
    ranks, scores = agreement_sentences(found)
    assert "of 40 pairs that one of the two places apart, 1 have the opposite order" in ranks
    assert "in 1 of 4 tables; Kendall's tau over all scores is 0.875" in ranks
    assert scores.startswith("Scores: 31 of 32 differ by no more")
    nothing = RankAgreement(apart=0, swapped=0, tables=0, swap_tables=0, covered=0, scores=0, tau=None)
    [sentence] = agreement_sentences(nothing)
    assert sentence.startswith("No method saves time in both runs")
