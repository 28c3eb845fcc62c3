"""From scores to masks: exact counts, ties by index, scopes, channels."""

import copy

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn.utils import prune

from harness.errors import HarnessError, UnsupportedError
from harness.masks import (
    ChannelGroup,
    Member,
    channel_scores,
    channels_for,
    check_finite,
    keep_all_but,
    lowest_channels,
    parameters_left,
    weight_masks,
)
from harness.surgery import prunable_weights


def test_equal_scores_fall_by_index():
    assert keep_all_but(2, torch.tensor([2.0, 2.0, 2.0])).tolist() == [False, False, True]
    assert keep_all_but(2, torch.tensor([2.0, 1.0, 2.0])).tolist() == [False, False, True]
    assert keep_all_but(0, torch.tensor([2.0, 1.0])).tolist() == [True, True]


@given(
    st.lists(st.floats(-10, 10, width=32), min_size=1, max_size=60),
    st.floats(0, 0.99),
    st.floats(0, 0.99),
)
def test_masks_have_exactly_the_asked_number_of_zeros_and_nest(values, one, two):
    scores = {"w": torch.tensor(values)}
    low, high = sorted((one, two))
    first = weight_masks(scores, low, scope="global")["w"]
    second = weight_masks(scores, high, scope="global", removed={"w": ~first})["w"]
    assert int((~first).sum()) == round(low * len(values))
    assert int((~second).sum()) == round(high * len(values))
    assert bool((first | ~second).all()), "what was removed before stays removed"


def test_unstructured_l1_masks_equal_torchs_global_unstructured(resnet18):
    ours = weight_masks(
        {name: w.detach().abs() for name, w in prunable_weights(resnet18).items()}, 0.9, scope="global"
    )
    theirs = copy.deepcopy(resnet18)
    modules = [
        (theirs.get_submodule(name.removesuffix(".weight")), "weight")
        for name in prunable_weights(resnet18)
    ]
    prune.global_unstructured(modules, pruning_method=prune.L1Unstructured, amount=0.9)
    for name, (module, _) in zip(ours, modules, strict=True):
        assert torch.equal(ours[name], module.weight_mask.bool()), name


def test_local_scope_removes_the_same_fraction_of_every_layer():
    scores = {"small": torch.arange(10.0), "large": torch.arange(100.0) + 1000}
    masks = weight_masks(scores, 0.5, scope="local")
    assert [int((~mask).sum()) for mask in masks.values()] == [5, 50]


def test_scores_that_are_not_finite_are_refused_by_name():
    with pytest.raises(HarnessError, match=r"'conv\.weight' hold NaN"):
        check_finite({"conv.weight": torch.tensor([1.0, float("nan")])})


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
    keep = lowest_channels([torch.tensor([1.0, 2.0]), torch.tensor([8.0, 9.0])], 2, scope="global")
    assert [mask.tolist() for mask in keep.masks] == [[False, True], [False, True]]
    assert keep.layers_at_one == 1


def test_parameters_left_counts_outputs_and_inputs():
    groups, shapes = chain()
    masks = [torch.tensor([True, False, True, True]), torch.tensor([True, True, False])]
    assert parameters_left(groups, masks, shapes) == 3 * 2 + 2 * 3 + 5 * 2


def test_channels_for_removes_the_fewest_that_meet_the_budget():
    groups, shapes = chain()
    scores = [torch.tensor([1.0, 4.0, 5.0, 6.0]), torch.tensor([2.0, 3.0, 7.0])]
    total = sum(shape.numel() for shape in shapes.values())
    keep = channels_for(scores, groups, shapes=shapes, budget=0.5 * total, scope="global")
    left = parameters_left(groups, keep.masks, shapes)
    removed = sum(int((~mask).sum()) for mask in keep.masks)
    fewer = lowest_channels(scores, removed - 1, scope="global")
    assert left <= 0.5 * total < parameters_left(groups, fewer.masks, shapes)


def test_an_unreachable_sparsity_is_unsupported():
    groups, shapes = chain()
    with pytest.raises(UnsupportedError, match="one channel a layer"):
        channels_for([torch.rand(4), torch.rand(3)], groups, shapes=shapes, budget=1.0, scope="local")


def test_masks_of_every_layer_type_are_offered():
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(4, 2))
    assert list(prunable_weights(model)) == ["0.weight", "2.weight"]
