"""Attention over windows becomes one that exporters know, and computes the same."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from harness.conversion._attention import four_dimensional_attention
from harness.conversion.onnx import OnnxConverter, load_onnx


def attended(*shape, **options):
    generator = torch.Generator().manual_seed(0)
    tensors = [torch.randn(shape, generator=generator) for _ in range(3)]
    return F.scaled_dot_product_attention(*tensors, **options)


@pytest.mark.parametrize("shape", [(2, 3, 5, 4), (2, 7, 3, 5, 4), (2, 2, 7, 3, 5, 4)])
def test_it_computes_the_same(shape):
    plain = attended(*shape)
    with four_dimensional_attention():
        torch.testing.assert_close(attended(*shape), plain)


class Windows(nn.Module):
    """Attention within windows of four pixels."""

    def __init__(self):
        super().__init__()
        self.mix, self.head = nn.Linear(3, 3 * 6), nn.Linear(6, 5)

    def forward(self, images):
        windows = images.flatten(2).unflatten(2, (-1, 4)).permute(0, 2, 3, 1)
        query, key, value = self.mix(windows).unflatten(-1, (3, 2, 3)).permute(3, 0, 1, 4, 2, 5)
        mixed = F.scaled_dot_product_attention(query, key, value)
        return self.head(mixed.transpose(2, 3).flatten(3).mean((1, 2)))


class Biased(nn.Module):
    """Attention over pixels, to which a learned matrix adds its bias."""

    def __init__(self):
        super().__init__()
        self.mix, self.head = nn.Linear(3, 3 * 8), nn.Linear(8, 5)
        self.bias = nn.Linear(1, 16)

    def forward(self, images):
        tokens = self.mix(images.flatten(2).transpose(1, 2))
        query, key, value = tokens.unflatten(-1, (3, 2, 4)).permute(2, 0, 3, 1, 4)
        bias = self.bias(torch.linspace(0, 1, 16)[:, None]).expand(2, 16, 16)[None]
        mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=bias.contiguous())
        return self.head(mixed.transpose(1, 2).reshape(images.shape[0], 16, 8).mean(1))


@pytest.mark.parametrize("network", [Windows, Biased])
def test_a_network_with_attention_is_exported_and_computes_the_same(network):
    torch.manual_seed(0)
    model, images = network().eval(), torch.randn(3, 3, 4, 4)
    converter = OnnxConverter()
    run = load_onnx(converter.fill(converter.export(model, images), model))
    torch.testing.assert_close(run(images), model(images), rtol=1e-4, atol=1e-5)
    assert all(own.requires_grad for own in model.parameters()), "it can be trained as before"
