"""Availability: why a plugin, a GPU or a library cannot be used here, and the way out."""

from __future__ import annotations

import shutil
from importlib.metadata import requires, version
from importlib.util import find_spec
from typing import TYPE_CHECKING, Protocol

from harness.contracts.call_limit import call_limit
from harness.errors import failure_reason, visible
from harness.machine.environment import gpu_name

if TYPE_CHECKING:
    from packaging.requirements import Requirement


class Unavailable(Protocol):
    """Ability of a plugin, a backend or a meter, to say why it cannot be used here."""

    def unavailable(self) -> str | None:
        """Reason why it cannot be used; None where it can."""


def why_unavailable(plugin: Unavailable) -> str | None:
    """Reason why a backend or meter cannot be used here, its own error included; None where it can."""
    try:
        # A stranger's may be anything.
        with call_limit("`unavailable`"):
            reason: object = plugin.unavailable()
    except (Exception, SystemExit) as error:
        return failure_reason(error)
    if reason is None or (isinstance(reason, str) and reason.strip()):
        return reason and visible(reason)
    return f"`unavailable` returned {reason!r}: it returns None where it can be used, and else says why"


def no_gpu() -> str | None:
    """Reason why nothing runs on an NVIDIA GPU here; None where there is one."""
    if gpu_name():
        return None
    problem = "tells of none" if shutil.which("nvidia-smi") else "is not found, so there is no driver"
    return f"no NVIDIA GPU is here: nvidia-smi {problem}"


def has_module(name: str) -> bool:
    """Whether Python imports a module by that name here, the main program among them."""
    try:
        return find_spec(name) is not None
    except ValueError:
        return True
    except ImportError:
        return False


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
            needed = Requirement(dependency)
            if (needed.marker is None or needed.marker.evaluate({"extra": ""})) and needed.specifier:
                problem = _problem(needed)
                if problem:
                    return f"{name} {version(name)} asks for {needed}, but {problem}: {way_out}"
    return None


def _problem(requirement: Requirement) -> str | None:
    try:
        installed = version(requirement.name)
    except ImportError:
        return f"{requirement.name} is not installed"
    # A build of a version, as 2.14.1+cpu, is that version.
    fits = requirement.specifier.contains(installed, prereleases=True)
    return None if fits else f"{requirement.name} {installed} is installed"


def _quoted(requirement: str) -> str:
    return f"'{requirement}'" if set("<>=!~") & set(requirement) else requirement
