"""The README is executed: its commands, its plugin, its configuration, its table."""

import re
import shlex
import shutil
from importlib import import_module
from inspect import signature
from pathlib import Path

import pytest
from tabulate import tabulate

from harness.discovery import hookspecs
from harness.ranking.leaderboard import leaderboards
from harness.ranking.remarks import remarks
from harness.storage.ledger import Ledger

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", README, re.DOTALL)
RUN = ROOT / "results" / "resnet18-digits-epyc"


IN_SHORT = {"run": ["--dry-run"], "coverage": ["--side=64", "--granularities=2:4"]}
"""What keeps a command as it is, but for its length."""


def blocks(language: str) -> list[str]:
    return [text for found, text in BLOCKS if found == language]


def commands() -> list[list[str]]:
    """Every `harness ...` line of the README, split as a shell does."""
    lines = [part for block in blocks("sh") for line in block.splitlines() for part in line.split("&&")]
    return [shlex.split(line, comments=True) for line in lines if line.strip().startswith("harness ")]


@pytest.mark.parametrize("line", commands(), ids=" ".join)
def test_every_command_is_understood(line, command, image_folder, tmp_path):
    (tmp_path / "grid.toml").write_text(blocks("toml")[0])
    (tmp_path / "results" / RUN.name).mkdir(parents=True)
    shutil.copy(RUN / "rows.jsonl", tmp_path / "results" / RUN.name)
    for name in ("base", "new"):
        shutil.copytree(ROOT / "results" / "regression", tmp_path / "results" / name)
    arguments = [argument.replace("PATH", str(image_folder)) for argument in line[1:]]
    done = command(*arguments, *IN_SHORT.get(arguments[0], []))
    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_the_ranking_shown_is_that_of_the_committed_run():
    shown = README.split("<!-- ranking -->\n")[1].split("<!-- end of ranking -->")[0]
    assert shown == ranking()


def ranking() -> str:
    """The README's tables: what is ranked at batch 1, and what the leaderboard says of the rest."""
    boards = [b for b in leaderboards(Ledger(RUN).rows()) if b.conditions["batch"] == 1]
    return "".join(f"**{board.title}**\n\n{_table(board)}\n\n{_notes(board)}\n\n" for board in boards)


def _table(board) -> str:
    headers = [
        "rank",
        "pruner",
        "granularity",
        "score",
        "level",
        "top-1",
        "ms saved",
        "speed-up",
        "ms at 0.99",
    ]
    lines = [
        [s.rank, *s.shown_method[:2], f"{s.score:.3f} ({s.low:.3f} to {s.high:.3f})",
         f"{s.best['sparsity']:g}", f"{s.best['top1']:.1%}", f"{s.best['ms_saved']:.2f}",
         f"{s.best['dense_latency_ms'] / s.best['latency_ms']:.1f}x",
         "not reached" if s.ms_at_floor is None else f"{s.ms_at_floor:.2f}"]
        for s in board.entries
        if s.saves_time
    ]  # fmt: skip
    return tabulate(lines, headers=headers, tablefmt="pipe", disable_numparse=True)


def _notes(board) -> str:
    return "\n".join(f"- {sentence}" for sentence in remarks(board))


def test_the_main_job_is_the_default_grid(command):
    main = ["run", "--pruners", "all", "--models", "resnet18"]
    assert ["harness", *main] in commands()
    done = command(*main, "--dry-run")
    assert "84 trials, 510 cells on eager_cpu, onnxruntime_cpu" in done.stdout


def test_the_readme_shows_the_strangers_distribution():
    stranger = ROOT / "tests" / "stranger"
    assert blocks("python")[0] == (stranger / "harness_gradient.py").read_text()
    assert blocks("toml")[1] == (stranger / "pyproject.toml").read_text()


def test_the_readmes_pruner_passes_the_kit_as_the_readme_says(tmp_path, monkeypatch):
    plugin, check = blocks("python")
    (tmp_path / "harness_gradient.py").write_text(plugin)
    monkeypatch.syspath_prepend(str(tmp_path))
    module = import_module("harness_gradient")
    exec(check, {"Gradient": module.Gradient})  # noqa: S102 -- the README's own words are what is tested
    assert "check_pruner(Gradient())" in check


def test_every_hook_is_documented_with_its_arguments():
    hooks = {name: hook for name, hook in vars(hookspecs).items() if name.startswith("harness_")}
    assert len(hooks) == 8
    for name, hook in hooks.items():
        assert f"`{name}({', '.join(signature(hook).parameters)})`" in README


def test_ci_runs_the_readmes_test_command():
    [test_command] = [line for line in blocks("sh")[1].splitlines() if line]
    assert test_command in (ROOT / ".ci" / "run").read_text().splitlines()


def test_every_option_of_the_configuration_is_an_option_of_the_command(command, tmp_path):
    (tmp_path / "grid.toml").write_text(blocks("toml")[0])
    done = command("run", "--config", "grid.toml", "--dry-run")
    assert "group_norm_l2" in done.stdout
    assert "snip" not in done.stdout
