"""Check of plugins in a real run: a small network, trained, cut, timed and reported on."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from harness.errors import HarnessError
from harness.storage.run_folder import RunFolder
from harness.testing.checking.check_job import BROKEN, KEPT, SKIPPED, Verdict, mirrored_folder

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.discovery.catalogue import Offer

PROMISE = "a cell of a small run with it is measured"
SMALL = {
    "models": "test_resnet", "dataset": "digits", "pruners": "random", "schedules": "one_shot",
    "granularities": "channel", "backends": "eager_cpu", "levels": "0.5", "target": "params",
    "seeds": "0", "dense-epochs": "1", "finetune-epochs": "0.5", "timing-seconds": "0",
    "batch-sizes": "1", "arithmetic": "fp32",
}  # fmt: skip
"""Options of the run, but those that the plugins are selected by."""
SELECTED_BY: Mapping[str, str] = {
    "pruner": "pruners", "schedule": "schedules", "model": "models", "dataset": "dataset",
    "backend": "backends", "meter": "meter",
}  # fmt: skip
"""By kind, the option; reporters are always asked."""


@dataclass(frozen=True, kw_only=True)
class CellCheck:
    """One plugin in a run of its own; `files` are those of `--plugin`."""

    offer: Offer
    files: str
    time_limit: float

    def verdict(self) -> Verdict:
        """Whether the run measured a cell with it, and why not."""
        with TemporaryDirectory(prefix="harness-check-") as folder:
            current = mirrored_folder(Path(folder))
            try:
                done = subprocess.run(
                    [*self._command(current), "--out", str(Path(folder) / "run")],
                    capture_output=True, text=True, check=False, timeout=self.time_limit, cwd=current,
                )  # fmt: skip
            except subprocess.TimeoutExpired:
                return self._told(BROKEN, f"the run took more than {self.time_limit:g} s")
            return self._judged(Path(folder) / "run", done)

    def _command(self, current: Path) -> Sequence[str]:
        options = dict(SMALL)
        if self.offer.kind in SELECTED_BY:
            options[SELECTED_BY[self.offer.kind]] = self.offer.selected_as
        if self.offer.kind == "pruner":
            options["granularities"] = "weight,channel"
        if self.files:
            # As it was named, where it can be: a comma in a folder's name would part two files.
            there = (current / self.files).is_file()
            options["plugin"] = self.files if there else str(Path(self.files).resolve())
        words = [f"--{name}={value}" for name, value in options.items()]
        return [sys.executable, "-P", "-m", "harness", "run", *words, "--quick"]

    def _judged(self, folder: Path, done: subprocess.CompletedProcess[str]) -> Verdict:
        complaint = next((line for line in done.stderr.splitlines() if self._blames(line)), "")
        if complaint:
            return self._told(BROKEN, complaint)
        try:
            rows = RunFolder(folder).rows
        except HarnessError:
            last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
            return self._told(BROKEN, f"the run wrote no rows: {last}")
        pruned = [row for row in rows if row["pruner"] != "dense"]
        for verdict, status in ((BROKEN, "failed"), (KEPT, "ok")):
            if matching := [row for row in pruned if row["status"] == status]:
                return self._told(verdict, matching[0]["reason"] or "")
        return self._told(
            SKIPPED, next((str(row["reason"]) for row in pruned), "no cell was asked for")
        )

    def _blames(self, line: str) -> bool:
        return self.offer.kind == "reporter" and f"warning: reporter {self.offer.name}" in line

    def _told(self, verdict: str, reason: str) -> Verdict:
        return Verdict(
            kind=self.offer.kind,
            plugin=self.offer.name,
            promise=PROMISE,
            verdict=verdict,
            reason=reason,
        )
