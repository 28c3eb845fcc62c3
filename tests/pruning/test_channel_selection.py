"""From scores to the channels that stay: reductions, budgets, multiples, comparison groups."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import UnsupportedError
from harness.networks.channel_groups import ChannelGroup, Member
from harness.networks.surgery import coupled_layers
from harness.pruning._channel_selection import (
    channel_scores,
    comparable_scores,
    cost_left,
    lowest_channels,
    select_channels,
)
from harness.pruning._floors import Floor

ONES = {"a.weight": 1.0, "b.weight": 1.0, "c.weight": 1.0}


def fewest(count: int, size: int) -> list[Floor]:
    """One layer makes all channels of a group, and so many stay."""
    return [Floor(channels=torch.arange(size), count=count)]


def chain() -> tuple[list[ChannelGroup], dict[str, torch.Size]]:
    """Two layers `a` (4 outputs) and `b` that reads them (3 outputs), then a classifier `c`."""
    four, three = torch.arange(4), torch.arange(3)
    groups = [
        ChannelGroup(
            root="a",
            size=4,
            members=(
                Member(parameter="a.weight", dim=0, index=four, root=four),
                Member(parameter="b.weight", dim=1, index=four, root=four),
            ),
        ),
        ChannelGroup(
            root="b",
            size=3,
            members=(
                Member(parameter="b.weight", dim=0, index=three, root=three),
                Member(parameter="c.weight", dim=1, index=three, root=three),
            ),
        ),
    ]
    shapes = {"a.weight": (4, 2), "b.weight": (3, 4), "c.weight": (5, 3)}
    return groups, {name: torch.Size(shape) for name, shape in shapes.items()}


def test_weight_scores_are_summed_per_slice_and_averaged_over_the_group():
    groups, _ = chain()
    scores = {"a.weight": torch.ones(4, 2), "b.weight": torch.full((3, 4), 2.0)}
    found, reduction = channel_scores(scores, groups[0])
    assert reduction == "group"
    assert found.tolist() == [(2 * 1 + 3 * 2) / 2] * 4


def test_channel_scores_speak_for_the_producers():
    groups, _ = chain()
    found, reduction = channel_scores({"a.weight": torch.tensor([1.0, 2.0, 3.0, 4.0])}, groups[0])
    assert (reduction, found.tolist()) == ("producers", [1.0, 2.0, 3.0, 4.0])
    with pytest.raises(UnsupportedError, match="no scores"):
        channel_scores({"a.weight": torch.ones(4)}, groups[1])


def test_a_group_keeps_its_last_channel_and_says_so():
    keep = lowest_channels([torch.tensor([1.0, 2.0]), torch.tensor([8.0, 9.0])], 2)
    assert [mask.tolist() for mask in keep.masks] == [[False, True], [False, True]]
    assert keep.layers_at_floor == 1


def test_a_floor_keeps_the_best_of_a_layer_that_a_global_order_would_close():
    weak, strong = torch.arange(8.0), torch.arange(8.0) + 100
    freely = lowest_channels([weak, strong], 8)
    assert [int(mask.sum()) for mask in freely.masks] == [1, 7]
    keep = lowest_channels([weak, strong], 8, floors=[fewest(2, 8), fewest(2, 8)])
    assert keep.masks[0].tolist() == [False] * 6 + [True] * 2, "a quarter, the best"
    assert keep.masks[1].tolist() == [False] * 2 + [True] * 6, "others give instead"
    assert (freely.layers_at_floor, keep.layers_at_floor) == (1, 1)


def test_each_layer_whose_outputs_are_concatenated_keeps_its_floor():
    one, other = torch.arange(4), torch.arange(4, 12)
    floors = [[Floor(channels=one, count=1), Floor(channels=other, count=2)]]
    keep = lowest_channels([torch.arange(12.0)], 12, floors=floors)
    assert keep.masks[0].nonzero().flatten().tolist() == [3, 10, 11], "the best of each"
    freely = lowest_channels([torch.arange(12.0)], 9)
    assert freely.masks[0].nonzero().flatten().tolist() == [9, 10, 11]
    held = lowest_channels([torch.arange(12.0)], 9, floors=floors)
    assert held.layers_at_floor == 1
    assert held.masks[0].nonzero().flatten().tolist() == [3, 10, 11]


def test_a_multiple_holds_above_the_floor_too():
    keep = lowest_channels([torch.arange(32.0)], 22, multiple=8, floors=[fewest(10, 32)])
    assert int(keep.masks[0].sum()) == 16, "ten, rounded up"


def test_a_floor_that_leaves_too_much_is_named():
    groups, shapes = chain()
    scores = [torch.rand(4), torch.rand(3)]
    floors = [fewest(4, 4), fewest(3, 3)]
    with pytest.raises(UnsupportedError, match="with a lower --layer-floor more can leave"):
        select_channels(scores, groups, shapes=shapes, costs=ONES, budget=20.0, floors=floors)


def test_what_is_left_counts_outputs_and_inputs():
    groups, shapes = chain()
    masks = [torch.tensor([True, False, True, True]), torch.tensor([True, True, False])]
    left = cost_left(groups, masks, shapes=shapes, costs=ONES)
    assert left == pytest.approx(3 * 2 + 2 * 3 + 5 * 2)
    double = cost_left(groups, masks, shapes=shapes, costs={**ONES, "c.weight": 2.0})
    assert double == pytest.approx(3 * 2 + 2 * 3 + 2 * 5 * 2)


def test_channels_for_removes_the_fewest_that_meet_the_budget():
    groups, shapes = chain()
    scores = [torch.tensor([1.0, 4.0, 5.0, 6.0]), torch.tensor([2.0, 3.0, 7.0])]
    total = sum(shape.numel() for shape in shapes.values())
    keep = select_channels(scores, groups, shapes=shapes, costs=ONES, budget=0.5 * total)
    left = cost_left(groups, keep.masks, shapes=shapes, costs=ONES)
    removed = sum(int((~mask).sum()) for mask in keep.masks)
    fewer = lowest_channels(scores, removed - 1)
    assert left <= 0.5 * total < cost_left(groups, fewer.masks, shapes=shapes, costs=ONES)


def test_an_unreachable_sparsity_is_unsupported():
    groups, shapes = chain()
    with pytest.raises(UnsupportedError, match="one channel a layer"):
        select_channels([torch.rand(4), torch.rand(3)], groups, shapes=shapes, costs=ONES, budget=1.0)


@given(
    st.lists(st.floats(0, 1, width=32), min_size=3, max_size=40), st.integers(1, 8), st.integers(0, 40)
)
def test_what_stays_is_a_multiple_of_the_best(values, multiple, count):
    scores = [torch.tensor(values), torch.tensor(values).flip(0) + 0.5]
    count = min(count, 2 * len(values) - 2)
    freely = lowest_channels(scores, count)
    rounded = lowest_channels(scores, count, multiple=multiple)
    for score, free, mask in zip(scores, freely.masks, rounded.masks, strict=True):
        assert int(mask.sum()) == min(-(-int(free.sum()) // multiple) * multiple, len(values))
        assert bool((mask | ~free).all()), "rounding only brings back"
        assert (
            not bool((~mask).any()) or score[mask].min() >= score[~mask].max() or bool(free.sum() == 1)
        )


def test_a_multiple_that_cannot_meet_the_budget_is_unsupported():
    groups, shapes = chain()
    with pytest.raises(UnsupportedError, match="even 4 channels a layer"):
        select_channels(
            [torch.rand(4), torch.rand(3)], groups, shapes=shapes, costs=ONES, budget=20.0, multiple=4
        )


def test_groups_of_one_kind_compare_with_each_other_only():
    kinds = ("block", "block", "stem")
    groups = [ChannelGroup(root=str(at), size=2, members=(), kind=k) for at, k in enumerate(kinds)]
    scores = [torch.tensor([1.0, 2.0]), torch.tensor([3.0, 4.0]), torch.tensor([100.0, 200.0])]
    alike = comparable_scores(scores, groups, scope="isomorphic")
    assert [found.tolist() for found in alike] == [[0.125, 0.375], [0.625, 0.875], [0.25, 0.75]]
    alone = comparable_scores(scores, groups, scope="local")
    assert [found.tolist() for found in alone] == [[0.25, 0.75]] * 3


def test_blocks_of_a_resnet_are_isomorphic_and_its_stem_is_not(resnet18):
    groups = coupled_layers(resnet18, torch.randn(2, 3, 32, 32)).groups
    kinds = {group.root: group.kind for group in groups}
    assert kinds["layer1.0.conv1"] == kinds["layer1.1.conv1"] == kinds["layer3.1.conv1"]
    assert kinds["conv1"] != kinds["layer1.0.conv1"]
