"""What plugin authors import: the names, and that each is there."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import harness
from tests.doubles import ROOT
from tests.facade import facade_lines

STUB = Path(harness.__file__).with_suffix(".pyi")


def test_every_name_is_there():
    assert sorted(harness.__all__) == sorted(listed())
    for name in harness.__all__:
        assert getattr(harness, name) is not None


def test_a_name_that_is_not_there_is_an_attribute_error():
    assert not hasattr(harness, "Prunner")


def test_importing_the_facade_imports_nothing_behind_it():
    code = "import sys, harness; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    behind = [name for name in done.stdout.split() if name.startswith("harness.")]
    assert behind == []


def listed() -> list[str]:
    tree = ast.parse(STUB.read_text(encoding="utf-8"))
    return ast.literal_eval(next(node.value for node in tree.body if isinstance(node, ast.Assign)))


def test_names_and_signatures_are_those_that_authors_build_on():
    kept = (ROOT / "tests" / "facade.txt").read_text(encoding="utf-8").splitlines()
    # What changes here is announced: CONTRIBUTING.md says how.
    assert facade_lines() == kept


def test_a_name_that_was_given_up_warns_for_a_minor_version_and_names_the_new_one(monkeypatch):
    monkeypatch.setattr(harness, "RENAMED", {"Criterion": "Pruner"})
    with pytest.warns(DeprecationWarning, match="harness.Criterion is called harness.Pruner now"):
        assert harness.Criterion is harness.Pruner
