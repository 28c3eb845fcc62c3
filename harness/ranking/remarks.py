"""Remarks on a leaderboard, in sentences made from its rows."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from harness.ranking.leaderboard import shown_top1

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from harness.ranking.leaderboard import Entry, Leaderboard

BOOTSTRAP_DRAWS = 1000
CONTROL = "random"


def remarks(board: Leaderboard) -> list[str]:
    """Remarks on the board: what a reader should not have to look for in the table."""
    return [
        *_dense_line(board),
        *_simulated(board),
        *_unsteady(board),
        *_saves_nothing(board),
        *_against_random(board),
        *_interval_note(board),
    ]


def _dense_line(board: Leaderboard) -> list[str]:
    row = board.dense
    if row is None:
        return []
    return [
        f"Dense: top-1 {shown_top1(row):.1%}, {row['latency_ms']:.3g} ms, {row['fps']:.0f} images/s, "
        f"{row['size_mb']:.1f} MB{_energy(row)}.",
        *_backend_accuracy(row),
    ]


def _energy(row: Mapping[str, Any]) -> str:
    if row.get("energy_j") is None:
        return ""
    return f", {1000.0 * row['energy_j']:.3g} mJ ({row['energy_source']})"


def _backend_accuracy(row: Mapping[str, Any]) -> list[str]:
    if row.get("top1_backend") is None:
        return []
    return [
        "Accuracy is of this backend's own outputs, which its arithmetic changes; in PyTorch dense has "
        f"{row['top1']:.1%}."
    ]


def _simulated(board: Leaderboard) -> list[str]:
    """Remark that times are a simulator's, and what they leave out."""
    row = board.dense
    if row is None or row.get("rounds") is not None:
        return []
    counts = [row.get("operators_elsewhere") for entry in board.entries for row in entry.rows]
    most = max((count for count in counts if count), default=0)
    left = (
        f" Up to {most} operators run on another processor, whose time they leave out." if most else ""
    )
    return [f"Times are a simulator's, the same at every call: they have no intervals.{left}"]


def _unsteady(board: Leaderboard) -> list[str]:
    if not board.unsteady:
        return []
    return [
        "Levels of these were timed while a hidden copy of dense stood out, and are left out: "
        f"{', '.join(name.strip() for name in board.unsteady)}. The next run times them again."
    ]


def _saves_nothing(board: Leaderboard) -> list[str]:
    useless = [entry for entry in board.entries if not entry.saves_time]
    if not useless:
        return []
    by_granularity: dict[str, list[str]] = defaultdict(list)
    for entry in useless:
        by_granularity[entry.method[1]].append(entry.name)
    sentences = []
    simulated = board.dense is not None and board.dense.get("rounds") is None
    beyond_noise = "" if simulated else " that the clock can tell from noise"
    for granularity, names in by_granularity.items():
        every = sum(entry.method[1] == granularity for entry in board.entries) == len(names)
        who = f"all {len(names)} methods save" if every and len(names) > 4 else _listed(names)
        sentences.append(
            f"At granularity {granularity}, {who} no time here{beyond_noise}, at any level: not ranked."
        )
    return sentences


def _listed(names: Sequence[str]) -> str:
    return f"{', '.join(names)} {'saves' if len(names) == 1 else 'save'}"


def _against_random(board: Leaderboard) -> list[str]:
    controls = {entry.method[1:]: entry for entry in board.entries if entry.method[0] == CONTROL}
    level = max((level for entry in board.entries for level in entry.levels), default=0.0)
    differences = {
        entry.name: difference
        for entry in board.entries
        if entry.method[0] != CONTROL
        and (control := _control_of(entry, controls))
        and (difference := _differences(entry, control, level)) is not None
    }
    if not differences:
        return []
    lower_ends = _lower_ends([*differences.values()])
    tied = [
        name for name, lower_end in zip(differences, lower_ends, strict=True) if not lower_end > 0.0
    ]
    if not tied:
        return [f"At sparsity {level:g} every other method beats random of its kind in accuracy."]
    return [
        f"At sparsity {level:g} these do not beat random of their kind in accuracy beyond the 95 % "
        f"interval: {', '.join(tied)}."
    ]


def _control_of(entry: Entry, controls: Mapping[Any, Entry]) -> Entry | None:
    """Random control of the same granularity and schedule, and of the same scope where there is one."""
    _, granularity, scope, schedule = entry.method
    same_kind = {
        key[1]: control
        for key, control in controls.items()
        if (key[0], key[2]) == (granularity, schedule)
    }
    return same_kind.get(scope) or next(iter(same_kind.values()), None)


def _differences(entry: Entry, control: Entry, level: float) -> NDArray[np.float64] | None:
    """Difference in right answers from the control `(images,)`, mean of the seeds that both have.

    None where they have none in common at that level.
    """
    import numpy as np

    from harness.storage.bits import decode_bits

    theirs = {row["seed"]: row for row in control.at(level)}
    pairs = [
        decode_bits(row["correct"], row["images"]).astype(float)
        - decode_bits(theirs[row["seed"]]["correct"], row["images"])
        for row in entry.at(level)
        if row["seed"] in theirs
    ]
    return np.mean(pairs, axis=0) if pairs else None


def _lower_ends(differences: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Lower end of the 95 % interval of each mean, by bootstrap over images, the same for all."""
    import numpy as np

    images = len(differences[0])
    picked = np.random.default_rng(0).integers(0, images, (BOOTSTRAP_DRAWS, images))
    drawn = np.zeros((BOOTSTRAP_DRAWS, images))
    np.add.at(drawn, (np.arange(BOOTSTRAP_DRAWS)[:, None], picked), 1.0 / images)
    lower_ends: NDArray[np.float64] = np.quantile(drawn @ np.stack(differences, axis=1), 0.025, axis=0)
    return lower_ends


def _interval_note(board: Leaderboard) -> list[str]:
    covers = "test images, timing processes and rounds"
    if board.seeds > 1:
        return [f"Intervals: 95 %, by bootstrap over {board.seeds} seeds, {covers}."]
    return [
        f"Intervals: 95 %, by bootstrap over {covers}; with one seed they do not cover the "
        "randomness of training (--seeds 0,1,2 does)."
    ]
