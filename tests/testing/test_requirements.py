"""What every check asks for."""

import pytest
from torch import nn

from harness.testing.requirements import untouched


def test_a_model_whose_statistics_move_is_not_left_alone():
    norm = nn.BatchNorm1d(2)
    with untouched(norm, by="nobody"):
        pass
    with (
        pytest.raises(AssertionError, match="pass must leave the model as it is"),
        untouched(norm, by="pass"),
    ):
        norm.running_mean += 1.0
