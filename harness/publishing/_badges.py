"""Badges: rank interval, backend and date of a method, for a README."""

from __future__ import annotations

import json
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from harness.publishing.site_content import board_anchor, page_name, written_between

if TYPE_CHECKING:
    from harness.ranking.leaderboard import Entry, Leaderboard

GREEN, BLUE, GREY = "#2a7d3f", "#2766a8", "#5b5b5b"
"""White text on each has a contrast of at least 4.5."""
CHARACTER = 6.6
"""Pixels of a character of the badge's font, at most."""


@dataclass(frozen=True, kw_only=True)
class Badge:
    """Badge of a method on one board; `path` is without its ending."""

    path: str
    label: str
    message: str
    colour: str

    @property
    def text(self) -> str:
        """Text of the badge."""
        return f"{self.label}: {self.message}"

    def files(self) -> dict[str, bytes]:
        """Files by path: an SVG, and JSON as the endpoint of shields.io takes it."""
        endpoint = {
            "schemaVersion": 1,
            "label": self.label,
            "message": self.message,
            "color": self.colour.removeprefix("#"),
        }
        return {
            f"{self.path}.json": (json.dumps(endpoint) + "\n").encode(),
            f"{self.path}.svg": self._svg().encode(),
        }

    def _svg(self) -> str:
        left, right = (round(CHARACTER * len(text)) + 12 for text in (self.label, self.message))
        label, message = escape(self.label), escape(self.message)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="20" role="img" '
            f'aria-label="{label}: {message}"><title>{label}: {message}</title>'
            f'<rect width="{left}" height="20" fill="#444"/>'
            f'<rect x="{left}" width="{right}" height="20" fill="{self.colour}"/>'
            '<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11" '
            f'text-anchor="middle"><text x="{left / 2:g}" y="14">{label}</text>'
            f'<text x="{left + right / 2:g}" y="14">{message}</text></g></svg>\n'
        )


def badge(board: Leaderboard, entry: Entry, *, source: str) -> Badge | None:
    """Badge of an entry, which says whose word it is; None where it is not ranked."""
    if entry.rank is None:
        return None
    ranked = sum(other.rank is not None for other in board.entries)
    facts = board.conditions
    days = written_between(entry.rows)
    return Badge(
        path=f"badges/{page_name(*entry.method)}/{board_anchor(board)}",
        label=f"{facts['model']} ({facts['dataset']}) on {facts['backend']}, batch {facts['batch']}",
        message=f"rank {entry.rank} of {ranked}{', ' + days if days else ''}, {source}",
        colour=GREEN if entry.rank.low == 1 else BLUE if entry.rank.low <= ranked / 2 else GREY,
    )
