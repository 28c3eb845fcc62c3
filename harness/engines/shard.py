"""Shards of a plan's training, for a batch system whose jobs know nothing of each other."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeVar, get_args

from harness.errors import HarnessError

if TYPE_CHECKING:
    from collections.abc import Sequence

Stage = Literal["dense", "trials"]
Item = TypeVar("Item")


@dataclass(frozen=True, kw_only=True)
class Shard:
    """Shard: the `number`th of `count`, of the dense models or of the trials."""

    stage: Stage
    number: int
    count: int

    def of(self, stage: Stage, items: Sequence[Item]) -> Sequence[Item]:
        """Items of the shard, every `count`th; none of another stage's."""
        return items[self.number - 1 :: self.count] if stage == self.stage else []


def parse_shard(text: str) -> Shard:
    """Parse a shard as `dense:1/4` or `trials:3/16`. Raises HarnessError where it is neither."""
    match = re.fullmatch(r"(\w+):(\d{1,9})/(\d{1,9})", text)
    stages: dict[str, Stage] = {stage: stage for stage in get_args(Stage)}
    if match is None or match[1] not in stages or not 1 <= int(match[2]) <= int(match[3]):
        raise HarnessError(f"--shard {text}: it is a shard as dense:1/4 or trials:16/16")
    return Shard(stage=stages[match[1]], number=int(match[2]), count=int(match[3]))
