"""Verdicts on losses whose truth is known: certain, within tolerance, or neither."""

import numpy as np
import pytest

from harness.comparisons.verdicts import Loss, accuracy_loss, latency_loss, size_loss, verdict
from harness.storage.bits import encode_bits
from tests.doubles import made_row


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.06, 0.10, "worse"),
        (-0.10, -0.06, "better"),
        (-0.04, 0.03, "same"),
        (0.01, 0.04, "same"),
        (0.04, 0.06, "ambiguous"),
        (-0.20, 0.20, "ambiguous"),
    ],
)
def test_the_whole_interval_decides(low, high, expected):
    assert verdict(Loss(value=(low + high) / 2, low=low, high=high), 0.05) == expected


def test_what_was_not_measured_has_no_verdict():
    assert verdict(None, 0.05) == "no data"


def answers(*, right, images=400, wrong_first=0):
    """A row whose model is right on `right` of its images, wrong on the first `wrong_first`."""
    indices = np.arange(images)
    bits = (indices >= wrong_first) & (indices < wrong_first + right)
    return made_row(correct=encode_bits(bits), images=images, top1=right / images, data_hash="d")


def test_the_same_answers_are_no_loss():
    assert accuracy_loss(answers(right=300), answers(right=300)) == Loss(value=0, low=0, high=0)


def test_lost_images_are_a_certain_loss_and_won_ones_a_gain():
    lost = accuracy_loss(answers(right=380), answers(right=340))
    assert lost.value == pytest.approx(0.1)
    # All of 40 differing images were lost: Clopper and Pearson's exact interval for 40 of 40.
    assert lost.low == pytest.approx((2 * 0.025 ** (1 / 40) - 1) * 0.1)
    assert lost.high == pytest.approx(0.1)
    won = accuracy_loss(answers(right=340), answers(right=380))
    assert (won.low, won.high) == pytest.approx((-lost.high, -lost.low))


def test_as_many_won_as_lost_is_uncertain_both_ways():
    loss = accuracy_loss(answers(right=380), answers(right=380, wrong_first=20))
    assert loss.value == 0.0
    assert loss.low < 0.0 < loss.high


def test_other_test_images_tell_nothing():
    other = answers(right=300) | {"data_hash": "e"}
    assert accuracy_loss(answers(right=300), other) is None


def test_a_larger_file_is_a_loss_without_noise():
    assert size_loss(made_row(size_mb=10.0), made_row(size_mb=11.0)).low == pytest.approx(0.1)


def test_latencies_of_two_sessions_add_up_their_noise():
    base = made_row(latency_ms=10.0, latency_low_ms=9.7, latency_high_ms=10.3)
    new = made_row(latency_ms=11.0, latency_low_ms=10.6, latency_high_ms=11.4)
    loss = latency_loss(base, new)
    assert loss.value == pytest.approx(0.1)
    assert loss.high - loss.value == pytest.approx(0.05)
