"""Chart: a specification of Vega-Lite, drawn by a browser as it is, and here as SVG, PDF and PNG."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

FONT = "Liberation Sans"
"""Comes with the renderer, so that every machine draws the same picture."""
LIGHT: Mapping[str, Any] = {
    "background": "white",
    "font": FONT,
    "view": {"stroke": "#cccccc"},
    "axis": {"gridColor": "#ececec", "labelColor": "#444444", "titleColor": "#222222",
             "titleFontWeight": "normal"},
    "legend": {"labelLimit": 400, "titleFontWeight": "normal", "symbolStrokeWidth": 3},
    "title": {"anchor": "start", "fontSize": 13, "fontWeight": 600, "limit": 640},
}  # fmt: skip
SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
PIXELS = 1200
"""Width of a picture."""


@dataclass(frozen=True, kw_only=True)
class Chart:
    """Chart by its Vega-Lite specification, with the data in it."""

    spec: Mapping[str, Any]

    @property
    def specification(self) -> Mapping[str, Any]:
        """What Vega-Lite draws, with the colours and fonts of the harness."""
        return {**self.spec, "config": LIGHT}

    @property
    def packed(self) -> Mapping[str, Any]:
        """What is drawn, its records as columns, a third of its size, for a page that unpacks them."""
        packed: Mapping[str, Any] = _packed(self.spec)
        return packed

    def svg(self) -> bytes:
        """SVG, the same bytes from the same specification."""
        import vl_convert

        svg: str = vl_convert.vegalite_to_svg(self._text(), vl_version="6.4")
        return svg.encode()

    def pdf(self) -> bytes:
        """PDF, for a paper."""
        import vl_convert

        pdf: bytes = vl_convert.svg_to_pdf(self.svg().decode())
        return pdf

    def png(self) -> bytes:
        """PNG, a pixel a unit."""
        import vl_convert

        png: bytes = vl_convert.svg_to_png(self.svg().decode(), scale=1.0)
        return png

    def _text(self) -> str:
        return json.dumps(self.specification, allow_nan=False)


def _packed(spec: Any) -> Any:  # noqa: ANN401 -- a specification, or anything in one
    if isinstance(spec, Mapping):
        return {
            name: {"packed": _columns(own)} if name == "values" else _packed(own)
            for name, own in spec.items()
        }
    return [_packed(own) for own in spec] if isinstance(spec, list) else spec


def _columns(records: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Columns of records by name, texts as numbers of distinct ones."""
    columns: dict[str, Any] = {}
    for name in records[0] if records else ():
        values = [record[name] for record in records]
        if any(isinstance(value, str) for value in values):
            distinct = [*dict.fromkeys(values)]
            numbers = {value: number for number, value in enumerate(distinct)}
            columns[name] = {"texts": distinct, "numbers": [numbers[value] for value in values]}
        else:
            columns[name] = values
    return columns
