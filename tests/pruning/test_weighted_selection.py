"""The fewest lowest-scored weights that save enough, exactly, ties by index."""

import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st

from harness.pruning._weighted_selection import ROUNDING, lowest_masks


def by_sorting(scores, costs, saving):
    """The plain way: all of them in ascending order, until enough is saved."""
    order = sorted(
        ((float(score), place, name) for name in scores for place, score in enumerate(scores[name])),
        key=lambda entry: (entry[0], [*scores].index(entry[2]), entry[1]),
    )
    every = sum(costs[name] * len(scores[name]) for name in scores)
    gone, saved = {name: [] for name in scores}, 0.0
    for score, place, name in order:
        if saved >= saving - ROUNDING * every and score > -torch.inf:
            break
        gone[name].append(place)
        saved += costs[name]
    return {name: sorted(places) for name, places in gone.items()}


@given(
    st.lists(
        st.sampled_from([-torch.inf, -2.5, -2.4999, -0.0, 0.0, 1.0, 1.0, 1.0001, 3.5, torch.inf]),
        min_size=2,
        max_size=40,
    ),
    st.floats(0, 1),
)
@example([-2.5, -2.5], 1.7441386333690532e-11)
@pytest.mark.parametrize("precision", [torch.float16, torch.float32, torch.float64])
def test_it_is_what_sorting_gives(precision, values, level):
    half = len(values) // 2
    scores = {
        "a": torch.tensor(values[:half], dtype=precision),
        "b": torch.tensor(values[half:], dtype=precision),
    }
    costs = {"a": 3.0, "b": 16.0}
    saving = level * sum(costs[name] * len(score) for name, score in scores.items())
    masks = lowest_masks(scores, costs, saving)
    gone = {name: (~mask).nonzero().flatten().tolist() for name, mask in masks.items()}
    assert gone == by_sorting(scores, costs, saving)


def test_one_less_would_save_too_little_among_many():
    generator = torch.Generator().manual_seed(0)
    scores = {
        "a": torch.rand(300, 300, generator=generator),
        "b": torch.rand(50_000, generator=generator).round(decimals=2),
    }
    costs = {"a": 1.0, "b": 64.0}
    saving = 0.6 * sum(costs[name] * score.numel() for name, score in scores.items())
    masks = lowest_masks(scores, costs, saving)
    saved = sum(costs[name] * float((~mask).sum()) for name, mask in masks.items())
    assert saving <= saved < saving + 64.0
    highest_gone = max(float(scores[name][~mask].max()) for name, mask in masks.items())
    lowest_kept = min(float(scores[name][mask].min()) for name, mask in masks.items())
    assert highest_gone <= lowest_kept
