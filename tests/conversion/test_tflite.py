"""LiteRT files: floats to the digit, integers nearly, and one file for one batch size."""

import pytest
import torch
from torch import nn

from harness.conversion.tflite import QuantisedTfliteConverter, TfliteConverter, load_tflite
from harness.machine.availability import unmet

pytestmark = pytest.mark.skipif(
    unmet("litert-torch", "ai-edge-quantizer", "ai-edge-litert") is not None, reason="no LiteRT here"
)


@pytest.mark.long(12)
def test_floats_are_pytorchs_and_integers_nearly_so():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 5)).eval()
    images = torch.randn(8, 3, 8, 8)
    with torch.no_grad():
        wanted = model(images[:2])
    file = TfliteConverter().convert(model, images, batch=2)
    for xnnpack in (True, False):
        found = load_tflite(file, xnnpack=xnnpack)(images[:2])
        torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-4)
    integers = load_tflite(QuantisedTfliteConverter().refine(file, images, batch=2))(images[:2])
    off = float((integers - wanted).abs().max() / wanted.abs().max())
    assert 0.0 < off < 0.05


def test_versions_are_of_all_that_makes_the_file():
    assert "litert-torch" in TfliteConverter().version
    assert "torch " in TfliteConverter().version
    assert "ai-edge-quantizer" in QuantisedTfliteConverter().version
