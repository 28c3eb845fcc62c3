"""Arm Ethos-U neural processors, by the estimates of Arm's own compiler Vela."""

from __future__ import annotations

import csv
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import harness

OPERATORS = re.compile(r"CPU operators = (\d+)")
KIB = 1024 / 1e6
OFF_CHIP = ("dram_memory_used", "on_chip_flash_memory_used", "off_chip_flash_memory_used")
SECONDS = 600


@dataclass(frozen=True)
class EthosU:
    """An Ethos-U in one of Arm's reference systems, simulated by Vela; weights it reads compressed."""

    name: str
    accelerator: str
    system: str
    memory: str
    channel_multiple: int = 16
    reads_weights: bool = True
    most_images: int = 1
    tolerance: float = 2.0

    @property
    def converter(self) -> harness.AnyConverter:
        """Ethos-U computes in 8-bit integers."""
        return harness.QuantisedTfliteConverter()

    def unavailable(self) -> str | None:
        """Which library is missing or in conflict."""
        return harness.unmet("ethos-u-vela>=4", "litert-torch", "ai-edge-litert", "ai-edge-quantizer")

    def describe(self) -> Mapping[str, str]:
        """The processor, its system and memory, and Vela's version."""
        device = f"Arm {self.accelerator}, {self.system}, {self.memory} (simulated)"
        return {"device": device, "runtime": f"ethos-u-vela {version('ethos-u-vela')}"}

    def load(self, file: bytes) -> harness.Run:
        """The same integers, computed on this machine."""
        # XNNPACK refuses some scales that the device takes.
        return harness.load_tflite(file, xnnpack=False)

    def simulate(self, file: bytes) -> harness.Simulated:
        """Compile the file; Vela estimates cycles while it schedules them."""
        with tempfile.TemporaryDirectory() as folder:
            told = self._compiled(Path(folder), file)
            [summary] = Path(folder).glob("*_summary_*.csv")
            with summary.open(newline="") as lines:
                [found] = csv.DictReader(lines)
        operators = OPERATORS.search(told)
        return harness.Simulated(
            latency_ms=1000.0 * float(found["inference_time"]),
            cycles=int(float(found["cycles_total"])),
            sram_mb=KIB * float(found["sram_memory_used"]),
            flash_mb=KIB * sum(float(found[name]) for name in OFF_CHIP),
            operators_elsewhere=int(operators[1]) if operators else None,
        )

    def compile_command(self, file: str) -> str:
        """Vela's: the processor runs what it writes."""
        return shlex.join(["vela", file, *self._vela_options])

    @property
    def _vela_options(self) -> list[str]:
        return [
            "--accelerator-config", self.accelerator, "--config", "Arm/vela.ini",
            "--system-config", self.system, "--memory-mode", self.memory,
        ]  # fmt: skip

    def _compiled(self, folder: Path, file: bytes) -> str:
        """What Vela prints; its figures are in `folder`."""
        (folder / "model.tflite").write_bytes(file)
        vela = [sys.executable, "-m", "ethosu.vela", "model.tflite", "--output-dir", "."]
        done = subprocess.run(
            [*vela, *self._vela_options],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        if done.returncode:
            said = (done.stderr or done.stdout).strip().splitlines() or ["no reason given"]
            raise harness.HarnessError(f"vela: {said[-1]}")
        return done.stdout


@harness.hookimpl
def harness_backends() -> Iterable[harness.Backend]:
    """Offer one Ethos-U of each kind, with the system and memory that Arm's compiler knows for it."""
    return [
        EthosU("ethos_u55", "ethos-u55-128", "Ethos_U55_High_End_Embedded", "Shared_Sram"),
        EthosU("ethos_u65", "ethos-u65-512", "Ethos_U65_Client_Server", "Dedicated_Sram"),
        EthosU("ethos_u85", "ethos-u85-256", "Ethos_U85_SYS_DRAM_Mid", "Dedicated_Sram_384KB"),
    ]
