"""Hooks of the documentation's site: pages from outside docs/, and what is listed from the source."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from mkdocs.structure.files import File, Files

import harness
from harness.storage.row import column_units

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[1]
MOVED = {"CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changelog.md"}
"""Pages of the root, by their names in the site."""
FOLDERS = re.compile(r"\[([^\]]+)\]\((?:\.\./)+examples/[^)]*\)")
"""Links to folders, which are none in a site."""
OUTSIDE = re.compile(r"\]\((?:\.\./)+(?=(?:results|examples|CONTRIBUTING|CHANGELOG))")
"""How a page links to what lies beside docs/."""


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the root's pages, and reports of published runs with their pictures."""
    for name, page in MOVED.items():
        files.append(File.generated(config, page, abs_src_path=str(ROOT / name)))
    for pattern in ("*.md", "*/*.md", "coverage/*/*.md", "*/*.svg"):
        for path in sorted((ROOT / "results").glob(pattern)):
            name = path.relative_to(ROOT).as_posix()
            files.append(File.generated(config, name, abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, page: Page, **_: object) -> str:
    """Lead links to where the pages are in the site, and fill in what the source lists."""
    up = "../" * page.file.src_uri.count("/")
    markdown = FOLDERS.sub(r"\1", markdown)
    markdown = OUTSIDE.sub(f"]({up}", markdown)
    for name, moved in MOVED.items():
        markdown = markdown.replace(f"]({up}{name}", f"]({up}{moved}")
    if page.file.src_uri in MOVED.values():
        markdown = markdown.replace("](docs/", "](")
    markdown = markdown.replace("<!-- columns -->", _columns())
    return markdown.replace("<!-- api -->", _interface())


def _columns() -> str:
    lines = [f"| `{name}` | {unit} | {text} |" for name, (text, unit) in column_units().items()]
    return "\n".join(["| column | unit | what |", "| --- | --- | --- |", *lines])


def _interface() -> str:
    """Everything that the facade's stub lists, by where it is."""
    stub = Path(harness.__file__).with_suffix(".pyi").read_text(encoding="utf-8")
    names = re.findall(r"^from \.(\S+) import \(\n    (\w+) as", stub, re.MULTILINE)
    ordered = sorted(names, key=lambda pair: pair[1].lower())
    # Shown by the name that is imported, wherever it lives.
    return "\n\n".join(
        f"::: harness.{module}.{name}\n    options:\n      heading: harness.{name}"
        for module, name in ordered
    )
