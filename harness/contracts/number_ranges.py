"""Number ranges of what is read from records: types that msgspec holds to them."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

LARGEST = 1e15
"""Number beyond which nothing was measured."""
Fraction = Annotated[float, Meta(ge=0, le=1)]
FractionGone = Annotated[float, Meta(ge=-LARGEST, le=1)]
"""Below 0 where something grew."""
Amount = Annotated[float, Meta(ge=0, le=LARGEST)]
Count = Annotated[int, Meta(ge=0, le=int(LARGEST))]
PositiveCount = Annotated[int, Meta(ge=1, le=int(LARGEST))]
