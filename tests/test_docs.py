"""The documentation: commands and names are those of this version, blocks run, links lead somewhere."""

import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from inspect import signature
from itertools import chain
from pathlib import Path
from types import SimpleNamespace

import pytest
import timm
import torch
from packaging.requirements import Requirement

import harness
from harness.commands.cli import cli
from harness.commands.grid_run import GridRun
from harness.commands.python_run import _words as option_words
from harness.commands.run import run
from harness.discovery import hookspecs
from harness.discovery.loading import discover

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = [*sorted(DOCS.rglob("*.md")), ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"]
WITH_COMMANDS = [page for page in sorted(DOCS.rglob("*.md")) if "\nharness " in page.read_text()]
WITH_PYTHON = [page for page in sorted(DOCS.rglob("*.md")) if "```python" in page.read_text()]
CATALOGUE = discover()
ELSEWHERE = "check", "compare", "coverage", "export", "publish", "verify"
"""Commands that take long, and that other tests run in full; here they are only understood."""
MY_NETWORK = """
import timm
def MyNetwork(channels, classes):
    return timm.create_model("resnet10t", in_chans=channels, num_classes=classes)
"""


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)


def typed(page: Path) -> list[list[str]]:
    """Commands of the page's shell blocks, as words."""
    lines = [
        line
        for block in blocks(page, "sh")
        # What pip has installed, tests/authoring runs.
        if "pip install -e ." not in block
        for line in block.splitlines()
    ]
    commands = [line.partition(" > ")[0] for line in lines if line.startswith("harness ")]
    return [shlex.split(command, comments=True) for command in commands]


def named(page: Path) -> str:
    return page.relative_to(DOCS).with_suffix("").as_posix() if DOCS in page.parents else page.stem


@pytest.fixture
def folder(tmp_path, image_folder, own_imports, monkeypatch):
    """Where a person has the files that the pages name."""
    monkeypatch.chdir(tmp_path)
    for name in ("photographs", "PATH"):
        shutil.copytree(image_folder, tmp_path / name)
    torch.save(timm.create_model("resnet10t", num_classes=3).state_dict(), tmp_path / "mine.pth")
    [grid] = blocks(DOCS / "choose.md", "toml")
    (tmp_path / "grid.toml").write_text(grid)
    (tmp_path / "my_network.py").write_text(MY_NETWORK)
    (tmp_path / "my_model.py").write_text(blocks(DOCS / "own-network.md", "python")[0])
    for name in ("base", "mine", "theirs", "resnet18-digits", "resnet18-digits-epyc"):
        shutil.copytree(ROOT / "results" / "regression", tmp_path / "results" / name)
    # How much can leave takes seconds a network, and is of networks, not of commands.
    monkeypatch.setattr(GridRun, "reaches", lambda *_, **__: [])
    # Where the files of plugins lie is searched from then on.
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    return tmp_path


@pytest.mark.parametrize("page", WITH_COMMANDS, ids=named)
def test_commands_run(page, folder, command):
    """A run as its plan: which cells there are, where every name is answered to."""
    assert typed(page)
    for _, name, *given in typed(page):
        words = [word.replace("/shared", str(folder)) for word in given]
        if name in ELSEWHERE or "ray" in words:
            # Raises where an option or its value is unknown.
            cli.lazy[name].load().make_context(name, [*words])
            continue
        planned = ["--dry-run"] if name == "run" and "slurm-script" not in words else []
        done = command(name, *words, *planned)
        # Which nobody can fetch without an account.
        absent = "torch/imagenet cannot be read from /data/imagenet" in done.stderr
        assert done.returncode == (2 if absent else 0), done.stderr


@pytest.mark.parametrize("page", WITH_PYTHON, ids=named)
def test_python_blocks_run(page, folder, command, monkeypatch):
    """One after the other in one namespace; a run as its plan.

    Programs that load an exported file need no harness, and run in test_own_network.py.
    """

    def planned(models, **options):
        words = [word for name, value in options.items() for word in option_words(name, value)]
        done = command("run", "--models", models, *words, "--dry-run")
        assert done.returncode == 0, done.stderr
        return SimpleNamespace(ranking=(), rows=())

    monkeypatch.setattr(harness, "run", planned)
    [kurtosis] = blocks(DOCS / "plugins" / "pruner.md", "python")
    (folder / "harness_kurtosis.py").write_text(kurtosis)
    names = {"__name__": "page"}
    for block in [block for block in blocks(page, "python") if "harness" in block]:
        exec(compile(block, page.name, "exec"), names)  # noqa: S102 -- the page's own
    for name in [name for name in names if name.startswith("test_")]:
        names[name]()


def test_every_setting_of_a_file_is_an_option():
    [grid] = blocks(DOCS / "choose.md", "toml")
    options = {option.removeprefix("--") for parameter in run.params for option in parameter.opts}
    assert tomllib.loads(grid).keys() <= options


@pytest.mark.parametrize("page", [ROOT / "README.md", *PAGES], ids=named)
def test_links_lead_somewhere(page):
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_every_hook_is_documented_with_its_arguments():
    text = (DOCS / "plugins" / "index.md").read_text(encoding="utf-8")
    hooks = {name: hook for name, hook in vars(hookspecs).items() if name.startswith("harness_")}
    assert len(hooks) == 8
    for name, hook in hooks.items():
        assert f"`{name}({', '.join(signature(hook).parameters)})`" in text


@pytest.mark.parametrize(
    ("kind", "page"), [("pruner", "methods"), ("schedule", "methods"), ("backend", "backends")]
)
def test_every_built_in_plugin_is_on_its_page(kind, page):
    text = (DOCS / f"{page}.md").read_text(encoding="utf-8")
    assert [name for name in CATALOGUE.names(kind) if f"`{name}" not in text] == []


def test_licences_of_all_dependencies_are_listed():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = chain(project["dependencies"], *project["optional-dependencies"].values())
    names = {Requirement(text).name for text in wanted} - {"pruning-harness"}
    listed = re.findall(
        r"^\| ([\w.-]+) \| .+ \| .+ \|$", (DOCS / "licences.md").read_text(), re.MULTILINE
    )
    assert {*listed} - {"package", "---"} == names


def test_the_site_builds_without_a_warning(tmp_path):
    pytest.importorskip("mkdocs", reason="mkdocs comes with the extra `dev`")
    build = [
        sys.executable,
        "-m",
        "mkdocs",
        "build",
        "--strict",
        "--quiet",
        "--site-dir",
        str(tmp_path),
    ]
    done = subprocess.run(build, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "harness.contracts.pruners.Pruner" in (tmp_path / "api.html").read_text(encoding="utf-8")
    assert "latency_p99_ms" in (tmp_path / "columns.html").read_text(encoding="utf-8")
