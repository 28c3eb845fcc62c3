"""Sample chart: histograms of what was timed, a panel a board."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.presentation.chart import SCHEMA, Chart

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.presentation.timing_samples import RowSamples

BINS = 40
SHOWN = 0.99
"""Quantile beyond which samples are put into the last bin: a pause of the machine is no time."""


def sample_chart(samples: Mapping[str, RowSamples]) -> Chart:
    """Histograms of a method's samples and of dense's beside them, by title of the panel."""
    panels = [_panel(title, own) for title, own in samples.items()]
    return Chart(
        spec={
            "$schema": SCHEMA,
            "columns": 3,
            "concat": panels,
            "resolve": {"scale": {"color": "shared"}},
        }
    )


def _panel(title: str, samples: RowSamples) -> dict[str, Any]:
    colour = {
        "field": "model", "type": "nominal",
        "scale": {"domain": ["dense", "pruned"], "range": ["#999999", "#0072b2"]},
        "legend": {"orient": "bottom", "title": None},
    }  # fmt: skip
    return {
        "title": title,
        "width": 290,
        "height": 150,
        "data": {"values": _binned(samples)},
        "mark": {"type": "bar", "opacity": 0.75},
        "encoding": {
            "x": {"field": "from", "type": "quantitative", "title": "ms", "scale": {"zero": False}},
            "x2": {"field": "to"},
            "y": {"field": "samples", "type": "quantitative", "title": "samples", "stack": None},
            "color": colour,
            "tooltip": [{"field": name} for name in ("model", "from", "to", "samples")],
        },
    }


def _binned(samples: RowSamples) -> list[dict[str, Any]]:
    """Counts by bin of both; their bins are the same."""
    import numpy as np

    own, dense = (np.concatenate([*map(np.asarray, which)]) for which in (samples.own, samples.dense))
    both = np.concatenate([own, dense])
    edges = np.linspace(both.min(), np.quantile(both, SHOWN), BINS + 1)
    return [
        {
            "model": model,
            "from": float(edges[number]),
            "to": float(edges[number + 1]),
            "samples": int(count),
        }
        for model, values in (("dense", dense), ("pruned", own))
        for number, count in enumerate(_counts(np.minimum(values, edges[-1]), edges))
        if count
    ]


def _counts(values: Any, edges: Any) -> Sequence[int]:  # noqa: ANN401 -- arrays
    import numpy as np

    counts: list[int] = np.histogram(values, edges)[0].tolist()
    return counts
