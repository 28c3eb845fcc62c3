"""Controls: random removal from the same layers, which a criterion must beat to be worth its cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.ranking.leaderboard import Entry, Leaderboard

CONTROL = "random"


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


def control_sentences(board: Leaderboard) -> list[str]:
    """Sentences on who surely beats chance and who does not, by the test that ranks."""
    ranked = [entry for entry in board.entries if entry.rank is not None]
    methods = [entry for entry in ranked if not is_control(entry)]
    controls = {entry.method: control_of(entry, board) for entry in methods}
    if not any(controls.values()):
        return []
    better, worse, tied, alone = [], [], [], []
    for entry in methods:
        control = controls[entry.method]
        if control is None or control.rank is None:
            alone.append(entry)
        elif (entry.method, control.method) in board.ranking.better:
            better.append(entry)
        elif (control.method, entry.method) in board.ranking.better:
            worse.append(entry)
        else:
            tied.append(entry)
    groups = (
        ("surely better", better), ("not told apart from it", tied), ("surely worse", worse),
        ("no control removes from the same layers", alone),
    )  # fmt: skip
    told = "; ".join(f"{what}: {_listed(entries, board)}" for what, entries in groups if entries)
    return [f"Against random removal from the same layers: {told}."]


def _left_out(entry: Entry) -> frozenset[str]:
    [row, *_] = entry.at(entry.levels[-1])
    return frozenset(str(row["excluded"]).split(","))


def _listed(entries: Sequence[Entry], board: Leaderboard) -> str:
    """Names of methods, as short as they are unlike on their board."""
    unlike = [len({entry.method[word] for entry in board.entries}) > 1 for word in range(4)]
    shown = [word for word in range(4) if word == 0 or unlike[word]]
    return ", ".join(" ".join(entry.method[word] for word in shown) for entry in entries)
