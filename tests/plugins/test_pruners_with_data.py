"""Criteria that look at activations, inputs or curvature, against answers worked out by hand."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from harness.errors import UnsupportedError
from harness.networks.surgery import coupled_layers
from harness.pruning._layer_inputs import inverse_moments
from harness.pruning.evidence import RecordedEvidence
from harness.pruning.masks import weight_masks
from harness_plugins.pruners.activation_mean import ActivationMean
from harness_plugins.pruners.apoz import Apoz
from harness_plugins.pruners.grasp import Grasp, balanced, hessian_gradients
from harness_plugins.pruners.hrank import HRank
from harness_plugins.pruners.obd import Obd
from harness_plugins.pruners.obs import Obs, corrected, saliencies
from harness_plugins.pruners.synflow import SynFlow
from harness_plugins.pruners.taylor_activation import TaylorActivation
from harness_plugins.pruners.taylor_gate import TaylorGate
from harness_plugins.pruners.thinet import ThiNet, least_squares, removal_order
from harness_plugins.pruners.wanda import Wanda


def evidence_of(model, images, labels=None, granularity="weight", split=None):
    labels = torch.zeros(len(images), dtype=torch.long) if labels is None else labels
    parts = split or len(images)
    return RecordedEvidence(
        model.eval(),
        granularity=granularity,
        batches=list(zip(images.split(parts), labels.split(parts), strict=True)),
        coupled=coupled_layers(model, images[:2]) if granularity == "channel" else None,
        seed=0,
    )


def noise(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def specimen_evidence(network, granularity="channel"):
    labels = torch.arange(12) % 10
    return evidence_of(network, noise(12, 3, 16, 16), labels, granularity, split=5)


def pixels(values):
    """Images of one position: `(n, channels, 1, 1)`."""
    return torch.tensor(values)[..., None, None]


def linear(weight):
    layer = nn.Linear(len(weight[0]), len(weight), bias=False)
    layer.weight.data = torch.tensor(weight)
    return layer


# Evidence


def test_squared_gradients_are_squared_image_by_image(network):
    seen = specimen_evidence(network, "weight")
    wanted = torch.zeros_like(network.third.weight)
    for images, labels in seen.batches:
        for image, label in zip(images, labels, strict=True):
            loss = F.cross_entropy(network(image[None]), label[None])
            wanted += torch.autograd.grad(loss, network.third.weight)[0] ** 2 / 12
    torch.testing.assert_close(seen.squared_gradients["third.weight"], wanted)


def test_activations_are_taken_behind_norm_and_relu_and_gradients_match_them(network):
    seen = specimen_evidence(network)
    batches = [images for images, _ in seen.batches]
    first = [F.relu(network.norm1(network.first(images))) for images in batches]
    for found, wanted in zip(seen.activations, first, strict=True):
        torch.testing.assert_close(found["first.weight"], wanted)
        # The sum makes a tensor of its own, so the branch ends at its norm.
        assert found["second.weight"].min() < 0
        assert found["classifier.weight"].shape == (len(wanted), 10, 1)


def test_an_activation_behind_a_sum_in_place_belongs_to_the_last_layer_before_it(resnet18):
    outputs = next(evidence_of(resnet18, noise(4, 3, 32, 32)).activations)
    assert all(o.min() >= 0 for name, o in outputs.items() if "conv" in name)
    assert outputs["layer1.0.conv2.weight"].shape == (4, 64, 8, 8)
    assert outputs["layer2.0.downsample.0.weight"].min() < 0


def test_input_moments_give_the_squared_norm_of_what_a_layer_adds_up(network):
    seen = specimen_evidence(network, "weight")
    images = torch.cat([batch for batch, _ in seen.batches])
    moment = seen.input_moments["first.weight"][0].float()
    rows = network.first.weight.flatten(1)
    wanted = network.first(images).square().mean((0, 2, 3))
    torch.testing.assert_close(torch.einsum("oi,ij,oj->o", rows, moment, rows), wanted)


def test_input_moments_of_a_grouped_convolution_keep_its_groups_apart():
    grouped = nn.Sequential(
        nn.Conv2d(4, 6, 3, groups=2, bias=False, padding="same"), nn.Flatten(), nn.Linear(96, 2)
    )
    images = noise(3, 4, 4, 4)
    moments = evidence_of(grouped, images).input_moments["0.weight"].float()
    assert moments.shape == (2, 18, 18)
    rows = grouped[0].weight.flatten(1).view(2, 3, 18)
    wanted = grouped[0](images).square().mean((0, 2, 3))
    torch.testing.assert_close(torch.einsum("goi,gij,goj->go", rows, moments, rows).flatten(), wanted)


def test_contributions_add_up_to_outputs_of_the_layer_that_reads_them():
    model = nn.Sequential(
        nn.Conv2d(3, 5, 3), nn.ReLU(), nn.Conv2d(5, 4, 3, bias=False), nn.Flatten(), nn.Linear(16, 2)
    )
    images = noise(2, 3, 6, 6)
    seen = evidence_of(model, images, granularity="channel")
    sums = seen.contributions["0.weight"].sum(1).view(2, -1).float()
    outputs = model[:3](images).flatten(1)
    nearest = (sums[:, :, None] - outputs[:, None]).abs().amin(2)
    assert nearest.max() < 1e-5
    assert seen.readers["0.weight"].weight == "2.weight"
    # Each channel of the second feeds four inputs of the classifier.
    assert seen.readers["2.weight"].channel.tolist() == [c for c in range(4) for _ in range(4)]


def test_nobody_alone_reads_a_stream_that_several_layers_read(network):
    assert set(specimen_evidence(network).readers) == {"third.weight"}


# Criteria


def test_obd_squares_before_it_averages():
    class Given:
        def __init__(self):
            self.weights = {"w": torch.tensor([1.0, -2.0, 0.5])}
            # Per-sample gradients (2, 1, 4) and (1, -1, 0).
            self.squared_gradients = {"w": torch.tensor([2.5, 1.0, 8.0])}

    # To SNIP, which averages first, the second weight is worthless.
    assert Obd().score(Given())["w"].tolist() == [1.25, 2.0, 1.0]


def test_wanda_by_hand_and_its_rows_compare_by_themselves():
    model = nn.Sequential(nn.Flatten(), linear([[1.0, -3.0, 2.0], [0.1, 0.2, -0.3]]))
    seen = evidence_of(model, pixels([[3.0, 0.0, 1.0], [4.0, 1.0, 1.0]]), split=1)
    scores = Wanda().score(seen)
    wanted = torch.tensor([[5.0, 3.0, 2.8284], [0.5, 0.2, 0.4243]])
    torch.testing.assert_close(scores["1.weight"], wanted, atol=1e-4, rtol=0)
    [row], [layer] = (weight_masks(scores, 1 / 3, scope=s).values() for s in ("row", "local"))
    assert row.tolist() == [[True, True, False], [True, False, True]]
    assert layer.tolist() == [[True, True, True], [True, False, False]]


def test_wanda_gives_each_weight_of_a_grouped_convolution_its_own_input():
    grouped = nn.Sequential(nn.Conv2d(4, 4, 1, groups=2, bias=False), nn.Flatten(), nn.Linear(4, 2))
    seen = evidence_of(grouped, pixels([[1.0, 2.0, 3.0, 4.0]]))
    assert seen.input_norms["0.weight"][..., 0, 0].tolist() == [[1, 2], [1, 2], [3, 4], [3, 4]]


def test_grasp_of_the_hand_worked_quadratic():
    w, x, t = torch.tensor([1.0, -2.0, 0.5], requires_grad=True), torch.tensor([2.0, 1.0, 4.0]), 1.0
    [product] = hessian_gradients((w @ x - t) ** 2 / 2, [w])
    assert product.tolist() == [42.0, 21.0, 84.0]
    assert (w * product).tolist() == [42.0, -42.0, 42.0]


def test_grasp_is_the_weight_times_the_whole_hessian_times_the_gradient():
    images, labels = noise(6, 3, 1, 1), torch.tensor([0, 1, 0, 1, 0, 1])
    model = nn.Sequential(nn.Flatten(), linear(noise(2, 3, seed=1).tolist()))
    weight = model[1].weight.detach()

    def loss(w):
        return F.cross_entropy(images.flatten(1) @ w.view(2, 3).T / 200, labels)

    hessian = torch.autograd.functional.hessian(loss, weight.flatten())
    gradient = torch.autograd.functional.jacobian(loss, weight.flatten())
    wanted = weight * (hessian @ gradient).view(2, 3)
    torch.testing.assert_close(Grasp().score(evidence_of(model, images, labels))["1.weight"], wanted)


def test_grasp_looks_at_as_many_images_of_each_class():
    labels = torch.tensor([0, 0, 1, 0, 1, 2, 2])
    images = torch.arange(7.0)
    chosen, of = balanced([(images[:4], labels[:4]), (images[4:], labels[4:])])
    assert (chosen.tolist(), of.tolist()) == ([0.0, 1.0, 2.0, 4.0, 5.0, 6.0], [0, 0, 1, 1, 2, 2])


def test_synflow_by_hand_conserves_the_flow_in_every_layer():
    model = nn.Sequential(nn.Flatten(), linear([[1.0, -2.0], [3.0, 0.5]]), linear([[2.0, -1.0]]))
    seen = evidence_of(model, noise(1, 2, 1, 1))
    scores = SynFlow().score(seen)
    assert scores["1.weight"].tolist() == [[2.0, 4.0], [3.0, 0.5]]
    assert scores["2.weight"].tolist() == [[6.0, 3.5]]
    assert {float(score.sum()) for score in scores.values()} == {9.5}
    assert seen.touched == {"model", "weights"}, "no data"


def test_synflow_conserves_the_flow_of_a_network_without_biases(network):
    # Where no parameter adds to the flow, every layer's scores sum to all of it.
    plain = nn.Sequential(
        nn.Conv2d(3, 8, 3, bias=False),
        nn.ReLU(),
        nn.Conv2d(8, 4, 3, bias=False),
        nn.Flatten(),
        nn.Linear(16, 5, bias=False),
    )
    sums = [float(s.sum()) for s in SynFlow().score(evidence_of(plain, noise(1, 3, 6, 6))).values()]
    assert sums == pytest.approx([sums[0]] * 3)


def relu_after_identity(channels):
    model = nn.Sequential(
        nn.Conv2d(channels, channels, 1, bias=False),
        nn.ReLU(),
        nn.Conv2d(channels, 3, 1),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(3, 2),
    )
    model[0].weight.data = torch.eye(channels)[..., None, None]
    return model


def test_apoz_counts_zeros_behind_the_relu():
    images = torch.tensor([[[[1.0, -1.0]], [[-2.0, -3.0]]], [[[1.0, 2.0]], [[-1.0, 5.0]]]])
    seen = evidence_of(relu_after_identity(2), images, granularity="channel", split=1)
    found = Apoz().score(seen)
    assert {name: score.tolist() for name, score in found.items()} == {"0.weight": [0.75, 0.25]}


def test_apoz_without_a_relu_is_unsupported():
    smooth = nn.Sequential(nn.Conv2d(3, 4, 1), nn.GELU(), nn.Flatten(), nn.Linear(4, 2))
    with pytest.raises(UnsupportedError, match="followed by a ReLU"):
        Apoz().score(evidence_of(smooth, noise(2, 3, 1, 1), granularity="channel"))


def test_hrank_counts_independent_rows_of_each_map():
    full, flat = [[1.0, 0.0], [0.0, 1.0]], [[1.0, 2.0], [2.0, 4.0]]
    images = torch.tensor([[full, flat], [full, [[0.0, 0.0], [0.0, 0.0]]]])
    found = HRank().score(evidence_of(relu_after_identity(2), images, granularity="channel", split=1))
    assert found["0.weight"].tolist() == [2.0, 0.5]


def test_hrank_where_maps_are_single_positions_is_unsupported():
    with pytest.raises(UnsupportedError, match="feature maps"):
        HRank().score(evidence_of(relu_after_identity(2), noise(2, 2, 1, 1), granularity="channel"))


def test_activation_mean_averages_absolute_responses():
    images = torch.tensor([[[[1.0, -1.0]], [[4.0, 3.0]]], [[[1.0, 2.0]], [[-1.0, 5.0]]]])
    seen = evidence_of(relu_after_identity(2), images, granularity="channel", split=1)
    assert ActivationMean().score(seen)["0.weight"].tolist() == [1.0, 3.0]


def test_taylor_on_gates_is_what_the_norms_own_parameters_say(network):
    seen = specimen_evidence(network)
    wanted = torch.zeros(16)
    for images, labels in seen.batches:
        loss = F.cross_entropy(network(images), labels)
        scale, shift = torch.autograd.grad(loss, [network.norm3.weight, network.norm3.bias])
        wanted += (network.norm3.weight * scale + network.norm3.bias * shift).detach() ** 2 / 3
    found = TaylorGate().score(seen)["third.weight"].float()
    torch.testing.assert_close(found, wanted, rtol=1e-3, atol=1e-9)


def test_taylor_on_activations_takes_absolute_values_per_image_after_the_spatial_mean(network):
    seen = specimen_evidence(network)
    wanted = torch.zeros(16)
    for images, labels in seen.batches:
        for image, label in zip(images, labels, strict=True):
            x = F.relu(network.norm1(network.first(image[None])))
            x = F.relu(network.norm2(network.second(x)) + x)
            a = F.relu(network.norm3(network.third(x))).detach().requires_grad_()
            loss = F.cross_entropy(network.classifier(a.mean((2, 3))), label[None])
            wanted += (a * torch.autograd.grad(loss, a)[0]).mean((2, 3)).abs()[0].detach()
    found = TaylorActivation().score(seen)["third.weight"].float()
    torch.testing.assert_close(found, wanted / wanted.norm(), rtol=1e-4, atol=1e-7)


def test_thinet_removes_two_channels_that_cancel_before_a_cheaper_pair():
    # Alone: 1 + 4, 1 + 4, 9 + 0.25; the first two together nothing.
    assert removal_order(torch.tensor([[1.0, -1.0, 3.0], [2.0, -2.0, 0.5]])).tolist() == [0, 1, 2]


def test_thinet_is_greedy_by_the_true_error():
    added = noise(40, 6).double()
    gone: list[int] = []
    for _ in range(6):
        rest = [j for j in range(6) if j not in gone]
        gone.append(min(rest, key=lambda j: float(added[:, [*gone, j]].sum(1).square().sum())))
    assert removal_order(added)[gone].tolist() == [0, 1, 2, 3, 4, 5]


def test_thinet_scales_what_stays_to_what_all_added():
    added = noise(40, 5).double()
    keep = torch.tensor([True, False, True, True, False])
    factors = least_squares(added, keep)
    error = added[:, keep] @ factors - added.sum(1)
    # Least squares leaves an error that no kept channel explains.
    torch.testing.assert_close(added[:, keep].T @ error, torch.zeros(3).double())


def test_thinet_rewrites_the_reader_alone(network):
    seen = specimen_evidence(network)
    keep = {"third.weight": torch.arange(16) % 2 == 0}
    [(name, weight)] = ThiNet().rewrite(seen, keep).items()
    factors = least_squares(seen.contributions["third.weight"], keep["third.weight"]).float()
    assert name == "classifier.weight"
    torch.testing.assert_close(weight[:, ::2], network.classifier.weight[:, ::2] * factors)


def test_obs_by_hand():
    inverse = torch.linalg.inv(torch.tensor([[[2.0, 1.0], [1.0, 3.0]]]).double())
    weight = torch.tensor([[1.0, 2.0]])
    torch.testing.assert_close(saliencies(weight, inverse), torch.tensor([[5 / 6, 5.0]]).double())
    changed = corrected(weight, torch.tensor([[False, True]]), inverse)
    torch.testing.assert_close(changed, torch.tensor([[0.0, 7 / 3]]))


def test_obs_removes_the_weight_that_the_others_make_up_for_best():
    inputs, weight = noise(200, 5).double(), noise(1, 5, seed=1)
    inputs[:, 4] = inputs[:, 0] + 0.1 * inputs[:, 4]
    moments = (inputs.T @ inputs / 200)[None]
    outputs = inputs @ weight[0].double()

    def error(removed):
        rest = [j for j in range(5) if j != removed]
        others = torch.linalg.lstsq(inputs[:, rest], outputs[:, None]).solution
        return float((inputs[:, rest] @ others - outputs[:, None]).square().mean())

    found = saliencies(weight, inverse_moments(moments, damping=0.0))[0]
    assert found.tolist() == pytest.approx([error(j) / 2 for j in range(5)])


@pytest.mark.parametrize("inputs", [40, 300])
def test_obs_corrects_block_by_block_as_it_would_weight_by_weight(inputs):
    weight, keep = noise(3, inputs).double(), noise(3, inputs, seed=1) > 0
    samples = noise(2 * inputs, inputs, seed=2).double()
    inverse = inverse_moments((samples.T @ samples / len(samples))[None], damping=0.01)
    upper, slow = torch.linalg.cholesky(inverse[0], upper=True), weight.clone()
    for q in range(inputs):
        slow[:, q:] -= torch.outer(slow[:, q] * ~keep[:, q] / upper[q, q], upper[q, q:])
    torch.testing.assert_close(corrected(weight, keep, upper[None]), slow * keep)


def test_obs_keeps_outputs_nearer_than_masking_does(network):
    seen = specimen_evidence(network, "weight")
    keep = weight_masks(Obs().score(seen), 0.6, scope="row")
    changed = Obs().rewrite(seen, keep)["second.weight"]
    moment = seen.input_moments["second.weight"][0].float()

    def error(weight):
        off = (weight - network.second.weight).detach().flatten(1)
        return float(torch.einsum("oi,ij,oj->", off, moment, off))

    assert not changed[~keep["second.weight"]].any()
    assert error(changed) < 0.8 * error(network.second.weight * keep["second.weight"])


# All of them

DETERMINED = [
    ActivationMean(), Apoz(), Grasp(), HRank(), Obd(), Obs(), SynFlow(), TaylorActivation(),
    TaylorGate(), ThiNet(), Wanda(),
]  # fmt: skip


@pytest.mark.parametrize("pruner", DETERMINED, ids=lambda pruner: pruner.name)
def test_scores_move_with_the_channels_when_those_are_shuffled(pruner):
    [granularity] = getattr(pruner, "granularities", {"weight"})
    order = torch.randperm(6, generator=torch.Generator().manual_seed(3))
    torch.manual_seed(0)
    layers = [
        nn.Conv2d(3, 6, 3, bias=False),
        nn.BatchNorm2d(6),
        nn.ReLU(),
        nn.Conv2d(6, 4, 3),
        nn.ReLU(),
    ]
    model = nn.Sequential(*layers, nn.Flatten(), nn.Linear(16, 3)).eval()
    nn.init.uniform_(model[1].weight, 0.5, 1.5)
    images, labels = noise(9, 3, 6, 6), torch.arange(9) % 3
    before = pruner.score(evidence_of(model, images, labels, granularity))
    model[0].weight.data = model[0].weight.data[order]
    model[1].weight.data = model[1].weight.data[order]
    model[3].weight.data = model[3].weight.data[:, order]
    after = pruner.score(evidence_of(model, images, labels, granularity))
    torch.testing.assert_close(after["0.weight"], before["0.weight"][order], rtol=1e-3, atol=1e-7)
    wanted = before["3.weight"] if granularity == "channel" else before["3.weight"][:, order]
    torch.testing.assert_close(after["3.weight"], wanted, rtol=1e-3, atol=1e-7)
