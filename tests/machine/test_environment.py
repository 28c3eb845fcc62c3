"""What a row says of its machine."""

import re
import shutil
import subprocess
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

from harness.machine import environment


def test_every_fact_is_told():
    facts = environment.machine_facts()
    assert all(facts.values()), facts
    assert environment.cpu_name()


@pytest.fixture
def elsewhere(tmp_path):
    """The module in a package of its own, away from this checkout."""
    (tmp_path / "harness" / "machine").mkdir(parents=True)
    path = shutil.copy(Path(environment.__file__), tmp_path / "harness" / "machine" / "environment.py")
    spec = spec_from_file_location("environment_elsewhere", path)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_an_installed_harness_is_known_by_its_files(elsewhere, tmp_path):
    before = elsewhere.source_revision()
    assert before.startswith("files:")
    (tmp_path / "harness" / "more.py").write_text("x = 1\n")
    assert elsewhere.source_revision() not in ("", before)


def test_a_checkout_is_known_by_its_commit_and_whether_it_was_changed(elsewhere, tmp_path):
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    for arguments in (["init", "-q"], ["add", "-A"], [*identity, "commit", "-qm", "first"]):
        subprocess.run(["git", "-C", str(tmp_path), *arguments], check=True)
    commit = elsewhere.source_revision()
    assert len(commit) == 12
    path = tmp_path / "harness" / "machine" / "environment.py"
    path.write_text(path.read_text() + "\n")
    assert elsewhere.source_revision() == f"{commit}+"


def test_a_computer_is_told_from_others_and_not_named():
    machine = environment.machine_hash()
    assert environment.machine_facts()["machine"] == machine
    assert re.fullmatch(r"[0-9a-f]{12}", machine)
    assert machine not in "".join(p.read_text() for p in environment.MACHINE_IDS if p.is_file())
