"""Check of a distribution's or a file's plugins: discovery, every promise, and a real run with each."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from importlib.metadata import entry_points
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from harness.discovery.hookspecs import ENTRY_POINT_GROUP
from harness.discovery.loading import discover
from harness.engines.local import LocalEngine
from harness.errors import UnknownNameError
from harness.testing.checking.cell_check import PROMISE, CellCheck
from harness.testing.checking.check_job import (
    BROKEN,
    KEPT,
    SKIPPED,
    CheckJob,
    Verdict,
    discovery_problem,
    try_promises,
)

if TYPE_CHECKING:
    from harness.discovery.catalogue import Catalogue, Offer

MOST_MODELS = 3
"""Of a plugin of models, by name, that are tried."""
SECONDS = 300.0
"""That the promises of one plugin may take."""
PRELOADS = ("harness.testing.checking.check_job",)
"""What workers begin with, imported once for all of them."""
DISCOVERY = "imports, and offers what its hooks say"
Tell = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class PluginSource:
    """What is checked: an installed distribution, or a file of `--plugin`.

    What is tried of one plugin may take `time_limit` seconds, its promises and the run each.
    """

    name: str
    files: str = ""
    time_limit: float = SECONDS

    @classmethod
    def named(cls, word: str, *, time_limit: float = SECONDS) -> PluginSource:
        """The file or the distribution of that name. Raises UnknownNameError where there is neither."""
        if Path(word).is_file():
            return cls(name=Path(word).name, files=word, time_limit=time_limit)
        distributions = {e.dist.name for e in entry_points(group=ENTRY_POINT_GROUP) if e.dist}
        for name in distributions:
            if _normalised(name) == _normalised(word):
                return cls(name=name, time_limit=time_limit)
        raise UnknownNameError("installed distribution or file with plugins", word, distributions)

    def has(self, distribution: str) -> bool:
        """Whether that is where an offer of the catalogue comes from."""
        return distribution == self.name if self.files else distribution.rpartition(" ")[0] == self.name

    def verdicts(self, tell: Tell) -> Iterator[Verdict]:
        """Verdicts, one a promise; `tell` is given what is being tried."""
        tell("discovery")
        problem = self._discovery_problem()
        if problem:
            yield Verdict(kind="", plugin=self.name, promise=DISCOVERY, verdict=BROKEN, reason=problem)
            return
        # What plugins print as they are imported is none of the verdicts.
        with redirect_stdout(sys.stderr):
            catalogue = discover(self.files)
        for broken in catalogue.broken:
            if self.has(broken.distribution):
                yield Verdict(
                    kind="", plugin=broken.name, promise=DISCOVERY, verdict=BROKEN, reason=broken.reason
                )
        for offer in self._offers(catalogue):
            yield Verdict(kind=offer.kind, plugin=offer.name, promise=DISCOVERY, verdict=KEPT)
            yield from self._of(offer, tell)

    def _discovery_problem(self) -> str:
        """Why its plugins cannot be discovered, tried elsewhere first: what is imported may exit."""
        with TemporaryDirectory(prefix="harness-check-") as folder:
            engine = self._engine(Path(folder))
            outcomes = engine.run(discovery_problem, {"discovery": self.files}, watching=lambda _: None)
            [(_, outcome)] = outcomes
        return outcome.failure or outcome.value or ""

    def _offers(self, catalogue: Catalogue) -> Iterator[Offer]:
        """Offers of the source, of models the first few by their own names."""
        for offer in catalogue.offers:
            if not self.has(offer.distribution):
                continue
            if offer.kind != "model":
                yield offer
                continue
            for name in catalogue.models_of(offer)[:MOST_MODELS]:
                [model] = catalogue.choose_models(name)
                yield replace(offer, name=name, plugin=model)

    def _of(self, offer: Offer, tell: Tell) -> Iterator[Verdict]:
        verdicts = self._promised(offer, tell)
        yield from verdicts
        if all(verdict.verdict == KEPT for verdict in verdicts):
            tell(f"a small run with {offer.kind} {offer.name}")
            yield CellCheck(offer=offer, files=self.files, time_limit=self.time_limit).verdict()
        else:
            reason = "not tried: see above"
            yield replace(verdicts[-1], promise=PROMISE, verdict=SKIPPED, reason=reason)

    def _promised(self, offer: Offer, tell: Tell) -> list[Verdict]:
        """Verdicts on its promises, tried where a plugin that exits ends nothing but itself."""
        with TemporaryDirectory(prefix="harness-check-") as folder:
            job = CheckJob(
                kind=offer.kind, name=offer.name, files=self.files, notes=Path(folder) / "notes.jsonl"
            )
            jobs, began = {offer.name: job}, time.monotonic()

            def watch(_: list[str]) -> None:
                seconds = time.monotonic() - began
                tell(f"{offer.kind} {job.trying()} ({seconds:.0f} of at most {self.time_limit:g} s)")

            [(_, outcome)] = self._engine(Path(folder)).run(try_promises, jobs, watching=watch)
            return job.verdicts(outcome.failure)

    def _engine(self, folder: Path) -> LocalEngine:
        """Processes for what may hang or exit."""
        return LocalEngine(
            workers=1, time_limit=self.time_limit, log=folder / "log.txt", preloads=PRELOADS
        )


def _normalised(name: str) -> str:
    """As pip compares names (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()
