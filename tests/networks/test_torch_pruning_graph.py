"""The adapter over Torch-Pruning: its refusals in our words, and single layers cut."""

import warnings

import pytest
import timm
import torch
import torch_pruning
from torch import nn

from harness.errors import HarnessError
from harness.networks._torch_pruning_graph import cut_layer, dependency_graph, ignore_warnings

EXAMPLE = torch.zeros(2, 3, 8, 8)


class Untraceable(nn.Module):
    def forward(self, x):
        raise ValueError("no images today")


def test_a_model_that_cannot_be_traced_is_said_to_be_and_stays_as_it_was():
    model = Untraceable().train()
    with pytest.raises(HarnessError, match="Torch-Pruning cannot trace this model: no images today"):
        dependency_graph(model, EXAMPLE)
    assert model.training


def test_tracing_leaves_a_model_in_its_mode(network):
    dependency_graph(network.train(), EXAMPLE)
    assert network.training


@pytest.mark.parametrize(("dim", "shape"), [(0, (3, 4)), (1, (5, 2))])
def test_outputs_or_inputs_leave_a_layer(dim, shape):
    layer = nn.Linear(4, 5)
    kept = layer.weight.detach().clone()
    cut_layer(layer, [0, 2], dim=dim)
    assert tuple(layer.weight.shape) == shape
    left = [index for index in range((5, 4)[dim]) if index not in (0, 2)]
    assert torch.equal(layer.weight, kept.index_select(dim, torch.tensor(left)))


def test_a_convolution_is_cut_as_well():
    layer = nn.Conv2d(4, 6, 3)
    cut_layer(layer, [1], dim=0)
    assert (layer.out_channels, tuple(layer.weight.shape), len(layer.bias)) == (5, (5, 4, 3, 3), 5)


def test_warnings_of_what_is_handled_are_not_shown():
    with warnings.catch_warnings(record=True) as shown:
        with ignore_warnings():
            warnings.warn("handled", stacklevel=1)
        assert shown == []


def test_what_few_channels_stay_of_a_layer_norm_keep_their_own_weights():
    model = nn.Sequential(nn.Flatten(), nn.Linear(48, 16), nn.LayerNorm(16), nn.Linear(16, 2))
    nn.init.uniform_(model[2].weight)
    nn.init.uniform_(model[2].bias)
    weight, bias = model[2].weight.clone(), model[2].bias.clone()
    kept = [1, 5, 8]
    gone = [channel for channel in range(16) if channel not in kept]
    dependency_graph(model, torch.randn(2, 3, 4, 4)).load_pruning_history([["1", True, gone]])
    assert torch.equal(model[2].weight, weight[kept])
    assert torch.equal(model[2].bias, bias[kept])
    assert model[2].normalized_shape == (3,)


@pytest.mark.parametrize("name", ["test_resnet", "test_vit", "test_efficientnet"])
def test_groups_are_torch_prunings_own(name):
    model = timm.create_model(name, num_classes=4).eval()
    example = torch.randn(2, 3, 160, 160)
    ours, theirs = dependency_graph(model, example), torch_pruning.DependencyGraph()
    with ignore_warnings():
        theirs.build_dependency(model, example)
    layers = [own for own in model.modules() if type(own) is nn.Conv2d and own.groups == 1]
    assert layers
    for layer in layers:
        half = [*range(layer.out_channels // 2)]
        found, expected = (
            [
                (dependency.target.name, dependency.handler.__name__, sorted(indices))
                for dependency, indices in graph.get_pruning_group(
                    layer, graph.get_pruner_of_module(layer).prune_out_channels, half
                ).items
            ]
            for graph in (ours, theirs)
        )
        assert found == expected
