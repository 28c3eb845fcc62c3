"""Availability: why a plugin, a GPU or a library cannot be used here, and the way out."""

from __future__ import annotations

import shutil
from importlib.metadata import PackageNotFoundError, requires, version
from typing import TYPE_CHECKING

from harness.errors import failure_reason
from harness.machine.environment import gpu_name

if TYPE_CHECKING:
    from packaging.requirements import Requirement

    from harness.contracts.backends import Backend
    from harness.contracts.meters import Meter


def why_unavailable(backend: Backend | Meter) -> str | None:
    """Why a backend or meter cannot be used here, a plugin's own error included; None where it can."""
    try:
        return backend.unavailable()
    except (Exception, SystemExit) as error:
        return failure_reason(error)


def no_gpu() -> str | None:
    """Why nothing runs on an NVIDIA GPU here; None where there is one."""
    if gpu_name():
        return None
    tells = "tells of none" if shutil.which("nvidia-smi") else "is not found, so there is no driver"
    return f"no NVIDIA GPU is here: nvidia-smi {tells}"


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
