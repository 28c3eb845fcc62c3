"""Benchmark pruning methods by the accuracy they retain per millisecond they save.

This module is the facade: everything a plugin author may import is here, and nothing here imports
torch, so that listing plugins stays fast.
"""

from harness.contracts import (
    Augments,
    Backend,
    Bounded,
    Configurable,
    Dataset,
    Evidence,
    Granularity,
    Model,
    Part,
    Preloads,
    Pruner,
    PrunesOnly,
    Reporter,
    Round,
    Run,
    Schedule,
    Scope,
    Scoped,
    Scores,
    SharesGraph,
)
from harness.environment import cpu_name, cpu_peak_macs
from harness.errors import HarnessError, UnsupportedError
from harness.findings import findings
from harness.hookspecs import hookimpl
from harness.ranking import Leaderboard, Standing, leaderboards
from harness.row import BLOBS, Row, column_units

__all__ = [
    "BLOBS",
    "Augments",
    "Backend",
    "Bounded",
    "Configurable",
    "Dataset",
    "Evidence",
    "Granularity",
    "HarnessError",
    "Leaderboard",
    "Model",
    "Part",
    "Preloads",
    "Pruner",
    "PrunesOnly",
    "Reporter",
    "Round",
    "Row",
    "Run",
    "Schedule",
    "Scope",
    "Scoped",
    "Scores",
    "SharesGraph",
    "Standing",
    "UnsupportedError",
    "column_units",
    "cpu_name",
    "cpu_peak_macs",
    "findings",
    "hookimpl",
    "leaderboards",
]
