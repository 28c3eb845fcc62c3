"""Whether libraries that are not the harness's own are here, in versions that work together."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, requires, version
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from packaging.requirements import Requirement


def unmet(*requirements: str) -> str | None:
    """Why libraries, as `openvino>=2025`, cannot be used, with the way out; None where all can.

    Looks at what each of them asks for itself too: pip leaves conflicts where it installs one by one.
    """
    from packaging.requirements import Requirement

    way_out = f"pip install {' '.join(map(_quoted, requirements))}"
    for text in requirements:
        problem = _problem(Requirement(text))
        if problem:
            return f"{problem}: {way_out}"
        name = Requirement(text).name
        for own in requires(name) or ():
            wanted = Requirement(own)
            if (wanted.marker is None or wanted.marker.evaluate({"extra": ""})) and wanted.specifier:
                problem = _problem(wanted)
                if problem:
                    return f"{name} {version(name)} asks for {wanted}, but {problem}: {way_out}"
    return None


def _problem(wanted: Requirement) -> str | None:
    try:
        found = version(wanted.name)
    except PackageNotFoundError:
        return f"{wanted.name} is not installed"
    # A build of a version, as 2.14.1+cpu, is that version.
    fits = wanted.specifier.contains(found, prereleases=True)
    return None if fits else f"{wanted.name} {found} is installed"


def _quoted(requirement: str) -> str:
    return f"'{requirement}'" if set("<>=!~") & set(requirement) else requirement
