"""Histograms of timing samples: every sample is in one bin, and both models share the bins."""

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest

from harness.presentation.sample_chart import BINS, sample_chart
from harness.presentation.timing_samples import RowSamples


def drawn(ms: float, *, processes: int = 3, rounds: int = 40) -> list[list[float]]:
    return np.random.default_rng(0).normal(ms, 0.5, (processes, rounds)).tolist()


def bins_of(samples: RowSamples) -> list[dict]:
    [panel] = sample_chart({"eager_cpu": samples}).spec["concat"]
    return panel["data"]["values"]


def counts(bins: list[dict]) -> Counter[str]:
    return sum((Counter({own["model"]: own["samples"]}) for own in bins), Counter())


def test_every_sample_is_counted_once():
    bins = bins_of(RowSamples(own=drawn(6.0, rounds=25), dense=drawn(10.0)))
    assert counts(bins) == {"pruned": 75, "dense": 120}
    assert counts([own for own in bins if own["to"] < 8.0]) == {"pruned": 75}
    assert counts([own for own in bins if own["from"] > 8.0]) == {"dense": 120}


def test_a_pause_of_the_machine_is_in_the_last_bin():
    dense = [*drawn(10.0), [10.0, 500.0]]
    bins = bins_of(RowSamples(own=drawn(6.0), dense=dense))
    assert counts(bins) == {"pruned": 120, "dense": 122}
    assert max(own["to"] for own in bins) < 13.0


def test_both_models_share_bins_of_one_width():
    bins = bins_of(RowSamples(own=drawn(9.0), dense=drawn(10.0)))
    edges = sorted({(own["from"], own["to"]) for own in bins})
    assert len(edges) <= BINS
    assert len(bins) > len(edges), "in some there are samples of both"
    assert np.ptp([to - start for start, to in edges]) == pytest.approx(0.0, abs=0.002)
    assert all(to <= start for (_, to), (start, _) in pairwise(edges))


def test_each_board_has_a_panel_under_its_title():
    samples = RowSamples(own=drawn(6.0), dense=drawn(10.0))
    chart = sample_chart({"eager_cpu, batch 1": samples, "other": samples})
    assert [panel["title"] for panel in chart.spec["concat"]] == ["eager_cpu, batch 1", "other"]
    assert b"eager_cpu, batch 1" in chart.svg()
