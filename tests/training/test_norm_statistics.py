"""Norm statistics are the network's own: of its inputs, whatever it was cut or trained from."""

import pytest
import torch
from torch import nn

from harness.training.norm_statistics import estimate_norm_statistics
from harness.training.synthetic import residual_network


def batches(*, of=64, size=16):
    images = torch.randn(of, 3, 8, 8, generator=torch.Generator().manual_seed(0)) * 3 + 1
    return [(part, torch.zeros(len(part), dtype=torch.long)) for part in images.split(size)]


def test_statistics_become_the_average_over_the_batches():
    norm = nn.BatchNorm2d(3)
    norm.running_mean.fill_(1e6)
    estimate_norm_statistics(norm, batches())
    means = torch.stack([images.mean((0, 2, 3)) for images, _ in batches()])
    variances = torch.stack([images.var((0, 2, 3)) for images, _ in batches()])
    torch.testing.assert_close(norm.running_mean, means.mean(0))
    torch.testing.assert_close(norm.running_var, variances.mean(0))


def test_nothing_but_statistics_changes_and_the_network_is_left_to_evaluate():
    network = nn.Sequential(residual_network(), nn.Dropout(0.5))
    before = {name: value.clone() for name, value in network.named_parameters()}
    momenta = [m.momentum for m in network.modules() if isinstance(m, nn.BatchNorm2d)]
    state = torch.random.get_rng_state()
    estimate_norm_statistics(network, batches())
    assert torch.equal(torch.random.get_rng_state(), state), "dropout draws nothing"
    assert all(torch.equal(value, before[name]) for name, value in network.named_parameters())
    assert [m.momentum for m in network.modules() if isinstance(m, nn.BatchNorm2d)] == momenta
    assert not any(module.training for module in network.modules())


@pytest.mark.parametrize("lost", [0, 5])
def test_a_cut_network_no_longer_has_the_statistics_of_the_whole_one(lost):
    # Without channel `lost` of its inputs, the next norm sees other numbers.
    network = residual_network()
    with torch.no_grad():
        network.second.weight[:, lost] = 0.0
    stale = network.norm2.running_var.clone()
    estimate_norm_statistics(network, batches())
    seen = []
    network.second.register_forward_hook(lambda _, __, output: seen.append(output.var((0, 2, 3))))
    with torch.no_grad():
        for images, _ in batches():
            network(images)
    torch.testing.assert_close(
        network.norm2.running_var, torch.stack(seen).mean(0), rtol=0.2, atol=0.05
    )
    assert not torch.allclose(stale, network.norm2.running_var, rtol=0.2)


def test_a_last_batch_of_one_image_is_no_reason_to_fail():
    network = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.BatchNorm2d(3))
    estimate_norm_statistics(network, batches(of=33))
    assert torch.isfinite(network[1].running_var).all()


def test_norms_that_keep_no_statistics_are_left_alone():
    network = nn.Sequential(nn.GroupNorm(3, 3), nn.BatchNorm2d(3, track_running_stats=False))
    estimate_norm_statistics(network, batches())
    assert network[1].running_mean is None
