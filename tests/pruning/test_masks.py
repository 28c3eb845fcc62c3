"""From scores to masks: exact counts, ties by index, scopes, patterns."""

import copy
from types import SimpleNamespace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn.utils import prune

from harness.errors import HarnessError
from harness.networks.layers import prunable_weights
from harness.pruning.masks import (
    block_masks,
    dropped_counts,
    erk_densities,
    keep_all_but,
    n_of_m_masks,
    scores_removed_first,
    weight_masks,
)
from harness.pruning.scoring import check_finite, scores_of


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
    second = weight_masks(scores_removed_first(scores, {"w": first}), high, scope="global")["w"]
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


@pytest.mark.parametrize(
    ("score", "sentence"),
    [
        (torch.ones(3, dtype=torch.complex64), "scores of 'w' are complex, which have no order"),
        ([1.0, 2.0], "the scores of 'w' are a list, and no tensor"),
    ],
)
def test_scores_without_an_order_are_refused_by_name(score, sentence):
    pruner = SimpleNamespace(name="odd", score=lambda _: {"w": score})
    with pytest.raises(HarnessError, match=f"odd: {sentence}"):
        scores_of(pruner, SimpleNamespace())


def test_masks_of_every_layer_type_are_offered():
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(4, 2))
    assert list(prunable_weights(model)) == ["0.weight", "2.weight"]


def test_row_scope_removes_the_same_fraction_of_every_row_equal_scores_by_index():
    scores = {"w": torch.tensor([[1.0, 1.0, 1.0, 1.0], [9.0, 6.0, 8.0, 7.0]])}
    [mask] = weight_masks(scores, 0.5, scope="row").values()
    assert mask.tolist() == [[False, False, True, True], [True, False, True, False]]


def test_erk_densities_of_the_worked_example():
    shapes = {"a": (16, 3, 3, 3), "b": (32, 16, 3, 3), "c": (10, 32)}
    found = erk_densities({name: torch.Size(shape) for name, shape in shapes.items()}, 0.2)
    assert list(found.values()) == pytest.approx([0.55087, 0.11155, 1.0], abs=1e-5)


def test_erk_scope_has_the_asked_number_of_zeros():
    scores = {"a": torch.rand(16, 3, 3, 3), "b": torch.rand(32, 16, 3, 3), "c": torch.rand(10, 32)}
    masks = weight_masks(scores, 0.8, scope="erk")
    zeros = sum(int((~mask).sum()) for mask in masks.values())
    assert abs(zeros - 0.8 * sum(s.numel() for s in scores.values())) <= len(masks) / 2
    assert masks["c"].all()


@pytest.mark.parametrize(("n", "m"), [(2, 4), (1, 4), (1, 2), (3, 8)])
def test_n_of_m_keeps_the_best_of_every_m_inputs_at_each_position(n, m):
    scores = torch.rand(3, 16, 2, 2, generator=torch.Generator().manual_seed(0))
    [mask] = n_of_m_masks({"w": scores}, n=n, m=m).values()
    for out in range(3):
        for row in range(2):
            for column in range(2):
                for start in range(0, 16, m):
                    place = (out, slice(start, start + m), row, column)
                    best = scores[place].topk(n).values.min()
                    assert torch.equal(mask[place], scores[place] >= best)


def test_n_of_m_breaks_ties_by_index_and_spares_layers_that_are_no_multiple():
    masks = n_of_m_masks({"even": torch.ones(1, 4), "odd": torch.ones(1, 6)}, n=2, m=4)
    assert {n: mask.tolist() for n, mask in masks.items()} == {"even": [[False, False, True, True]]}


def test_n_of_m_agrees_with_torchs_own_two_of_four():
    from torch.ao.pruning import WeightNormSparsifier

    layer = nn.Linear(32, 8, bias=False)
    [ours] = n_of_m_masks({"w": layer.weight.detach().abs()}, n=2, m=4).values()
    theirs = WeightNormSparsifier(sparsity_level=1.0, sparse_block_shape=(1, 4), zeros_per_block=2)
    theirs.prepare(nn.Sequential(layer), [{"tensor_fqn": "0.weight"}])
    theirs.step()
    assert torch.equal(ours, layer.parametrizations.weight[0].mask.bool())


def test_blocks_leave_whole_by_their_mean_as_near_the_sparsity_as_they_come():
    scores = torch.tensor([[1.0, 1, 9, 9, 2], [1, 1, 0, 0, 2], [5, 5, 3, 3, 2]])
    [mask] = block_masks({"w": scores}, 0.4, size=(2, 2), scope="global").values()
    # Means 1 (four weights), 4.5, 2 (two, at the edge); 5, 3, 2 (one in the corner).
    assert mask.tolist() == [[False, False, True, True, False]] * 2 + [[True] * 5]


@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 4), st.integers(1, 4), st.floats(0, 0.99))
def test_block_masks_come_within_a_block_of_the_sparsity(out, inputs, down, across, sparsity):
    scores = torch.rand(out, inputs, 3, 3)
    [mask] = block_masks({"w": scores}, sparsity, size=(down, across), scope="local").values()
    zeros = int((~mask).sum())
    assert sparsity * mask.numel() - down * across < zeros <= sparsity * mask.numel() + 0.5


def test_blocks_compare_over_the_network_or_in_each_layer():
    scores = {"low": torch.zeros(4, 4), "high": torch.ones(4, 4)}
    for scope, wanted in (("global", [16, 0]), ("local", [8, 8])):
        masks = block_masks(scores, 0.5, size=(2, 2), scope=scope)
        assert [int((~mask).sum()) for mask in masks.values()] == wanted


@pytest.mark.parametrize("scope", ["local", "row", "erk"])
@pytest.mark.parametrize("sparsity", [0.0, 0.37, 0.9, 1.0])
def test_how_many_leave_a_layer_is_known_without_its_scores(scope, sparsity):
    shapes = {"wide": torch.Size([8, 27]), "narrow": torch.Size([5, 3, 3, 3])}
    scores = {name: torch.rand(shape) for name, shape in shapes.items()}
    masks = weight_masks(scores, sparsity, scope=scope)
    dropped = {name: int((~mask).sum()) for name, mask in masks.items()}
    assert dropped_counts(shapes, sparsity, scope=scope) == dropped
