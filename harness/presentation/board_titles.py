"""Board titles: boards by model, and what tells those of one model apart."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.ranking.leaderboard import Leaderboard

TOLD_APART = ("data_hash", "batch", "threads", "device", "cores", "runtime", "target")
"""Conditions that a panel's title names where boards of its backend differ in them; so of recipes."""


def boards_by_model(boards: Sequence[Leaderboard]) -> dict[tuple[str, str], list[Leaderboard]]:
    """Boards that rank anything, by model and data set."""
    by_model: dict[tuple[str, str], list[Leaderboard]] = defaultdict(list)
    for board in boards:
        if board.entries:
            by_model[board.conditions["model"], board.conditions["dataset"]].append(board)
    return dict(by_model)


def recipe_sentences(boards: Sequence[Leaderboard]) -> list[str]:
    """Sentences on models whose methods were trained by several recipes, which boards keep apart."""
    sentences = []
    for (model, dataset), own in boards_by_model(boards).items():
        recipes = {board.conditions["recipe_text"] for board in own}
        words = [set(recipe.split(", ")) for recipe in sorted(recipes)]
        unlike = sorted(set.union(*words) - set.intersection(*words))
        if unlike:
            told = ", ".join(word.replace("_", " ") for word in unlike)
            sentences.append(
                f"Boards of {model} on {dataset} are of {len(recipes)} recipes ({told}): compare "
                "methods within a board only."
            )
    return sentences


def recipe_words(board: Leaderboard) -> str:
    """Machine, runtime and recipe of a board, which its title leaves out."""
    facts = board.conditions
    return f"{facts['device']}, {facts['runtime']}; {facts['recipe_text']}"


def panel_titles(boards: Sequence[Leaderboard]) -> list[str]:
    """Titles of boards of one model: the backend, and what else tells them apart."""
    by_backend: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for board in boards:
        by_backend[board.conditions["backend"]].append(board.conditions)
    return [_panel_title(board.conditions, by_backend) for board in boards]


def _panel_title(facts: Mapping[str, Any], by_backend: Mapping[str, list[Mapping[str, Any]]]) -> str:
    alike = by_backend[facts["backend"]]
    unlike = [name for name in TOLD_APART if len({other[name] for other in alike}) > 1]
    recipes = [set(other["recipe_text"].split(", ")) for other in alike]
    own = [word for word in facts["recipe_text"].split(", ") if not all(word in r for r in recipes)]
    words = (_words(name, facts) for name in unlike)
    return ", ".join([facts["backend"], *words, *(word.replace("_", " ") for word in own)])


def _words(name: str, conditions: Mapping[str, Any]) -> str:
    value = conditions[name]
    if name in ("batch", "threads"):
        return f"{name} {value}"
    if name == "data_hash":
        return f"images {str(value)[:6]}"
    if name == "cores":
        return f"{value} cores"
    return f"levels of {value}" if name == "target" else str(value)
