"""Remarks on a leaderboard, in sentences made from its rows."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from harness.contracts.data import preprocessing_from
from harness.ranking._contradictions import contradiction_sentences
from harness.ranking._controls import control_sentences, is_control
from harness.ranking.leaderboard import shown_top1
from harness.storage.row import RIVALS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.ranking.leaderboard import Entry, Leaderboard
    from harness.ranking.rank_test import Correction

CORRECTIONS: Mapping[Correction, str] = {
    "holm": "all pairs at 5 % (Holm 1979)",
    "fdr": "5 % of the pairs told apart may be wrong (Benjamini and Hochberg 1995)",
}


def remarks(board: Leaderboard) -> list[str]:
    """Remarks on the board: what a reader should not have to look for in the table."""
    return [
        *_mixed(board),
        *_dense_line(board),
        *_simulated(board),
        *_unsteady(board),
        *contradiction_sentences(board),
        *_shared_times(board),
        *_saves_nothing(board),
        *control_sentences(board),
        *_lacking(board),
        *_interval_note(board),
    ]


def _mixed(board: Leaderboard) -> list[str]:
    """Remark that rows are of several kinds of machines, and which."""
    if not board.rule.mix_machines:
        return []
    rows = [row for entry in board.entries for row in entry.rows]
    kinds = sorted({f"{row['device']} ({row['cores']} cores)" for row in rows})
    if len(kinds) < 2:
        return []
    return [
        f"This board mixes machines: {', '.join(kinds)}. Milliseconds of one are not another's; scores "
        "are shares of each one's own dense time."
    ]


def _dense_line(board: Leaderboard) -> list[str]:
    row = board.dense
    if row is None:
        return []
    return [
        f"Dense: top-1 {shown_top1(row):.1%}, {row['latency_ms']:.3g} ms, {row['fps']:.0f} images/s, "
        f"{_megabytes(row['size_mb'])} MB{_energy(row)}.",
        *_backend_accuracy(row),
        *_inputs(row),
    ]


def _megabytes(size: float) -> str:
    """To a tenth, or to three digits where that would be hardly any."""
    return f"{size:.1f}" if size >= 10 else f"{size:.3g}"


def _inputs(row: Mapping[str, Any]) -> list[str]:
    """Remark on what images become, and on those that are not only tested on."""
    preprocessing, seen = preprocessing_from(row), row.get("test_images_in_train")
    sentences = [f"Inputs: {preprocessing}."] if preprocessing else []
    if seen:
        sentences.append(
            f"{seen} of the {row['images']} test images are training images too, which criteria, norm "
            "statistics and 8-bit ranges are calibrated on."
        )
    return sentences


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


def _shared_times(board: Leaderboard) -> list[str]:
    """Remark that equal architectures have equal times, and how many there are."""
    every = [*(index for entry in board.entries for index in entry.indices), *board.dense_indices]
    architectures = board.columns.frame["architecture"].iloc[every]
    distinct = architectures.nunique()
    if not architectures.all() or distinct == len(every):
        return []
    return [
        f"{len(every)} models of {distinct} architectures: a time is the architecture's, whatever its "
        "weights."
    ]


def _saves_nothing(board: Leaderboard) -> list[str]:
    useless = [e for e in board.entries if not e.saves_time and not e.impossible]
    by_kind: dict[tuple[str, bool], list[str]] = defaultdict(list)
    for entry in useless:
        by_kind[entry.method[1], _has_dense_times(entry, board)].append(entry.name)
    sentences = []
    simulated = board.dense is not None and board.dense.get("rounds") is None
    beyond_noise = "" if simulated else " that the clock can tell from noise"
    for (granularity, as_dense), names in by_kind.items():
        every = sum(entry.method[1] == granularity for entry in board.entries) == len(names)
        who = f"all {len(names)} methods save" if every and len(names) > 4 else _listed(names)
        why = (
            ", where zeros are computed like any other number"
            if as_dense
            else f"{beyond_noise}, at any level"
        )
        sentences.append(f"At granularity {granularity}, {who} no time here{why}: not ranked.")
    return sentences


def _has_dense_times(entry: Entry, board: Leaderboard) -> bool:
    """Whether what a method leaves is dense's architecture, and has dense's time for it."""
    kinds = (
        {(row["seed"], row["architecture"], row["latency_ms"]) for row in rows}
        for rows in (entry.rows, board.columns.rows(board.dense_indices))
    )
    own, dense = kinds
    return own <= dense and all(architecture for _, architecture, _ in own)


def _lacking(board: Leaderboard) -> list[str]:
    """Remark on what a comparison ought to have (Blalock 2020) and lacks, with the option that adds it.

    A single seed is said where intervals are; who saves no time needs no control.
    """
    pruned = [entry for entry in board.entries if entry.method[0] != RIVALS and entry.saves_time]
    lacks = []
    if len({level for entry in pruned for level in entry.levels}) == 1:
        lacks.append("a second level, since methods cross (--levels 0.3,0.6,0.8)")
    controlled = {entry.method[1] for entry in pruned if is_control(entry)}
    without = sorted({entry.method[1] for entry in pruned} - controlled)
    if without:
        lacks.append(f"a control to beat at {', '.join(without)} (--pruners ...,random)")
    if board.dense is None:
        lacks.append("the dense model's row")
    return [f"This comparison lacks {'; '.join(lacks)}."] if pruned and lacks else []


def _listed(names: Sequence[str]) -> str:
    return f"{', '.join(names)} {'saves' if len(names) == 1 else 'save'}"


def _interval_note(board: Leaderboard) -> list[str]:
    covers = "test images, timing processes and rounds"
    if board.seeds < 2:
        return [
            f"One seed: scores and no ranks, which take differences between seeds (--seeds 0,1,2). "
            f"Intervals: 95 %, by bootstrap over {covers}, not the randomness of training."
        ]
    return [
        f"Ranks: 1 and the surely better, to those not surely worse, by differences paired over "
        f"{board.seeds} seeds, {CORRECTIONS[board.rule.correction]}. Intervals of scores: 95 %, by "
        f"bootstrap over seeds, {covers}."
    ]
