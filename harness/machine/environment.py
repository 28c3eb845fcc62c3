"""Environment of a row: the machine and the libraries that produced it."""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import uuid
from functools import cache
from importlib.metadata import version
from pathlib import Path

from harness.machine._lock_folder import lock_reach

LINUX = platform.system() == "Linux"
CPU_INFO = Path("/proc/cpuinfo")
MACHINE_IDS = (Path("/etc/machine-id"), Path("/var/lib/dbus/machine-id"))


@cache
def cpu_name() -> str:
    """Processor name, or its architecture where it has none."""
    name = _model_name()
    if name:
        return name
    # The same name, a second later: it also measures the processor's frequency.
    import cpuinfo

    facts = cpuinfo.get_cpu_info()
    return str(facts.get("brand_raw") or platform.processor() or platform.machine())


def _model_name() -> str:
    """Processor name by Linux, which has one on most architectures; empty elsewhere."""
    lines = CPU_INFO.read_text().splitlines() if CPU_INFO.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else ""


@cache
def gpu_name() -> str:
    """GPU name by NVIDIA's driver, the first that this process may use; empty where there is none."""
    [first, *_] = os.environ.get("CUDA_VISIBLE_DEVICES", "0").split(",")
    if not first or shutil.which("nvidia-smi") is None:
        return ""
    return _output_of(["nvidia-smi", "-i", first, "--query-gpu=name", "--format=csv,noheader"])


@cache
def physical_cores() -> int:
    """Physical cores that this process may use; 1 where the system does not tell."""
    import psutil

    physical = int(psutil.cpu_count(logical=False) or psutil.cpu_count() or 1)
    # Of a large machine, a container or a batch job may be allowed a few cores only.
    return min(physical, len(psutil.Process().cpu_affinity())) if LINUX else physical


def source_revision() -> str:
    """Source revision: the checkout's commit, `+` when changed; a hash of the files elsewhere."""
    package = Path(__file__).parents[1]
    if not (package.parent / ".git").exists():
        return f"files:{_files_hash(package)}"
    commit = _git(package, "rev-parse", "--short=12", "HEAD")
    changed = _git(package.parent, "status", "--porcelain", "--", "harness", "plugins")
    return f"{commit}+" if commit and changed else commit or f"files:{_files_hash(package)}"


def _files_hash(package: Path) -> str:
    digest = hashlib.sha256()
    for file in sorted(package.rglob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


@cache
def installed_version(distribution: str) -> str:
    """Version of a distribution, read from the disk once: every row has it."""
    return version(distribution)


@cache
def machine_hash() -> str:
    """Hash that tells this computer from others of its kind, and not which it is.

    Of the system's own identifier, which systemd asks programs not to publish as it is.
    """
    identifiers = [path.read_text().strip() for path in MACHINE_IDS if path.is_file()]
    known = next(filter(None, identifiers), "") or f"{uuid.getnode():x}"
    return hashlib.sha256(f"harness {known} {platform.node()}".encode()).hexdigest()[:12]


@cache
def machine_facts() -> dict[str, str | int]:
    """Environment columns of a row: the machine and the libraries."""
    return {
        "cores": physical_cores(),
        "machine": machine_hash(),
        "lock": lock_reach(),
        "platform": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "torch": version("torch"),
        "timm": version("timm"),
        "torch_pruning": version("torch-pruning"),
        "harness": version("pruning-harness"),
        "revision": source_revision(),
    }


def _git(root: Path, *arguments: str) -> str:
    return _output_of(["git", "-C", str(root), *arguments])


def _output_of(command: list[str]) -> str:
    """Standard output of a program; empty where it fails."""
    try:
        finished = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return finished.stdout.strip()
