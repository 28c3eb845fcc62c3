"""Requirement: how another distribution asks pip for this one."""

from __future__ import annotations

import json
from importlib.metadata import distribution

HARNESS = "pruning-harness"


def harness_requirement() -> str:
    """Requirement that installs the harness from where this one came: an index, a repository, a folder.

    What pip noted says where (PEP 610); where it noted nothing, it was an index.
    """
    installed = distribution(HARNESS)
    noted = json.loads(installed.read_text("direct_url.json") or "null")
    if noted is None:
        return f"{HARNESS}>={installed.version}"
    if "vcs_info" in noted:
        vcs = noted["vcs_info"]
        return f"{HARNESS} @ {vcs['vcs']}+{noted['url']}@{vcs['commit_id']}"
    return f"{HARNESS} @ {noted['url']}"
