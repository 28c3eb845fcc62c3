"""What fails a comparison: losses beyond a tolerance, and gates that cannot pass on nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.comparisons.verdicts import TOLERANCES
from harness.errors import HarnessError, UnknownNameError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.comparisons.verdicts import Metric

FAIL_ON = ",".join(f"{metric}={tolerance * 100:g}" for metric, tolerance in TOLERANCES.items())
"""What fails where nothing else is said."""
TIMED: tuple[Metric, ...] = ("latency", "score")
"""Metrics that two sessions do not settle."""
GATES: Mapping[str, str] = {
    "lost": "rows of the base are not in NEW",
    "unsteady": "pairs were timed beside busy neighbours, so that they say nothing",
}
"""What else fails unless it is off, and what is said then."""


@dataclass(frozen=True, kw_only=True)
class FailOn:
    """What fails a comparison: tolerances in fractions by metric, and the gates that are off."""

    tolerances: Mapping[Metric, float]
    off: frozenset[str]

    def sentences(self, counts: Mapping[str, int]) -> list[str]:
        """What to say of gates that are closed, by how much each counts."""
        return [
            f"{count} {GATES[gate]} (--fail-on {gate}=off lets that pass)"
            for gate, count in counts.items()
            if count and gate not in self.off
        ]


def read_fail_on(text: str, *, remeasured: bool) -> FailOn:
    """What `--fail-on` says; what it does not name keeps its default.

    Raises HarnessError where a term is none, or is of what cannot be judged: times of two sessions,
    unless they are `remeasured` in one.
    """
    tolerances, off = dict(TOLERANCES), set[str]()
    metrics = {str(metric): metric for metric in TOLERANCES}
    for term in text.split(","):
        name, _, value = (word.strip() for word in term.partition("="))
        if name in GATES:
            off.add(_off(name, value))
        elif name in metrics:
            tolerances[metrics[name]] = _tolerance(name, value)
            if name in TIMED and value != "off" and not remeasured and text != FAIL_ON:
                raise HarnessError(
                    f"--fail-on: {name} of two sessions cannot be judged: add --remeasure or {name}=off"
                )
        else:
            raise UnknownNameError("metric", name, [*metrics, *GATES])
    return FailOn(tolerances=tolerances, off=frozenset(off))


def _off(name: str, value: str) -> str:
    if value != "off":
        raise HarnessError(f"--fail-on: {name} takes off alone, not {value!r}")
    return name


def _tolerance(name: str, value: str) -> float:
    try:
        tolerance = float("inf") if value == "off" else float(value) / 100
    except ValueError:
        raise HarnessError(
            f"--fail-on: {name} takes a number of percent or off, not {value!r}"
        ) from None
    if not tolerance >= 0.0:
        raise HarnessError(f"--fail-on: {name}={value} is below 0")
    return tolerance
