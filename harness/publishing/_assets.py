"""Assets: scripts and styles that a site carries with it, taken from installed libraries."""

from __future__ import annotations

import re
from functools import cache
from importlib import import_module, resources
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import HarnessError

if TYPE_CHECKING:
    from types import ModuleType

OWN = ("site.css", "site.js")
EXPORTS = re.compile(r"export\s*\{([^{}]*)\};?\s*")
DRAWS = "globalThis.vegaEmbed = vegaEmbed;"
NOTICE = """Scripts of others in this folder:

tables.js: DataTables and jQuery as bundled by itables, MIT licence; notices are in the file.
charts.js: Vega, Vega-Lite and Vega-Embed as bundled by vl-convert, BSD 3-Clause licence,
    Copyright (c) 2015-2026, University of Washington Interactive Data Lab.
"""


def site_assets() -> dict[str, bytes]:
    """Assets by path from the site's root. Raises HarnessError where a library is missing."""
    templates = resources.files("harness.publishing") / "templates"
    own = {f"assets/{name}": (templates / name).read_bytes() for name in OWN}
    return own | {
        "assets/tables.js": _data_tables().encode(),
        "assets/charts.js": _charts(),
        "assets/NOTICE.txt": NOTICE.encode(),
    }


def site_module(name: str) -> ModuleType:
    """A module that only sites need. Raises HarnessError naming the extra that brings it."""
    if find_spec(name) is None:
        raise HarnessError(
            f"harness publish needs {name}, which is not installed: pip install 'pruning-harness[site]'"
        )
    return import_module(name)


@cache
def _charts() -> bytes:
    """Vega, which takes a second to bundle."""
    import vl_convert

    return vl_convert.javascript_bundle(DRAWS, vl_version="6.4").encode()


def _data_tables() -> str:
    """DataTables as a classic script, since a page opened from a file may import no module.

    The one export statement of itables' bundle becomes a global; licences behind it stay.
    """
    package = find_spec("itables")
    if package is None or package.origin is None:
        site_module("itables")
        raise AssertionError
    bundle = (Path(package.origin).parent / "html" / "dt_bundle.js").read_text(encoding="utf-8")
    statements = [*EXPORTS.finditer(bundle)]
    exported = re.search(r"([\w$]+) as default", statements[-1][1]) if statements else None
    if exported is None:
        raise HarnessError("this release of itables bundles DataTables in a way that is not known here")
    head, tail = bundle[: statements[-1].start()], bundle[statements[-1].end() :]
    return f"(()=>{{{head}globalThis.DataTable={exported[1]};{tail}}})();\n"
