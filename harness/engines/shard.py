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
    """The `number`th of `count` shards of the dense models or of the trials."""

    stage: Stage
    number: int
    count: int

    def of(self, stage: Stage, items: Sequence[Item]) -> Sequence[Item]:
        """Every `count`th of the items; none of another stage's."""
        return items[self.number - 1 :: self.count] if stage == self.stage else []


def parse_shard(text: str) -> Shard:
    """`dense:1/4` or `trials:3/16` taken apart. Raises HarnessError where it is neither."""
    words = re.fullmatch(r"(\w+):(\d+)/(\d+)", text)
    stages: dict[str, Stage] = {stage: stage for stage in get_args(Stage)}
    if words is None or words[1] not in stages or not 1 <= int(words[2]) <= int(words[3]):
        raise HarnessError(f"--shard {text}: it is a shard as dense:1/4 or trials:16/16")
    return Shard(stage=stages[words[1]], number=int(words[2]), count=int(words[3]))
