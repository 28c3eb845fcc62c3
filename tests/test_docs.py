"""Commands of the pages in docs/ are commands of this version, and their links lead somewhere."""

import re
import shlex
from pathlib import Path

import pytest

from harness.commands.cli import cli

ROOT = Path(__file__).parent.parent
PAGES = [*sorted((ROOT / "docs").glob("*.md")), ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"]
FOR_USERS = [page for page in PAGES if page.parent.name == "docs" and page.stem != "architecture"]


@pytest.mark.parametrize("page", FOR_USERS, ids=lambda page: page.stem)
def test_commands_are_understood(page, tmp_path, monkeypatch):
    # Where a person has the file of weights that a page names.
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.pth").touch()
    text = page.read_text(encoding="utf-8")
    typed = [line for line in text.splitlines() if line.startswith("harness ")]
    assert typed
    for line in typed:
        name, *options = shlex.split(line.partition(" > ")[0], comments=True)[1:]
        # Raises where an option or its value is unknown.
        cli.lazy[name].load().make_context(name, options)


@pytest.mark.parametrize("page", [ROOT / "README.md", *PAGES], ids=lambda page: page.stem)
def test_links_lead_somewhere(page):
    links = re.findall(r"\]\((?!https?:|#)([^)]+)\)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []
