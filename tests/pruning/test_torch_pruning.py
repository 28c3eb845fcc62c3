"""Criteria against Torch-Pruning's own importance classes, where those follow the paper.

Where they do not (1.6.1), the test asks for what they do agree on: its Hessian keeps the last image's
gradients alone, its Taylor leaves norms out, its FPGM compares |w|^p; each divides by its group's mean
unless told otherwise.
"""

import copy

import pytest
import torch
import torch_pruning
from torch import nn
from torch.nn import functional as F
from torch_pruning.pruner import importance as theirs

from harness.networks.surgery import coupled_layers
from harness.pruning._channel_selection import channel_scores
from harness.pruning.evidence import RecordedEvidence
from harness_plugins.pruners.activation_mean import ActivationMean
from harness_plugins.pruners.batch_norm_scale import BatchNormScale
from harness_plugins.pruners.fpgm import Fpgm
from harness_plugins.pruners.lamp import Lamp
from harness_plugins.pruners.magnitude import GroupNorm
from harness_plugins.pruners.obd import Obd
from harness_plugins.pruners.snip import Snip
from harness_plugins.pruners.taylor import Taylor

IMAGES = torch.randn(6, 3, 32, 32, generator=torch.Generator().manual_seed(0))
LABELS = torch.arange(6)
LAYERS = (nn.Conv2d, nn.Linear)
COUPLED = ["conv1", "layer3.0.conv2"]
"""Layers that meet others in residual sums."""
ALONE = ["layer1.0.conv1", "layer2.1.conv1", "layer4.0.conv1"]
"""Layers that one other reads."""


def their_scores(model, root, importance):
    """`(channels,)` of the group that a layer's outputs belong to."""
    graph = torch_pruning.DependencyGraph().build_dependency(model, IMAGES[:1])
    layer = model.get_submodule(root)
    every = list(range(layer.out_channels))
    group = graph.get_pruning_group(layer, torch_pruning.prune_conv_out_channels, idxs=every)
    return importance(group).double()


def our_scores(pruner, model, root, *, images=6):
    """The same of a criterion's scores, reduced as the harness reduces them."""
    evidence, coupled = seen(model, images)
    return channel_scores(pruner.score(evidence), group_of(coupled, root))[0]


def seen(model, images=6):
    coupled = coupled_layers(model, IMAGES[:1])
    batches = [(IMAGES[:images], LABELS[:images])]
    evidence = RecordedEvidence(model, granularity="channel", batches=batches, coupled=coupled, seed=0)
    return evidence, coupled


def group_of(coupled, root):
    name = f"{root}.weight"
    return next(g for g in coupled.groups if name in {m.parameter for m in g.producers})


def with_gradients(model, images=6):
    """A copy that holds the gradients of the mean loss."""
    model = copy.deepcopy(model)
    F.cross_entropy(model(IMAGES[:images]), LABELS[:images]).backward()
    return model


@pytest.mark.parametrize("root", COUPLED + ALONE)
@pytest.mark.parametrize("power", [1, 2])
def test_norms_are_its_group_norms(resnet18, root, power):
    expected = their_scores(resnet18, root, theirs.MagnitudeImportance(p=power, normalizer=None))
    found = our_scores(GroupNorm(f"group_norm_l{power}", power), resnet18, root)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=0)


@pytest.mark.parametrize("root", COUPLED + ALONE)
def test_batch_norm_scales_are_its_group_means(resnet18, root):
    expected = their_scores(resnet18, root, theirs.BNScaleImportance(normalizer=None))
    torch.testing.assert_close(our_scores(BatchNormScale(), resnet18, root), expected)


@pytest.fixture
def double_precision():
    """Its cumulative sums lose the largest weights of a layer in single precision."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def test_lamp_of_a_layer_is_its_normalisation_of_squares(resnet18, double_precision):
    evidence = RecordedEvidence(
        resnet18, granularity="weight", batches=[(IMAGES, LABELS)], coupled=None, seed=0
    )
    found = Lamp().score(evidence)
    for name, weight in evidence.weights.items():
        expected = theirs.LAMPImportance()._lamp(weight.double() ** 2)
        # Of two weights as large as each other, either may be the first to go.
        torch.testing.assert_close(
            found[name].flatten().sort().values, expected.flatten().sort().values
        )


@pytest.mark.parametrize("root", ALONE)
def test_fpgm_agrees_where_no_weight_is_negative(resnet18, root):
    with torch.no_grad():
        for parameter in resnet18.parameters():
            parameter.abs_()
    importance = theirs.FPGMImportance(p=1, group_reduction="first", normalizer=None)
    expected = their_scores(resnet18, root, importance)
    torch.testing.assert_close(our_scores(Fpgm(), resnet18, root), expected, rtol=1e-4, atol=0)


@pytest.mark.parametrize("root", COUPLED + ALONE)
def test_snip_of_layers_is_its_first_order_term(resnet18, root):
    expected = their_scores(with_gradients(resnet18), root, theirs.TaylorImportance(normalizer=None))
    evidence, coupled = seen(resnet18)
    layers = layers_of(Snip().score(evidence))
    found, _ = channel_scores(layers, group_of(coupled, root))
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-9)


@pytest.mark.parametrize("root", ALONE)
def test_taylor_is_the_square_of_what_it_sums_over_a_layer(resnet18, root):
    class Producers:
        """The evidence of a network whose groups are their producers."""

        granularity = "channel"

        def __init__(self, evidence):
            self.weights = {
                n: w for n, w in layers_of(evidence.weights).items() if n == f"{root}.weight"
            }
            self.batch_gradients = evidence.batch_gradients

        def coupled_sums(self, values):
            return {name: value.double().sum((1, 2, 3)) for name, value in values.items()}

    importance = theirs.TaylorImportance(normalizer=None, multivariable=True, group_reduction="first")
    expected = their_scores(with_gradients(resnet18), root, importance) ** 2
    found = Taylor().score(Producers(seen(resnet18)[0]))[f"{root}.weight"]
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-12)


@pytest.mark.parametrize("root", COUPLED + ALONE)
def test_obd_is_half_of_its_hessian_of_one_image(resnet18, root):
    importance = theirs.HessianImportance(normalizer=None)
    model = with_gradients(resnet18, images=1)
    importance.accumulate_grad(model)
    expected = their_scores(model, root, importance) / 2
    found = our_scores(Obd(), resnet18, root, images=1)
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-12)


@pytest.mark.parametrize("root", ALONE)
def test_mean_activations_are_what_its_next_layer_reads(resnet18, root):
    importance = theirs.ActivationImportance(normalizer=None, target_types=[*LAYERS])
    model = copy.deepcopy(resnet18)
    with importance.compute_importance(model), torch.no_grad():
        model(IMAGES)
    expected = their_scores(model, root, importance)
    torch.testing.assert_close(our_scores(ActivationMean(), resnet18, root), expected)


def layers_of(values):
    """Those of layers, norms' scales aside."""
    return {name: value for name, value in values.items() if value.dim() > 1}
