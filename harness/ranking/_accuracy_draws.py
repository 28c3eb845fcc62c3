"""Bootstrap draws of accuracy: what methods retain in every draw of the test images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    Doubles = NDArray[np.float64]
    Singles = NDArray[np.float32]
    RowIndices = NDArray[np.intp]


@dataclass(frozen=True, kw_only=True, eq=False)
class AccuracyDraws:
    """Accuracy above chance that a method retains: `observed` `(seeds, levels)`, and in every draw.

    `order` `(levels, seeds, draws)` indexes the savings, laid flat, from the most accurate level down;
    `gain` is by how much each level is more accurate than the next.
    """

    observed: Doubles
    order: RowIndices
    gain: Singles


def accuracy_draws(
    blobs: Sequence[str],
    right: RowIndices,
    dense_right: RowIndices,
    *,
    images: Singles,
    chance: float,
) -> AccuracyDraws:
    """Bootstrap draws of the accuracy above chance that one method retains.

    Both codes `(levels, seeds)` index `blobs`, -1 where nothing was measured; `images`
    `(images, draws)` is how often a draw holds each image; `chance` is the accuracy of a constant
    answer.
    """
    import numpy as np

    drawn, observed = _right_answers(blobs, right, images)
    dense_drawn, dense_observed = _right_answers(blobs, dense_right, images)
    guessed = chance * len(images)
    retained = np.minimum(_above(drawn, dense_drawn, guessed), 1.0, dtype=np.float32)
    order = _falling_order(retained)
    gain = retained.reshape(-1).take(order)
    gain[:-1] -= gain[1:]
    return AccuracyDraws(observed=_above(observed, dense_observed, guessed).T, order=order, gain=gain)


def _above(right: Doubles | Singles, dense_right: Doubles | Singles, guessed: float) -> Doubles:
    """Fraction of dense's right answers above those of guessing; none where dense itself guesses."""
    import numpy as np

    own, dense = np.maximum(right - guessed, 0.0), dense_right - guessed
    retained: Doubles = np.where(dense > 0.0, own / np.where(dense > 0.0, dense, 1.0), 0.0)
    return retained


def _right_answers(blobs: Sequence[str], codes: RowIndices, images: Singles) -> tuple[Singles, Doubles]:
    """Counts of right answers in every draw `(levels, seeds, draws)`, and observed `(levels, seeds)`.

    They are whole numbers, which single precision holds exactly, in whatever order they are summed.
    """
    import numpy as np

    from harness.storage.bits import decode_bits

    distinct, inverse = np.unique(codes, return_inverse=True)
    bits = np.zeros((len(distinct), len(images)), dtype=np.float32)
    for bits_of_code, code in zip(bits, distinct, strict=True):
        if code >= 0:
            bits_of_code[:] = decode_bits(blobs[code], len(images))
    inverse = inverse.reshape(codes.shape)
    return (bits @ images)[inverse], bits.sum(axis=1, dtype=np.float64)[inverse]


def _falling_order(retained: Singles) -> RowIndices:
    """Indices of each draw's levels in `retained`, laid flat, the most accurate first."""
    import numpy as np

    levels, *shape = retained.shape
    # The number of the level stands in the last bits, too small to matter in an accuracy.
    level_bits = np.uint32((1 << (levels - 1).bit_length()) - 1)
    keys = (retained.view(np.uint32) & ~level_bits) | np.arange(levels, dtype=np.uint32)[:, None, None]
    # Odd-even transposition: whole planes of draws are compared at once.
    for sweep in range(levels):
        for upper in range(sweep % 2, levels - 1, 2):
            pair = keys[upper], keys[upper + 1]
            keys[upper], keys[upper + 1] = np.maximum(*pair), np.minimum(*pair)
    size = int(np.prod(shape))
    return (keys & level_bits).astype(np.intp) * size + np.arange(size).reshape(shape)
