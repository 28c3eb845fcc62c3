"""What a plugin must be: protocols for behaviour, frozen records for data.

Every protocol is as small as its job allows. What only some plugins can do is a protocol of its
own (`Configurable`, `Rewrites`, `SharesGraph`), looked for with `isinstance`.
"""

from harness.contracts.criteria import (
    GRANULARITIES,
    Evidence,
    Granularity,
    MakesMasks,
    Penalises,
    Pruner,
    PrunesOnly,
    Reader,
    Rewrites,
    Scope,
    Scoped,
    Scores,
    Steps,
    Trained,
)
from harness.contracts.plugins import (
    Augments,
    Backend,
    Bounded,
    Configurable,
    Dataset,
    Model,
    NeedsArgument,
    Part,
    Preloads,
    Reporter,
    Run,
    SharesGraph,
)
from harness.contracts.schedules import Controlled, Place, Regrowth, Round, Schedule, StartsEarly

__all__ = [
    "GRANULARITIES",
    "Augments",
    "Backend",
    "Bounded",
    "Configurable",
    "Controlled",
    "Dataset",
    "Evidence",
    "Granularity",
    "MakesMasks",
    "Model",
    "NeedsArgument",
    "Part",
    "Penalises",
    "Place",
    "Preloads",
    "Pruner",
    "PrunesOnly",
    "Reader",
    "Regrowth",
    "Reporter",
    "Rewrites",
    "Round",
    "Run",
    "Schedule",
    "Scope",
    "Scoped",
    "Scores",
    "SharesGraph",
    "StartsEarly",
    "Steps",
    "Trained",
]
