"""A backend that looks outputs up has no times of its own."""

import pytest
import torch

from harness.errors import HarnessError
from harness.measuring.remembered_inputs import check_not_remembered
from harness.training.synthetic import residual_network
from harness_plugins.backends.eager import EagerCpu
from tests.broken_plugins import Remembers

IMAGES = torch.randn(4, 3, 8, 8)


def test_what_is_computed_takes_as_long_when_an_input_comes_again():
    with torch.no_grad():
        check_not_remembered(residual_network().eval(), IMAGES, EagerCpu())


def test_what_is_looked_up_does_not():
    run = Remembers().prepare(residual_network().eval(), IMAGES)
    with torch.no_grad(), pytest.raises(HarnessError, match="it remembers outputs"):
        check_not_remembered(run, IMAGES, EagerCpu())
