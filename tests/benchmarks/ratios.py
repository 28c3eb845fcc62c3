"""Speed as a ratio: a workload's time over that of a fixed one, measured beside it."""

import json
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np

BASELINE = Path(__file__).parent / "baseline.json"
LIMIT = 2.0


def reference_seconds() -> float:
    """Median time of three turns of work that no change of the harness can touch."""
    numbers = np.random.default_rng(0).random(1_000_000)
    return median(_turn(numbers) for _ in range(3))


def _turn(numbers: np.ndarray) -> float:
    start = perf_counter()
    np.sort(numbers)
    total = 0
    for number in range(500_000):
        total += number % 7
    return perf_counter() - start


def complaint(name: str, ratio: float, baseline: Mapping[str, float]) -> str | None:
    """What is wrong with a ratio, in one line."""
    if name not in baseline:
        return (
            f"{name} has no baseline: add it with pytest --dist=no tests/benchmarks --update-baseline"
        )
    known = baseline[name]
    if ratio <= LIMIT * known:
        return None
    return (
        f"{name} takes {ratio:.3g} times the reference, {ratio / known:.1f} times the baseline's "
        f"{known:.3g}: more than the {LIMIT:g} times allowed"
    )


def read(path: Path) -> dict[str, float]:
    """Ratios by benchmark; none where there is no file."""
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def write(path: Path, found: Mapping[str, float]) -> None:
    """Add ratios to a file, in place of older ones of the same names."""
    rounded = {name: float(f"{ratio:.3g}") for name, ratio in found.items()}
    path.write_text(json.dumps(read(path) | rounded, indent=2, sort_keys=True) + "\n", encoding="utf-8")
