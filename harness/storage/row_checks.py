"""Row checks: a row's key, and its numbers held against each other."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from harness.contracts.backends import cpu_peak_macs
from harness.errors import DamagedError
from harness.storage.bits import decode_bits
from harness.storage.keys import dense_key, measurement_key, trial_key
from harness.storage.row import RIVALS, speedup_realised

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

CLOSE = 1e-6
"""Relative difference of numbers that are computed alike."""
ZEROS_SHARE = 20.0
"""Most that the share of multiply-accumulates of some zeros is above that of parameters."""
ROUNDING = 1e-3
"""Of an image, which accuracies of single precision are off by at most."""
FEW_ZEROS = 1e-3
FASTEST_DEVICE = 1e16
"""Multiply-accumulates a second that no device of any kind does."""
NEEDED = (
    "top1", "dense_top1", "images", "latency_ms", "dense_latency_ms", "ms_saved", "ms_saved_low",
    "ms_saved_high", "saves_time", "macs", "dense_macs", "params", "params_nonzero", "dense_params",
)  # fmt: skip
"""Columns that a measured row has in every release."""
ORDERED = (
    ("latency_low_ms", "latency_ms", "latency_high_ms"),
    ("ms_saved_low", "ms_saved", "ms_saved_high"),
    ("params_nonzero", "params", None),
)


def row_findings(row: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with a row of the right types, in sentences."""
    yield from _key_findings(row)
    missing = [*missing_findings(row)]
    yield from missing
    if row["status"] == "ok" and not missing:
        for check in (_order_findings, _accuracy_findings, _time_findings, _size_findings):
            yield from check(row)


def missing_findings(row: Mapping[str, Any]) -> Iterator[str]:
    """Which numbers a measured row lacks, that whoever reads one counts on."""
    missing = [name for name in NEEDED if row[name] is None] if row["status"] == "ok" else []
    if missing:
        yield f"it is measured, and {', '.join(missing)} is empty"


def _key_findings(row: Mapping[str, Any]) -> Iterator[str]:
    if row["status"] != "ok":
        return
    if trial_key(row) != row["trial"]:
        yield f"trial is {row['trial']}, and its settings make {trial_key(row)}"
    elif measurement_key(row) != row["key"]:
        yield f"key is {row['key']}, and its settings make {measurement_key(row)}"


def _order_findings(row: Mapping[str, Any]) -> Iterator[str]:
    for names in ORDERED:
        values = [row[name] for name in names if name and row[name] is not None]
        if values != sorted(values):
            yield f"{', '.join(filter(None, names))} are {values}, and should rise"


def _accuracy_findings(row: Mapping[str, Any]) -> Iterator[str]:
    images = row["images"]
    for prefix in ("", "dense_"):
        name = f"{prefix}top1" if row[f"{prefix}top1_backend"] is None else f"{prefix}top1_backend"
        for column in {name, f"{prefix}top1"}:
            right = row[column] * images
            if abs(right - round(right)) > ROUNDING:
                yield f"{column} is {row[column]:.6g}, which is no multiple of one of {images} images"
        yield from _bit_findings(row, name, f"{prefix}correct")
    dense = _shown(row, "dense_")
    ratio = _shown(row, "") / dense if dense else None
    if row["retained"] is not None and ratio is not None and not _close(row["retained"], ratio):
        yield f"retained is {row['retained']:.6g}, and its accuracies make {ratio:.6g}"


def _bit_findings(row: Mapping[str, Any], name: str, blob: str) -> Iterator[str]:
    """Whether as many test images are right as an accuracy says."""
    try:
        right = int(decode_bits(row[blob], row["images"]).sum())
    except DamagedError:
        right = -1
    if right != round(row[name] * row["images"]):
        yield f"{name} is {row[name]:.4%} of {row['images']} images, and {blob} marks {right} as right"


def _shown(row: Mapping[str, Any], prefix: str) -> float:
    own = row[f"{prefix}top1_backend"]
    return float(row[f"{prefix}top1"] if own is None else own)


def _time_findings(row: Mapping[str, Any]) -> Iterator[str]:
    is_cpu = row["backend"].partition(":")[0].endswith("_cpu")
    peak = cpu_peak_macs(row["threads"]) if is_cpu else FASTEST_DEVICE
    floor = 1000.0 * row["macs"] * row["batch"] / peak
    if row["latency_ms"] < floor:
        yield f"latency_ms is {row['latency_ms']:.3g}, and no such device needs less than {floor:.3g}"
    computed = {
        "fps": 1000.0 * row["batch"] / row["latency_ms"],
        "speedup_realised": speedup_realised(row),
        "retained_per_ms_saved": _ratio(row["retained"], row["ms_saved"]),
    }
    for name, value in computed.items():
        if row[name] is not None and value is not None and not _close(row[name], value):
            yield f"{name} is {row[name]:.6g}, and the row's other numbers make {value:.6g}"
    noise = max(row["noise_ms"] or 0.0, row["twin_ms"] or 0.0)
    is_sure = row["ms_saved_low"] > 0.0 and row["ms_saved"] > noise and row["steady"] is not False
    if row["saves_time"] != is_sure:
        told = f"{row['ms_saved']:.3g} ms ({row['ms_saved_low']:.3g} at least), noise {noise:.3g} ms"
        yield f"saves_time is {row['saves_time']}, and the row saves {told}"


def _ratio(one: float | None, other: float) -> float | None:
    return one / other if one is not None and other else None


def _size_findings(row: Mapping[str, Any]) -> Iterator[str]:
    pruned = row["pruner"] not in (RIVALS, "dense")
    for own, dense in (("macs", "dense_macs"), ("params", "dense_params")):
        if pruned and row[own] > row[dense]:
            yield f"{own} is {row[own]}, more than the dense network's {row[dense]}"
    if row["size_mb"] is not None and row["size_mb"] * 1e6 < 4 * row["params"]:
        yield f"size_mb is {row['size_mb']:.4g}, less than {row['params']} numbers of four bytes take"
    if pruned and row["target"] == "macs" and row["target_reached"] is not None and row["dense_macs"]:
        gone = 1.0 - row["macs"] / row["dense_macs"]
        zeros = 1.0 - row["params_nonzero"] / max(row["params"], 1)
        # What is zero by chance counts as gone; masks leave more.
        if zeros < FEW_ZEROS and abs(gone - row["target_reached"]) > CLOSE + ZEROS_SHARE * zeros:
            yield f"target_reached is {row['target_reached']:.6g}, and its macs make {gone:.6g}"


def architecture_findings(rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Rows of one architecture whose sizes differ, which they cannot."""
    sizes: dict[tuple[str, ...], dict[tuple[Any, ...], str]] = defaultdict(dict)
    for row in rows:
        if row["status"] == "ok" and row["architecture"]:
            of = row["model"], row["dataset"], row["architecture"]
            sizes[of].setdefault((row["macs"], row["params"]), row["key"])
    for (_, _, architecture), own in sizes.items():
        if len(own) > 1:
            told = ", ".join(f"{macs} and {params} in {key}" for (macs, params), key in own.items())
            yield f"macs and params of the architecture {architecture} are {told}"


def dense_findings(rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Rows of one dense network that say other accuracies of it, which has one on each backend."""
    told: dict[tuple[str, ...], dict[tuple[Any, ...], str]] = defaultdict(dict)
    for row in rows:
        if row["status"] == "ok":
            # Another processor trains another network of the same name.
            where = f"{row['device']} {row['machine']} {row['torch']}"
            narrow = row["backend"] if row["dense_top1_backend"] is not None else ""
            own = row["dense_top1"], row["dense_top1_backend"], row["dense_correct"]
            told[dense_key(row), where, narrow].setdefault(own, row["key"])
    for (network, *_), accuracies in told.items():
        if len(accuracies) > 1:
            words = ", ".join(f"{top1:.4%} in {key}" for (top1, *_), key in accuracies.items())
            yield f"{network} is right in other test images by row: {words}"


def _close(one: float, other: float) -> bool:
    return math.isclose(one, other, rel_tol=CLOSE, abs_tol=1e-12)
