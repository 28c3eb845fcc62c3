"""Site: static pages of leaderboards that need neither a server nor a network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.errors import HarnessError
from harness.publishing._assets import site_assets
from harness.publishing._backend_page import backend_page
from harness.publishing._board_page import board_page
from harness.publishing._changes import (
    BUILD_FILE,
    build_facts,
    build_file,
    change_sentences,
    files_of_build,
    is_build_file,
)
from harness.publishing._front_page import front_page
from harness.publishing._method_page import method_page
from harness.publishing._other_pages import (
    backend_path,
    backends_page,
    downloads,
    methods_page,
    score_page,
)
from harness.publishing._pages import Pages
from harness.publishing.site_content import board_path, method_path
from harness.storage.files import naming

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from harness.publishing.site_content import SiteContent


def write_site(content: SiteContent, folder: Path) -> int:
    """Write a site in place of the build that stood there, and return how many files it has.

    Files of that build which this one has no more are removed, others are left alone. Raises
    HarnessError where the folder holds anything but a site, or nothing can be published.
    """
    if not content.boards:
        raise HarnessError(
            "none of these runs has a pruned model that was measured: there is nothing to rank"
        )
    before = _earlier_build(folder)
    files = dict(site_files(content, before=before))
    for name, written in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with naming(path):
            if not path.is_file() or path.read_bytes() != written:
                path.write_bytes(written)
    for name in set(files_of_build(before)) - set(files):
        (folder / name).unlink(missing_ok=True)
    return len(files)


def _earlier_build(folder: Path) -> bytes | None:
    """Build file of the site in a folder; None where it is empty or not there."""
    if (folder / BUILD_FILE).is_file() and is_build_file((folder / BUILD_FILE).read_bytes()):
        return (folder / BUILD_FILE).read_bytes()
    if folder.is_dir() and any(path for path in folder.iterdir() if not path.name.startswith(".")):
        raise HarnessError(
            f"--out: {folder} holds other files than a site of `harness publish`; choose another"
        )
    return None


def site_files(content: SiteContent, *, before: bytes | None) -> Iterator[tuple[str, bytes]]:
    """Files of a site, path from its root and content, the same from the same rows.

    `before` is the build file of what stood in its folder. Raises HarnessError where a library that
    sites need is missing.
    """
    facts, names = build_facts(content, before), []
    for name, written in _files(content, facts):
        names.append(name)
        yield name, written
    yield BUILD_FILE, build_file({**facts, "files": names})


def _files(content: SiteContent, facts: Mapping[str, Any]) -> Iterator[tuple[str, bytes]]:
    pages = Pages(content)
    yield from site_assets().items()
    yield "index.html", front_page(pages, change_sentences(facts))
    for of, boards in content.by_model.items():
        yield (path := board_path(*of)), board_page(pages, path, boards)
    for standing in content.by_method.values():
        path = method_path(standing[0][1].method)
        page, badges = method_page(pages, path, standing)
        yield path, page
        for badge in badges:
            yield from badge.files().items()
    for backend, boards in content.by_backend.items():
        yield (path := backend_path(backend)), backend_page(pages, path, backend, boards)
    yield "methods.html", methods_page(pages)
    yield "backends.html", backends_page(pages)
    yield "score.html", score_page(pages)
    yield from downloads(pages).items()
    yield from pages.pictures.items()
