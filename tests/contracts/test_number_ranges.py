"""Numbers of records are held to their ranges when they are read."""

import msgspec
import pytest

from harness.contracts.number_ranges import (
    LARGEST,
    Amount,
    Count,
    Fraction,
    FractionGone,
    PositiveCount,
)


@pytest.mark.parametrize(
    ("kind", "allowed", "refused"),
    [
        (Fraction, (0.0, 1.0), (-0.1, 1.1)),
        (FractionGone, (-3.0, 1.0), (1.1, -1e16)),
        (Amount, (0.0, LARGEST), (-0.1, 1e16)),
        (Count, (0, 10**15), (-1, 10**16)),
        (PositiveCount, (1, 10**15), (0, 10**16)),
    ],
)
def test_a_number_is_held_to_its_range(kind, allowed, refused):
    decoder = msgspec.json.Decoder(kind)
    assert [decoder.decode(msgspec.json.encode(number)) for number in allowed] == [*allowed]
    for number in refused:
        with pytest.raises(msgspec.ValidationError):
            decoder.decode(msgspec.json.encode(number))
