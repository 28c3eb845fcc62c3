"""Multiply-accumulates are counted whatever kernel computes them: fused, recurrent, of a vector."""

import pytest
import timm
import torch
from torch import nn

from harness.networks.layers import count_macs


class Calls(nn.Module):
    """A function of the input, and the modules that it needs."""

    def __init__(self, function, **modules):
        super().__init__()
        self.function = function
        for name, module in modules.items():
            self.add_module(name, module)

    def forward(self, x):
        return self.function(self, x)


WIDTH, STATE, STEPS = 8, 16, 5
SEQUENCE = torch.randn(1, STEPS, WIDTH)


@pytest.mark.parametrize(("kind", "gates"), [(nn.LSTM, 4), (nn.GRU, 3), (nn.RNN, 1)])
@pytest.mark.parametrize("directions", [1, 2])
def test_recurrences_multiply_both_weights_at_every_step(kind, gates, directions):
    layer = kind(WIDTH, STATE, num_layers=2, batch_first=True, bidirectional=directions == 2)
    first = gates * STATE * (WIDTH + STATE)
    second = gates * STATE * (directions * STATE + STATE)
    assert count_macs(layer.eval(), SEQUENCE) == STEPS * directions * (first + second)


def test_transformer_layers_count_their_attention():
    layer = nn.TransformerEncoderLayer(WIDTH, 2, 32, batch_first=True).eval()
    projections, products, mlp = 4 * WIDTH * WIDTH, 2 * STEPS * WIDTH, 2 * WIDTH * 32
    assert count_macs(layer, SEQUENCE) == STEPS * (projections + products + mlp)


def test_attention_counts_alike_fused_and_spelt_out():
    model = timm.create_model("test_vit", num_classes=10).eval()
    image = torch.randn(1, 3, 160, 160)
    fused = count_macs(model, image)
    for module in model.modules():
        if hasattr(module, "fused_attn"):
            module.fused_attn = False
    assert fused == count_macs(model, image)


class Embedded(nn.Module):
    """Gives a parameter of its own to a layer, as class attention does, and has a frozen one."""

    def __init__(self):
        super().__init__()
        self.token = nn.Parameter(torch.randn(1, WIDTH))
        self.frozen = nn.Parameter(torch.randn(1), requires_grad=False)
        self.layer = nn.Linear(WIDTH, STATE)

    def forward(self, x):
        return self.layer(self.token) + x.sum() * self.frozen


def test_a_parameter_that_a_layer_is_given_is_an_input_like_others():
    model = Embedded()
    assert count_macs(model, SEQUENCE) == WIDTH * STATE
    assert [own.requires_grad for own in model.parameters()] == [True, False, True, True]


@pytest.mark.parametrize(
    ("function", "modules", "macs"),
    [
        (lambda m, x: m.both(x, x), {"both": nn.Bilinear(8, 8, 3)}, STEPS * 3 * 8 * 8),
        (lambda _, x: x[0] @ x[0, 0], {}, STEPS * WIDTH),
        (lambda _, x: x[0, 0] @ x[0, 1], {}, WIDTH),
        (lambda _, x: torch.addmv(x[0, :, 0], x[0], x[0, 0]), {}, STEPS * WIDTH),
        (lambda _, x: torch.addbmm(torch.zeros(5, 5), x, x.mT), {}, STEPS * STEPS * WIDTH),
        (lambda _, x: torch.einsum("bsw,bsw->bs", x, x), {}, STEPS * WIDTH),
    ],
    ids=["bilinear", "matrix by vector", "dot", "addmv", "addbmm", "einsum"],
)
def test_products_count_by_what_they_multiply(function, modules, macs):
    assert count_macs(Calls(function, **modules).eval(), SEQUENCE) == macs


def test_counting_leaves_the_fast_path_as_it_was():
    before = torch.backends.mha.get_fastpath_enabled()
    count_macs(nn.Linear(WIDTH, 2), SEQUENCE)
    assert torch.backends.mha.get_fastpath_enabled() == before
