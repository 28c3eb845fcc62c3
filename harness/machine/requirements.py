"""Optional requirements: whether libraries are installed in versions that work together."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, requires, version
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from packaging.requirements import Requirement


def unmet(*requirements: str) -> str | None:
    """Unmet requirement among libraries as `openvino>=2025`, with the way out; None where all are met.

    Looks at the requirements of each of them too: pip leaves conflicts where it installs one by one.
    """
    from packaging.requirements import Requirement

    way_out = f"pip install {' '.join(map(_quoted, requirements))}"
    for text in requirements:
        problem = _problem(Requirement(text))
        if problem:
            return f"{problem}: {way_out}"
        name = Requirement(text).name
        for dependency in requires(name) or ():
            requirement = Requirement(dependency)
            marker = requirement.marker
            if requirement.specifier and (marker is None or marker.evaluate({"extra": ""})):
                problem = _problem(requirement)
                if problem:
                    return f"{name} {version(name)} asks for {requirement}, but {problem}: {way_out}"
    return None


def _problem(requirement: Requirement) -> str | None:
    try:
        installed = version(requirement.name)
    except PackageNotFoundError:
        return f"{requirement.name} is not installed"
    # A build of a version, as 2.14.1+cpu, is that version.
    fits = requirement.specifier.contains(installed, prereleases=True)
    return None if fits else f"{requirement.name} {installed} is installed"


def _quoted(requirement: str) -> str:
    return f"'{requirement}'" if set("<>=!~") & set(requirement) else requirement
