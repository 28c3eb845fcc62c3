"""The documentation: commands and names are those of this version, blocks run, links lead somewhere."""

import ast
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from inspect import signature
from itertools import chain
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from harness.commands.cli import cli
from harness.commands.run import run
from harness.discovery import hookspecs
from harness.discovery.loading import discover

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = [*sorted(DOCS.rglob("*.md")), ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"]
WITH_COMMANDS = [page for page in sorted(DOCS.rglob("*.md")) if "\nharness " in page.read_text()]
CATALOGUE = discover()
OF_PAGES = "gradient", "kurtosis", "mine"
"""Names of plugins that pages write themselves."""


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)


def typed(page: Path) -> list[list[str]]:
    """Commands of the page's shell blocks, as words."""
    lines = [line for block in blocks(page, "sh") for line in block.splitlines()]
    commands = [line.partition(" > ")[0] for line in lines if line.startswith("harness ")]
    return [shlex.split(command, comments=True) for command in commands]


def named(page: Path) -> str:
    return page.relative_to(DOCS).with_suffix("").as_posix() if DOCS in page.parents else page.stem


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Where a person has the files that the pages name."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.pth").touch()
    [grid] = blocks(DOCS / "choose.md", "toml")
    (tmp_path / "grid.toml").write_text(grid)
    for name in ("base", "new"):
        shutil.copytree(ROOT / "results" / "regression", tmp_path / "results" / name)
    return tmp_path


@pytest.mark.parametrize("page", WITH_COMMANDS, ids=named)
def test_commands_are_understood(page, folder):
    assert typed(page)
    for _, name, *options in typed(page):
        # Raises where an option or its value is unknown.
        context = cli.lazy[name].load().make_context(name, [*options])
        if name == "run" and not any(own in " ".join(options) for own in OF_PAGES):
            check_names(context.params)


def check_names(asked) -> None:
    """Raises where no plugin answers to a name."""
    CATALOGUE.choose_models(asked["models"])
    for kind, axis in (("pruner", "pruners"), ("schedule", "schedules"), ("backend", "backends")):
        CATALOGUE.choose(kind, asked[axis])


def test_every_setting_of_a_file_is_an_option():
    [grid] = blocks(DOCS / "choose.md", "toml")
    options = {option.removeprefix("--") for parameter in run.params for option in parameter.opts}
    assert tomllib.loads(grid).keys() <= options


@pytest.mark.parametrize("page", sorted(DOCS.rglob("*.md")), ids=named)
def test_options_that_python_blocks_give_a_run_are_options(page):
    options = {parameter.name for parameter in run.params}
    for block in blocks(page, "python"):
        for node in ast.walk(ast.parse(block)):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "harness.run":
                assert {keyword.arg for keyword in node.keywords} <= options


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
