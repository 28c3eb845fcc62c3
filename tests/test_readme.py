"""The README is executed: its commands, its plugins, its table."""

import re
import shlex
from pathlib import Path

import pytest
import timm
import torch
from tabulate import tabulate

from harness.commands.cli import cli
from harness.ranking.leaderboard import leaderboards
from harness.storage.ledger import Ledger

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", README, re.DOTALL)
RUN = ROOT / "results" / "resnet18-digits-epyc"


CRITERION = next(text for found, text in BLOCKS if found == "python" and "score" in text)
PARSED = {"check", "export"}
"""Commands that other tests run in full; here they are only understood."""
MOST_LINES = 150


def blocks(language: str) -> list[str]:
    return [text for found, text in BLOCKS if found == language]


def commands() -> list[list[str]]:
    """Every `harness ...` line of the README, split as a shell does."""
    lines = [part for block in blocks("sh") for line in block.splitlines() for part in line.split("&&")]
    return [shlex.split(line, comments=True) for line in lines if line.strip().startswith("harness ")]


@pytest.mark.parametrize("line", commands(), ids=" ".join)
def test_every_command_is_understood(line, command, image_folder, tmp_path, monkeypatch):
    image_folder.rename(tmp_path / "photographs")
    torch.save(timm.create_model("resnet18", num_classes=3).state_dict(), tmp_path / "mine.pth")
    (tmp_path / "gradient.py").write_text(CRITERION)
    name, *words = line[1:]
    if name in PARSED:
        monkeypatch.chdir(tmp_path)
        cli.lazy[name].load().make_context(name, words)
        return
    done = command(name, *words, *(["--dry-run"] if name == "run" else []))
    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_it_is_short():
    assert len(README.splitlines()) <= MOST_LINES


def test_the_ranking_shown_is_that_of_the_committed_run():
    shown = README.split("<!-- ranking -->\n")[1].split("<!-- end of ranking -->")[0]
    assert shown == ranking()


def ranking() -> str:
    """The README's table: the best five and the control on ONNX Runtime, and what dense is there."""
    [board] = [
        board
        for board in leaderboards(Ledger(RUN).rows())
        if (board.conditions["batch"], board.conditions["backend"]) == (1, "onnxruntime_cpu")
    ]
    ranked = [entry for entry in board.entries if entry.saves_time]
    chosen = [*ranked[:5], *(entry for entry in ranked if entry.shown_method[0] == "random")]
    dense = f"{board.dense['top1']:.1%}, {board.dense['latency_ms']:.2f} ms"
    return (
        f"**{board.title}**\n\n{_table(chosen)}\n\nDense: {dense}; {len(ranked)} methods save time.\n"
    )


def _table(entries) -> str:
    headers = ["rank", "pruner", "granularity", "score", "level", "top-1", "ms saved", "speed-up"]
    lines = [
        [s.rank, *s.shown_method[:2], f"{s.score:.3f} ({s.low:.3f} to {s.high:.3f})",
         f"{s.best['sparsity']:g}", f"{s.best['top1']:.1%}", f"{s.best['ms_saved']:.2f}",
         f"{s.best['dense_latency_ms'] / s.best['latency_ms']:.1f}x"]
        for s in entries
    ]  # fmt: skip
    return tabulate(lines, headers=headers, tablefmt="pipe", disable_numparse=True)


def test_the_main_job_is_the_default_grid(command):
    main = ["run", "--pruners", "all", "--models", "resnet18"]
    assert ["harness", *main] in commands()
    done = command(*main, "--dry-run")
    assert "84 trials, 510 cells on eager_cpu, onnxruntime_cpu" in done.stdout


def test_the_readme_shows_the_strangers_criterion():
    assert (ROOT / "tests" / "stranger" / "harness_gradient.py").read_text() == CRITERION


def test_own_code_takes_fifteen_lines():
    for block in blocks("python"):
        assert len([line for line in block.splitlines() if line.strip()]) <= 15


def test_ci_runs_the_readmes_test_command():
    [test_command] = [line for line in blocks("sh")[1].splitlines() if line]
    assert test_command in (ROOT / ".ci" / "run").read_text().splitlines()
