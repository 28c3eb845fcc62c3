"""What a new distribution requires, so that pip installs the harness that wrote it."""

from __future__ import annotations

import json
from importlib.metadata import distribution
from pathlib import Path
from urllib.parse import unquote, urlsplit

HARNESS = "pruning-harness"
CHECKOUT = Path(__file__).parents[2]
"""Folder that the harness runs from: its checkout, where it is installed from one as it is."""


def harness_requirement() -> str:
    """Requirement that installs the harness from where this one came: an index, a repository, a folder.

    What pip noted says where (PEP 610); where it noted nothing, it was an index. A file that is gone,
    as what tox builds of a checkout, is no way to install: the checkout is.
    """
    installed = distribution(HARNESS)
    noted = json.loads(installed.read_text("direct_url.json") or "null")
    if noted is None:
        return f"{HARNESS}>={installed.version}"
    if "vcs_info" in noted:
        vcs = noted["vcs_info"]
        return f"{HARNESS} @ {vcs['vcs']}+{noted['url']}@{vcs['commit_id']}"
    if _is_gone(noted["url"]) and (CHECKOUT / "pyproject.toml").is_file():
        return f"{HARNESS} @ {CHECKOUT.as_uri()}"
    return f"{HARNESS} @ {noted['url']}"


def _is_gone(url: str) -> bool:
    split = urlsplit(url)
    return split.scheme == "file" and not Path(unquote(split.path)).exists()
