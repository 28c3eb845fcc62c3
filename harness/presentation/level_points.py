"""Level points: what methods retain and save at each level, with intervals, and who is on the front."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from harness.ranking.leaderboard import shown_top1
from harness.storage.bits import decode_bits
from harness.storage.row import speedup, speedup_realised

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from harness.ranking.leaderboard import Entry

Point = Mapping[str, Any]
Interval = tuple[float, float] | tuple[None, None]
DRAWS = 400


class LevelPoints:
    """Makes points; what several boards draw alike, as the same right answers, is drawn once."""

    def __init__(self) -> None:
        self._interval_of = cache(self._interval)
        self._held = cache(_held_images)

    def of(self, entry: Entry) -> list[Point]:
        """Points of an entry, means of its seeds by rising level, as JSON has them."""
        points = [self._point(entry, level) for level in entry.levels]
        # Of a dense network that is never right nothing is retained.
        return [point for point in points if point["retained"] is not None]

    def _point(self, entry: Entry, level: float) -> Point:
        mean, rows = entry.mean_at(level), entry.at(level)
        low, high = self._retained_interval(rows)
        numbers = {
            "level": level,
            "saved": mean["ms_saved"],
            "saved_low": mean["ms_saved_low"],
            "saved_high": mean["ms_saved_high"],
            "retained": mean["retained"],
            "retained_low": low,
            "retained_high": high,
            "top1": shown_top1(mean),
            "speedup": speedup(mean),
            "realised": speedup_realised(mean),
        }
        rounded = {name: value and float(f"{value:.4g}") for name, value in numbers.items()}
        return {"method": entry.name, "kind": entry.method[1].partition(":")[0], **rounded}

    def _retained_interval(self, rows: Sequence[Mapping[str, Any]]) -> Interval:
        """95 % interval of the mean that rows of several seeds retain; none where bits are missing."""
        blobs = tuple((row.get("correct") or "", row.get("dense_correct") or "") for row in rows)
        if not all(map(all, blobs)) or len({row["images"] for row in rows}) != 1:
            return None, None
        return self._interval_of(blobs, rows[0]["images"])

    def _interval(self, blobs: tuple[tuple[str, str], ...], images: int) -> Interval:
        """Bootstrap over test images and seeds (Efron 1979), dense beside pruned on the same images."""
        import numpy as np

        held = self._held(images)
        own, dense = (
            np.stack([decode_bits(pair[which], images) for pair in blobs]).astype(np.float32) @ held
            for which in (0, 1)
        )
        picked = np.random.default_rng(0).integers(0, len(blobs), (len(blobs), DRAWS))
        drawn = np.take_along_axis(own / np.maximum(dense, 1.0), picked, axis=0).mean(axis=0)
        low, high = np.quantile(drawn, (0.025, 0.975)).tolist()
        return low, high


def _held_images(images: int) -> NDArray[np.float32]:
    """How often each draw holds an image, `(images, draws)`."""
    import numpy as np

    rng = np.random.default_rng(0)
    held = rng.multinomial(images, np.full(images, 1 / images), size=DRAWS)
    return held.T.astype(np.float32)


def pareto_front(points: Iterable[Point]) -> list[Point]:
    """Pareto front, by rising saving: points that none saves more than and retains as much."""
    front: list[Point] = []
    for point in sorted(points, key=lambda p: (-p["saved"], -p["retained"])):
        if not front or point["retained"] > front[-1]["retained"]:
            front.append(point)
    return front[::-1]
