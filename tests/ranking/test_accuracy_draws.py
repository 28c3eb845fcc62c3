"""Accuracy that is retained in every draw of the test images, the most accurate level first."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.ranking._accuracy_draws import accuracy_draws
from harness.storage.bits import encode_bits

IMAGES = 40


def drawn(shares, *, draws=7, seed=0, chance=0.0):
    """Of levels that are right on such shares of the images, one seed, and all of dense's right."""
    random = np.random.default_rng(seed)
    bits = [random.random(IMAGES) < share for share in shares]
    blobs = [encode_bits(np.ones(IMAGES, dtype=bool)), *map(encode_bits, bits)]
    right = np.arange(1, len(shares) + 1)[:, None]
    images = random.multinomial(IMAGES, [1 / IMAGES] * IMAGES, size=draws).T.astype(np.float32)
    found = accuracy_draws(blobs, right, np.zeros_like(right), images=images, chance=chance)
    return found, np.array(bits), images


@given(st.lists(st.floats(0, 1), min_size=1, max_size=6))
def test_gains_add_up_to_the_accuracy_of_each_level_in_its_order(shares):
    found, bits, images = drawn(shares)
    retained = (bits.astype(np.float32) @ images / images.sum(axis=0)).reshape(-1)
    sums = np.cumsum(found.gain[::-1], axis=0)[::-1]
    np.testing.assert_allclose(sums, retained.take(found.order), atol=1e-5)
    assert (np.diff(sums, axis=0) <= 1e-5).all(), "from the most accurate level down"
    np.testing.assert_allclose(found.observed[0], bits.mean(axis=1))


def test_every_level_is_in_its_order_once_in_each_draw():
    found, _, images = drawn([0.9, 0.2, 0.5])
    draws = images.shape[1]
    assert sorted((found.order[:, 0] // draws).T.tolist(), key=tuple)
    assert all(sorted(column) == [0, 1, 2] for column in (found.order[:, 0] // draws).T.tolist())


def test_what_was_not_measured_retains_nothing():
    blobs = [encode_bits(np.ones(IMAGES, dtype=bool))]
    codes = np.array([[0], [-1]])
    images = np.ones((IMAGES, 3), dtype=np.float32)
    found = accuracy_draws(blobs, codes, np.zeros_like(codes), images=images, chance=0.0)
    assert found.observed.tolist() == [[1.0, 0.0]]
    assert found.gain[:, 0].tolist() == [[pytest.approx(1.0)] * 3, [pytest.approx(0.0, abs=1e-6)] * 3]


def test_what_guesses_retains_nothing_and_half_way_above_chance_retains_half():
    blobs = [encode_bits(np.arange(100) < right) for right in (90, 10, 50, 5)]
    codes, images = np.array([[0], [1], [2], [3]]), np.ones((100, 3), dtype=np.float32)
    found = accuracy_draws(blobs, codes, np.zeros_like(codes), images=images, chance=0.1)
    assert found.observed.tolist() == [[1.0, 0.0, 0.5, 0.0]]


def test_beside_a_dense_model_that_guesses_nothing_is_retained():
    blobs = [encode_bits(np.arange(100) < right) for right in (10, 30)]
    images = np.ones((100, 3), dtype=np.float32)
    found = accuracy_draws(blobs, np.array([[1]]), np.array([[0]]), images=images, chance=0.1)
    assert found.observed.tolist() == [[0.0]]
    assert np.all(found.gain == 0.0)
