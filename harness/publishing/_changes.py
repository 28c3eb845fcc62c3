"""Changes: what the tops of boards were when a site was built before, and are now."""

from __future__ import annotations

import json
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from harness.publishing.podium import podium
from harness.publishing.site_content import board_anchor
from harness.storage.keys import digest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.publishing.site_content import SiteContent

BUILD_FILE = "site.json"
"""In the site's root: what this build and the one of other rows before it have at their tops."""

Tops = dict[str, Any]


def build_facts(content: SiteContent, before: bytes | None) -> Mapping[str, Any]:
    """Facts of this build; `before` is the build file that stood in its folder.

    A build of the same rows keeps what that one compared itself with, so that its files are the same.
    """
    tops = _tops(content)
    rows = [row["key"] + str(row.get("written_at")) for row in content.rows]
    now = {"rows": digest([rows, tops]), "tops": tops}
    earlier = _parsed(before)
    if earlier is None:
        return {**now, "before": None}
    same = earlier["rows"] == now["rows"]
    return {**now, "before": earlier["before"] if same else earlier["tops"]}


def build_file(facts: Mapping[str, Any]) -> bytes:
    """Content of the build file."""
    return (json.dumps(facts, indent=1, sort_keys=True) + "\n").encode()


def is_build_file(content: bytes) -> bool:
    """Whether a file is one that a build of a site left."""
    return _parsed(content) is not None


def files_of_build(before: bytes | None) -> list[str]:
    """Files that an earlier build wrote, those that its folder itself holds."""
    facts = _parsed(before)
    names = facts.get("files", []) if facts else []
    paths = [PurePosixPath(name) for name in names if isinstance(name, str)]
    return [path.as_posix() for path in paths if not path.is_absolute() and ".." not in path.parts]


def change_sentences(facts: Mapping[str, Any]) -> list[str] | None:
    """Sentences on boards whose top changed; None where nothing was built before."""
    before, now = facts["before"], facts["tops"]
    if before is None:
        return None
    sentences = [f"New: {now[key]['title']}." for key in now if key not in before]
    sentences += [f"Gone: {before[key]['title']}." for key in before if key not in now]
    for key in now:
        if key in before and now[key]["best"] != before[key]["best"]:
            then, top = (_listed(tops[key]["best"]) for tops in (before, now))
            sentences.append(f"{now[key]['title']}: at the top is {top}, where it was {then}.")
    return sentences


def _tops(content: SiteContent) -> Tops:
    tops = {}
    for board in content.boards:
        here = podium(board)
        best = [here.best, *here.equals] if here.best else []
        names = sorted(entry.name for entry in best)
        tops[board_anchor(board)] = {"title": board.title, "best": names}
    return tops


def _listed(names: list[str]) -> str:
    return ", ".join(names) or "nothing"


def _parsed(before: bytes | None) -> Mapping[str, Any] | None:
    """Facts of the earlier build; None where there are none, or a file of something else."""
    try:
        facts = json.loads(before or b"null")
        _ = facts["rows"], facts["before"], [top["best"] for top in facts["tops"].values()]
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
    else:
        parsed: Mapping[str, Any] = facts
        return parsed
