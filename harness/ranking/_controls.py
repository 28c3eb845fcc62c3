"""Controls: what a criterion must beat to be worth its cost.

Random removal from the same layers, the same architecture trained from scratch, and smaller networks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.contracts.pruners import CONTROL
from harness.ranking.leaderboard import shown_top1
from harness.storage.row import RIVALS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.ranking.leaderboard import Entry, Leaderboard

SCRATCH = "scratch"
"""The schedule whose models keep a pruned architecture and none of its weights (Liu 2019)."""


def is_control(entry: Entry) -> bool:
    """Whether a method is a control: `random`, or `random:CRITERION` on that one's own channels."""
    return entry.method[0].partition(":")[0] == CONTROL


def control_of(entry: Entry, board: Leaderboard) -> Entry | None:
    """Control of a method: drawn at random where the method may remove; None where there is none.

    `random:CRITERION` is drawn on that criterion's own channels; plain `random` counts where it left
    out the same layers. Of several scopes the method's own is preferred.
    """
    pruner, granularity, scope, schedule = entry.method
    alike = [
        other
        for other in board.entries
        if is_control(other) and (other.method[1], other.method[3]) == (granularity, schedule)
    ]
    own = [other for other in alike if other.method[0] == f"{CONTROL}:{pruner}"]
    plain = [o for o in alike if o.method[0] == CONTROL and _left_out(o) == _left_out(entry)]
    candidates = sorted(own or plain, key=lambda other: other.method[2] != scope)
    return next(iter(candidates), None)


def scratch_of(entry: Entry, board: Leaderboard) -> Entry | None:
    """Scratch control of a method: its architectures, at every level and seed, trained from scratch.

    Its own pruner's, or another's that left the same architectures; None where there is none.
    """
    architectures = _architectures(entry)
    alike = [
        other
        for other in board.entries
        if other.method[3] == SCRATCH and _architectures(other) == architectures
    ]
    return next(iter(sorted(alike, key=lambda other: other.method[:3] != entry.method[:3])), None)


def control_sentences(board: Leaderboard) -> list[str]:
    """Sentences on who surely beats each kind of control and who does not, by the test that ranks."""
    ranked = [e for e in board.entries if e.rank is not None and e.method[0] != RIVALS]
    chosen = [entry for entry in ranked if not is_control(entry)]
    trained = [entry for entry in ranked if entry.method[3] != SCRATCH]
    return [
        *_rivals_sentence(ranked, board),
        *_sentence(
            "Against random removal from the same layers",
            {entry: control_of(entry, board) for entry in chosen},
            board,
            alone="no control removes from the same layers",
        ),
        *_sentence(
            "Against the same architecture trained from scratch for the same epochs (Liu 2019)",
            {entry: scratch_of(entry, board) for entry in trained},
            board,
            alone="not trained from scratch",
        ),
    ]


def _rivals_sentence(ranked: Sequence[Entry], board: Leaderboard) -> list[str]:
    """What smaller networks reach, and who is better than to take one of them."""
    rivals = next((entry for entry in board.entries if entry.method[0] == RIVALS), None)
    if rivals is None:
        return []
    means = [rivals.mean_at(level) for level in rivals.levels]
    own = (f"{row['rival']} {shown_top1(row):.1%} in {row['latency_ms']:.3g} ms" for row in means)
    reached = f"Smaller networks, trained by the same recipe as long altogether: {', '.join(own)}."
    against = "Against taking the best of them for each time"
    told = _sentence(against, dict.fromkeys(ranked, rivals), board, alone="not ranked beside them")
    return [" ".join([reached, *told])]


def _sentence(
    against: str, controls: Mapping[Entry, Entry | None], board: Leaderboard, *, alone: str
) -> list[str]:
    """One sentence on methods and the control of each; none where none has any."""
    if not any(controls.values()):
        return []
    groups: dict[str, list[Entry]] = {
        "surely better": [], "not told apart from it": [], "surely worse": [], alone: [],
    }  # fmt: skip
    for entry, control in controls.items():
        if control is None or control.rank is None:
            groups[alone].append(entry)
        elif (entry.method, control.method) in board.ranking.better:
            groups["surely better"].append(entry)
        elif (control.method, entry.method) in board.ranking.better:
            groups["surely worse"].append(entry)
        else:
            groups["not told apart from it"].append(entry)
    told = "; ".join(f"{what}: {_listed(own, board)}" for what, own in groups.items() if own)
    return [f"{against}: {told}."]


def _left_out(entry: Entry) -> frozenset[str]:
    [row, *_] = entry.at(entry.levels[-1])
    return frozenset(str(row["excluded"]).split(","))


def _architectures(entry: Entry) -> frozenset[tuple[float, int, str]]:
    return frozenset((row["sparsity"], row["seed"], row["architecture"]) for row in entry.rows)


def _listed(entries: Sequence[Entry], board: Leaderboard) -> str:
    """Names of methods, as short as they are unlike on their board."""
    unlike = [len({entry.method[word] for entry in board.entries}) > 1 for word in range(4)]
    shown = [word for word in range(4) if word == 0 or unlike[word]]
    return ", ".join(" ".join(entry.method[word] for word in shown) for entry in entries)
