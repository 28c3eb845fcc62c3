"""Outputs are compared with PyTorch's, as a fraction of the largest."""

import pytest
import torch

from harness.conversion.equivalence import TOLERANCE, check_deviation, deviation, tolerance
from harness.errors import HarnessError
from tests.doubles import Nowhere, Wrong


def test_a_deviation_is_the_largest_difference_over_the_largest_output():
    expected = torch.tensor([[1.0, -4.0], [2.0, 0.0]])
    assert deviation(expected, expected) == 0.0
    assert deviation(expected + torch.tensor([[0.0, 0.5], [0.0, 0.0]]), expected) == 0.125


def test_outputs_of_another_shape_are_named():
    with pytest.raises(HarnessError, match=r"outputs are \(2, 1\), PyTorch's \(2, 2\)"):
        deviation(torch.zeros(2, 1), torch.zeros(2, 2))


def test_where_all_should_be_zero_anything_else_is_far_off():
    assert deviation(torch.tensor([1e-3]), torch.zeros(1)) > 1.0


def test_what_computes_in_fewer_bits_is_allowed_what_it_says():
    assert tolerance(Nowhere()) == TOLERANCE
    assert tolerance(Wrong()) == Wrong.tolerance > TOLERANCE
    check_deviation(Wrong.tolerance, Wrong())


@pytest.mark.parametrize("off", [2 * TOLERANCE, float("inf"), float("nan")])
def test_more_is_an_error_and_so_is_what_is_no_number(off):
    with pytest.raises(HarnessError, match="outputs differ from PyTorch's by"):
        check_deviation(off, Nowhere())
