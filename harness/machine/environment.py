"""What machine and which libraries produced a row."""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
from functools import cache
from importlib.metadata import version
from pathlib import Path

LINUX = platform.system() == "Linux"
CPU_INFO = Path("/proc/cpuinfo")


@cache
def cpu_name() -> str:
    """The processor's own name, or its architecture where it tells none."""
    name = _model_name()
    if name:
        return name
    # The same name, a second later: it also measures the processor's frequency.
    import cpuinfo

    facts = cpuinfo.get_cpu_info()
    return str(facts.get("brand_raw") or platform.processor() or platform.machine())


def _model_name() -> str:
    """What Linux calls the processor on most architectures; empty elsewhere."""
    lines = CPU_INFO.read_text().splitlines() if CPU_INFO.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else ""


@cache
def gpu_name() -> str:
    """What NVIDIA's driver calls the first GPU that this process may use; empty where there is none."""
    [first, *_] = os.environ.get("CUDA_VISIBLE_DEVICES", "0").split(",")
    if not first or shutil.which("nvidia-smi") is None:
        return ""
    return _printed(["nvidia-smi", "-i", first, "--query-gpu=name", "--format=csv,noheader"])


@cache
def physical_cores() -> int:
    """Cores without their hyper-threads; 1 where the system does not tell."""
    import psutil

    physical = int(psutil.cpu_count(logical=False) or psutil.cpu_count() or 1)
    # Of a large machine, a container or a batch job may be allowed a few cores only.
    return min(physical, len(psutil.Process().cpu_affinity())) if LINUX else physical


def cpu_peak_macs(threads: int) -> float:
    """Multiply-accumulates a second that no processor sold exceeds: a matrix unit a core at 6 GHz."""
    return threads * 6e9 * 1024


def source_revision() -> str:
    """Commit of the checkout the harness runs from, `+` when changed; a hash of its files elsewhere."""
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
    """Read from the disk once: what asks for it asks for every row."""
    return version(distribution)


@cache
def machine_facts() -> dict[str, str | int]:
    """The columns of a row that describe the machine and the libraries."""
    return {
        "cores": physical_cores(),
        "platform": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "torch": version("torch"),
        "timm": version("timm"),
        "torch_pruning": version("torch-pruning"),
        "harness": version("pruning-harness"),
        "revision": source_revision(),
    }


def _git(root: Path, *arguments: str) -> str:
    return _printed(["git", "-C", str(root), *arguments])


def _printed(command: list[str]) -> str:
    """What a program prints; nothing where it fails."""
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()
