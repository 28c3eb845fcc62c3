"""Check of one plugin: its promises, tried in a process of their own, each noted as it is told."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import SkipTest

from harness.discovery.loading import discover
from harness.errors import HarnessError
from harness.testing.backends import backend_promises
from harness.testing.datasets import dataset_promises
from harness.testing.meters import meter_promises
from harness.testing.models import model_promises
from harness.testing.promises import keep
from harness.testing.pruners import pruner_promises
from harness.testing.reporters import reporter_promises
from harness.testing.schedules import schedule_promises

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.testing.promises import Promises

KEPT, BROKEN, SKIPPED = "kept", "broken", "skipped"
TIDY = "leaves the current folder as it is"
PROMISES: Mapping[str, Any] = {
    "pruner": pruner_promises,
    "schedule": schedule_promises,
    "model": model_promises,
    "dataset": dataset_promises,
    "backend": backend_promises,
    "meter": meter_promises,
    "reporter": reporter_promises,
}
"""By kind, what tries a plugin's promises."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Verdict on one promise of a plugin, with the reason where it is not kept."""

    kind: str
    plugin: str
    promise: str
    verdict: str
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class CheckJob:
    """One plugin, found again by its name; `files` are those of `--plugin`, `notes` where it writes."""

    kind: str
    name: str
    files: str
    notes: Path

    def trying(self) -> str:
        """The promise that is being tried, or what comes before the first."""
        lines = self.notes.read_text(encoding="utf-8").splitlines() if self.notes.is_file() else []
        return str(json.loads(lines[-1])[0]) if lines else f"{self.name}: loading"

    def verdicts(self, failure: str) -> list[Verdict]:
        """Verdicts that were noted; `failure` is that of the process that noted them."""
        lines = self.notes.read_text(encoding="utf-8").splitlines() if self.notes.is_file() else []
        noted: dict[str, tuple[str, str]] = {}
        for line in lines:
            promise, verdict, reason = json.loads(line)
            noted[promise] = (verdict, reason)
        if failure and not noted:
            noted["can be loaded in a worker process"] = ("", "")
        # A promise without a verdict ended the process.
        return [
            Verdict(
                kind=self.kind,
                plugin=self.name,
                promise=promise,
                verdict=verdict or BROKEN,
                reason=reason if verdict else failure,
            )
            for promise, (verdict, reason) in noted.items()
        ]


def discovery_problem(files: str) -> str:
    """Why plugins cannot be discovered with those files; empty where they can."""
    try:
        discover(files)
    except HarnessError as error:
        return str(error)
    return ""


def try_promises(job: CheckJob) -> None:
    """Try a plugin's promises, in this process and a folder of its own, until one is broken."""
    promises = _promises(job)
    folder = mirrored_folder(job.notes.parent)
    before = {*folder.iterdir()}
    os.chdir(folder)
    with job.notes.open("a", encoding="utf-8") as file:

        def note(promise: str, verdict: str = "", reason: str = "") -> None:
            file.write(json.dumps([promise, verdict, reason]) + "\n")
            # The next promise may end this process.
            file.flush()

        trying = ""

        def begin(promise: str) -> None:
            nonlocal trying
            if trying:
                note(trying, KEPT)
            trying = promise
            note(promise)

        try:
            keep(promises, begin=begin)
            begin(f"{job.name}: {TIDY}")
            if left := sorted(path.name for path in {*folder.iterdir()} - before):
                raise AssertionError(f"wrote {', '.join(left)} there, which is whoever runs it's own")
            note(trying, KEPT)
        except SkipTest as skipped:
            note(trying, SKIPPED, str(skipped))
        except AssertionError as broken:
            note(trying, BROKEN, str(broken).removeprefix(f"{trying}: "))


def mirrored_folder(parent: Path) -> Path:
    """New folder in which lies what does in the current one, by links.

    What a plugin reads by a relative path is there; what it writes is not left to whoever runs it.
    """
    folder = parent / "current"
    folder.mkdir()
    for path in Path.cwd().iterdir():
        # Some systems let nobody make links.
        with suppress(OSError):
            (folder / path.name).symlink_to(path)
    return folder


def _promises(job: CheckJob) -> Promises:
    catalogue = discover(job.files)
    if job.kind == "model":
        [plugin] = catalogue.choose_models(job.name)
    else:
        [plugin] = [o.plugin for o in catalogue.offers if (o.kind, o.name) == (job.kind, job.name)]
    promises: Promises = PROMISES[job.kind](plugin)
    return promises
