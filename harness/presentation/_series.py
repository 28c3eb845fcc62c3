"""Series of a chart: methods in their own colours, random ones in black, all others in grey."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.presentation.palette import CONTROL_COLOUR, OTHER_COLOUR

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from harness.ranking.leaderboard import Leaderboard

Spec = dict[str, Any]
OTHERS, RANDOM = "other methods", "random"
CHOSEN = "length(chosen) == 0 || indexof(chosen, datum.method) >= 0"
"""Whether a point's method is among those that a reader chose, or none is."""


class Series:
    """Series of the methods of some boards, their colour scale and their legend."""

    def __init__(self, boards: Iterable[Leaderboard], colours: Mapping[str, str]) -> None:
        names = {entry.name for board in boards for entry in board.entries}
        self._coloured = {name: colour for name, colour in colours.items() if name in names}
        self._grey = names - {*colours}

    def of(self, method: str) -> str:
        """Series that a method is drawn as."""
        colour = self._coloured.get(method)
        if colour is None:
            return OTHERS
        return RANDOM if colour == CONTROL_COLOUR else method

    def colour(self) -> Spec:
        """Colour encoding, with a legend below."""
        scale = {name: colour for name, colour in self._coloured.items() if colour != CONTROL_COLOUR}
        if len(scale) < len(self._coloured):
            scale[RANDOM] = CONTROL_COLOUR
        if self._grey:
            scale[OTHERS] = OTHER_COLOUR
        legend = {
            "orient": "bottom", "title": None, "columns": 3, "symbolType": "circle",
            "symbolOpacity": 1, "symbolStrokeWidth": 0, "symbolSize": 70,
        }  # fmt: skip
        return {
            "field": "series",
            "type": "nominal",
            "scale": {"domain": [*scale], "range": [*scale.values()]},
            "legend": legend,
        }


def chosen_opacity(chosen: float, away: float, *, others: float) -> Spec:
    """Opacity encoding: of what a reader chose, of what they did not, of methods without a colour."""
    return {
        "condition": [
            {"test": f"!({CHOSEN})", "value": away},
            {"test": f"datum.series == '{OTHERS}' && length(chosen) == 0", "value": others},
        ],
        "value": chosen,
    }
