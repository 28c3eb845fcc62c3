"""Chart: a specification of Vega-Lite, drawn by a browser as it is, and here as SVG, PDF and PNG."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

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
    def gzipped(self) -> str:
        """What is drawn as base64 of gzip, a seventh of its size, for a page that unpacks it."""
        text = json.dumps(self.spec, allow_nan=False, separators=(",", ":"))
        return base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()

    def svg(self) -> bytes:
        """SVG, the same bytes from the same specification."""
        return self._svg.encode()

    @cached_property
    def _svg(self) -> str:
        """Drawn once for all formats."""
        import vl_convert

        svg: str = vl_convert.vegalite_to_svg(self._text(), vl_version="6.4")
        return svg

    def pdf(self) -> bytes:
        """PDF, for a paper."""
        import vl_convert

        pdf: bytes = vl_convert.svg_to_pdf(self._svg)
        return pdf

    def png(self) -> bytes:
        """PNG, a pixel a unit."""
        import vl_convert

        png: bytes = vl_convert.svg_to_png(self._svg, scale=1.0)
        return png

    def _text(self) -> str:
        return json.dumps(self.specification, allow_nan=False)
