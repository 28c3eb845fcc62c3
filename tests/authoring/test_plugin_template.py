"""A new distribution of each kind passes its own tests untouched."""

import os
import subprocess
import sys
import tomllib

import pytest

from harness.authoring.plugin_template import GRIDS, PluginTemplate
from harness.errors import HarnessError
from tests.doubles import ROOT

MOST_LINES = 25
KINDS = pytest.mark.parametrize("kind", GRIDS)


def template(kind):
    return PluginTemplate(kind=kind, name=f"my_{kind}")


@KINDS
def test_the_module_is_short(kind):
    lines = template(kind).module_text().splitlines()
    assert len([line for line in lines if line.strip()]) <= MOST_LINES


@KINDS
def test_the_page_of_its_kind_shows_the_module(kind):
    page = (ROOT / "docs" / "plugins" / f"{kind}.md").read_text(encoding="utf-8")
    name = page.split(f"harness new {kind} ")[1].split("`")[0].split()[0]
    assert PluginTemplate(kind=kind, name=name).module_text() in page


@KINDS
def test_its_files_are_those_of_a_distribution(kind):
    files = template(kind).files()
    project = tomllib.loads(files["pyproject.toml"])
    assert project["project"]["name"] == f"harness-my-{kind}"
    assert project["project"]["entry-points"]["harness"] == {f"{kind}_my_{kind}": f"harness_my_{kind}"}
    assert f"my_{kind}" in files["regression/grid.toml"] or kind == "reporter"
    assert "pruning-harness" in files["requirements.txt"]
    assert {"README.md", "LICENSE", "tox.ini", f"tests/test_my_{kind}.py"} <= files.keys()


@pytest.mark.long(20)
def test_all_kinds_pass_their_own_tests_when_pip_has_installed_them(tmp_path):
    for kind in GRIDS:
        for name, text in template(kind).files().items():
            path = tmp_path / kind / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    folders = [str(tmp_path / kind) for kind in GRIDS]
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "--target", str(tmp_path / "site"), *folders], check=True)
    tests = [f"{folder}/tests" for folder in folders]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:randomly", "--import-mode=importlib", *tests],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "site")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert f"{len(GRIDS)} passed" in done.stdout, done.stdout


@pytest.mark.parametrize("name", ["two words", "9lives", "with-dash", "class", "all", ""])
def test_a_name_that_is_no_modules_and_no_plugins_is_refused(name):
    with pytest.raises(HarnessError, match="name"):
        PluginTemplate(kind="pruner", name=name)
