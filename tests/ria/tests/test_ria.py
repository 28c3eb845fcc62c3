"""The conformance kit, and a known answer."""

import torch
from harness_ria import Ria, relative

from harness.testing import check_pruner


def test_it_keeps_what_a_pruner_promises():
    check_pruner(Ria())


def test_importance_is_relative_to_row_and_column():
    weight = torch.tensor([[1.0, 3.0], [1.0, 1.0]])
    expected = torch.tensor([[1 / 4 + 1 / 2, 3 / 4 + 3 / 4], [1 / 2 + 1 / 2, 1 / 2 + 1 / 4]])
    torch.testing.assert_close(relative(weight), expected)


def test_a_row_of_zeros_has_no_importance():
    assert not relative(torch.zeros(2, 3, 3, 3)).any()
