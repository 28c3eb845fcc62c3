"""Every criterion against an answer worked out by hand from its paper."""

import pytest
import torch
from torch import nn

from harness.errors import UnsupportedError
from harness.networks.surgery import coupled_layers
from harness.pruning._channel_selection import channel_scores, comparable_scores, lowest_channels
from harness.pruning.evidence import RecordedEvidence
from harness_plugins.pruners.batch_norm_scale import BatchNormScale
from harness_plugins.pruners.fpgm import Fpgm
from harness_plugins.pruners.lamp import Lamp
from harness_plugins.pruners.magnitude import FilterNorm, GroupNorm, Magnitude
from harness_plugins.pruners.magnitude import harness_pruners as magnitudes
from harness_plugins.pruners.random import Random
from harness_plugins.pruners.snip import Snip
from harness_plugins.pruners.taylor import Taylor


class Given:
    """Evidence with chosen weights and per-batch gradients."""

    def __init__(self, weights, batches=(), granularity="weight"):
        self.granularity = granularity
        self.weights = {"w": torch.tensor(weights)}
        self.batch_gradients = [{"w": torch.tensor(gradient)} for gradient in batches]
        self.gradients = {"w": torch.tensor(batches).mean(0)} if batches else {}
        self.generator = torch.Generator().manual_seed(0)


def evidence(model, granularity="weight", count=5):
    generator = torch.Generator().manual_seed(1)
    batches = [
        (torch.randn(n, 3, 8, 8, generator=generator), torch.randint(0, 10, (n,), generator=generator))
        for n in (4, count)
    ]
    coupled = coupled_layers(model, batches[0][0]) if granularity == "channel" else None
    return RecordedEvidence(model, granularity=granularity, batches=batches, coupled=coupled, seed=3)


def test_magnitudes_are_powers_of_the_absolute_weight():
    given = Given([[1.0, -2.0], [0.5, 3.0]])
    assert Magnitude("l1", 1).score(given)["w"].tolist() == [[1.0, 2.0], [0.5, 3.0]]
    assert Magnitude("l2", 2).score(given)["w"].tolist() == [[1.0, 4.0], [0.25, 9.0]]


def test_filter_norms_are_the_sum_of_absolute_weights_and_the_root_of_the_sum_of_squares():
    given = Given([[1.0, -1.0, 1.0, -1.0], [3.0, 0.0, 0.0, 0.0]], granularity="channel")
    assert FilterNorm("l1", 1).score(given)["w"].tolist() == [4.0, 3.0]
    assert FilterNorm("l2", 2).score(given)["w"].tolist() == [2.0, 3.0]


@pytest.fixture
def two_channels():
    """A small filter that is read by large weights, and a large one that is read by small ones."""
    model = nn.Sequential(
        nn.Conv2d(3, 2, 1, bias=False), nn.BatchNorm2d(2), nn.ReLU(), nn.AdaptiveAvgPool2d(1),
        nn.Flatten(), nn.Linear(2, 10),
    )  # fmt: skip
    with torch.no_grad():
        model[0].weight.copy_(torch.tensor([[1.0, -1.0, 1.0], [2.0, 2.0, -2.0]]).view(2, 3, 1, 1))
        model[1].weight.copy_(torch.tensor([1.0, 2.0]))
        model[5].weight.copy_(torch.tensor([-2.0, 0.5]).repeat(10, 1))
    return model.eval()


@pytest.mark.parametrize(
    ("pruner", "scores", "reduction", "keep"),
    [
        (FilterNorm("l1", 1), [3.0, 6.0], "producers", [False, True]),
        (FilterNorm("l2", 2), [3.0**0.5, 12.0**0.5], "producers", [False, True]),
        # The filter, its norm's scale and the ten weights that read it, over three members.
        (GroupNorm("l1", 1), [(3 + 1 + 20) / 3, (6 + 2 + 5) / 3], "group", [True, False]),
        (GroupNorm("l2", 2), [(3 + 1 + 40) / 3, (12 + 4 + 2.5) / 3], "group", [True, False]),
    ],
)
def test_group_norms_count_what_reads_a_channel_and_filter_norms_do_not(
    two_channels, pruner, scores, reduction, keep
):
    [group] = coupled_layers(two_channels, torch.randn(2, 3, 8, 8)).groups
    given = pruner.score(evidence(two_channels, "channel"))
    reduced, how = channel_scores(given, group)
    assert (reduced.tolist(), how) == (pytest.approx(scores), reduction)
    compared = comparable_scores([reduced], [group], scope=pruner.scopes["channel"])
    assert lowest_channels(compared, 1).masks[0].tolist() == keep


def test_the_norms_of_filters_that_are_added_up_are_averaged(network):
    seen = evidence(network, "channel")
    groups = coupled_layers(network, torch.randn(2, 3, 8, 8)).groups
    [stream] = [group for group in groups if len(group.producers) == 2]
    reduced, _ = channel_scores(FilterNorm("l1", 1).score(seen), stream)
    first, second = (
        seen.weights[f"{name}.weight"].abs().sum((1, 2, 3)) for name in ("first", "second")
    )
    torch.testing.assert_close(reduced, ((first + second) / 2).to(reduced))


def test_each_magnitude_is_defined_at_what_its_name_says():
    where = {pruner.name: set(pruner.granularities) for pruner in magnitudes()}
    assert where == {
        "magnitude_l1": {"weight"}, "magnitude_l2": {"weight"},
        "group_norm_l1": {"channel"}, "group_norm_l2": {"channel"},
        "filter_norm_l1": {"channel"}, "filter_norm_l2": {"channel"},
    }  # fmt: skip


def test_fpgm_measures_signed_distances_between_filters():
    given = Given([[0.0, 1.0], [0.0, -1.0], [2.0, 0.0], [0.0, 3.0]], granularity="channel")
    found = Fpgm().score(given)["w"]
    assert found.tolist() == pytest.approx([6.2361, 8.2361, 8.0777, 9.6056], abs=1e-4)


def test_fpgm_finds_a_filter_repeated_to_the_last_bits():
    filters = torch.randn(20, 300, generator=torch.Generator().manual_seed(0)) * 100
    filters[7] = filters[3]
    distances = Fpgm().score(Given(filters.tolist(), granularity="channel"))["w"]
    others = torch.stack([(filters - row).double().norm(dim=1).sum() for row in filters])
    torch.testing.assert_close(distances, others)


def test_lamp_divides_by_what_would_outlive_a_weight():
    found = Lamp().score(Given([[2.5, -1.0], [4.0, -2.0]]))["w"].flatten().tolist()
    assert found == pytest.approx([0.280899, 0.036697, 1.0, 0.152381], abs=1e-6)


def test_lamp_never_empties_a_layer_and_zeros_go_first():
    assert Lamp().score(Given([0.0, 0.0]))["w"].tolist() == [0.0, 0.0]
    assert Lamp().score(Given([0.0, 1e-20]))["w"].tolist() == [0.0, 1.0]


def test_snip_has_three_equal_scores_in_the_hand_worked_example():
    # y = w x, L = (y - t)^2 / 2, w = (1, -2, 0.5), x = (2, 1, 4), t = 1: g = (2, 1, 4).
    assert Snip().score(Given([1.0, -2.0, 0.5], [[2.0, 1.0, 4.0]]))["w"].tolist() == [2.0, 2.0, 2.0]


def test_snip_takes_the_gradient_of_the_mean_loss():
    # A second sample x = (1, -1, 0), t = 2 has g = (1, -1, 0); the mean of both is (1.5, 0, 2).
    given = Given([1.0, -2.0, 0.5], [[2.0, 1.0, 4.0], [1.0, -1.0, 0.0]])
    assert Snip().score(given)["w"].tolist() == [1.5, 0.0, 1.0]


def test_taylor_squares_each_weight():
    weights, gradients = [[1.0, -2.0], [0.5, 4.0]], [[[2.0, 1.0], [4.0, 0.5]], [[0.0, 1.0], [2.0, 0.5]]]
    # w g: ((2, -2), (2, 2)) and ((0, -2), (1, 2)); mean over batches of the squares.
    assert Taylor().score(Given(weights, gradients))["w"].tolist() == [[2.0, 4.0], [2.5, 4.0]]


def test_taylor_squares_the_sum_over_everything_that_leaves_with_a_channel(network):
    seen = evidence(network, "channel")
    found = Taylor().score(seen)
    # first and second meet in a residual sum; third and second read them, two norms scale them.
    expected = torch.zeros(8, dtype=torch.float64)
    for gradients in seen.batch_gradients:
        by_hand = torch.zeros(8, dtype=torch.float64)
        for name, w in seen.weights.items():
            product = (w * gradients[name]).double()
            if name in ("first.weight", "second.weight", "norm1.weight", "norm2.weight"):
                by_hand += product.flatten(1).sum(1) if product.dim() > 1 else product
            if name in ("second.weight", "third.weight"):
                by_hand += product.sum((0, 2, 3))
        expected += by_hand**2 / 2
    torch.testing.assert_close(found["first.weight"], expected)
    torch.testing.assert_close(found["second.weight"], expected)


def test_random_scores_repeat_with_the_seed_and_are_one_a_channel():
    first, second = (Random().score(Given([[1.0, 2.0], [3.0, 4.0]])) for _ in range(2))
    assert torch.equal(first["w"], second["w"])
    assert Random().score(Given([[1.0, 2.0]], granularity="channel"))["w"].shape == (1,)


def test_random_spares_no_layer_for_being_coupled(resnet18):
    assert Random.scopes["channel"] == "local"
    groups = coupled_layers(resnet18, torch.randn(2, 3, 32, 32)).groups[:2]
    scores = comparable_scores([torch.rand(64), torch.rand(3, 64).mean(0)], groups, scope="local")
    keep = lowest_channels(scores, 96)
    assert [int(mask.sum()) for mask in keep.masks] == [16, 16]


def test_batch_norm_scale_belongs_to_the_layer_before_it(network):
    found = BatchNormScale().score(evidence(network, "channel"))
    assert sorted(found) == ["first.weight", "second.weight", "third.weight"]
    assert torch.equal(found["first.weight"], network.norm1.weight.detach().abs())


def test_batch_norm_scale_without_norms_is_unsupported():
    bare = nn.Sequential(nn.Conv2d(3, 4, 1), nn.Conv2d(4, 4, 8), nn.Flatten(), nn.Linear(4, 10))
    with pytest.raises(UnsupportedError, match="followed by a norm"):
        BatchNormScale().score(evidence(bare, "channel"))


def test_evidence_gradients_are_those_of_the_mean_loss_over_all_images(network):
    seen = evidence(network)
    images = torch.cat([batch for batch, _ in seen.batches])
    labels = torch.cat([label for _, label in seen.batches])
    loss = nn.functional.cross_entropy(network(images), labels)
    wanted = torch.autograd.grad(loss, network.first.weight)[0]
    torch.testing.assert_close(seen.gradients["first.weight"], wanted, rtol=1e-4, atol=1e-6)


def test_evidence_is_a_copy_and_remembers_what_was_touched(network):
    seen, before = evidence(network), network.first.weight.detach().clone()
    seen.weights["first.weight"].zero_()
    nn.init.zeros_(seen.model.first.weight)
    assert torch.equal(network.first.weight, before)
    assert seen.touched == {"weights", "model"}


def test_scoring_leaves_the_norms_statistics_alone(network):
    before = network.norm1.running_mean.clone()
    Snip().score(evidence(network.train()))
    assert torch.equal(network.norm1.running_mean, before)
