"""Training cost of a plan: each snapshot made for itself, and as it is done, all once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.contracts.converters import LoadsFile, Refines
from harness.contracts.schedule_rounds import rounds_of
from harness.conversion.deployment import Deployment
from harness.trials.rival import Rival
from harness.trials.spec import Trial
from harness.trials.training_budget import round_epochs

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from harness.contracts.converters import AnyConverter
    from harness.contracts.schedules import Round
    from harness.planning.grid import Cell
    from harness.planning.plan import Plan
    from harness.trials.spec import Dense

Rounds = tuple["Round", ...]


@dataclass(frozen=True, kw_only=True)
class TrainingCost:
    """Training cost: epochs, scorings by a criterion, exported files and timings."""

    dense_epochs: float
    finetune_epochs: float
    scorings: int
    exports: int
    timings: int


def cost_alone(plan: Plan) -> TrainingCost:
    """Cost alone: each snapshot is trained, scored and exported for itself, as in a loop."""
    cells = plan.runnable
    snapshots = {(cell.subject.key, cell.sparsity): cell for cell in cells}.values()
    trained = [(cell.subject, _rounds(cell.subject, [cell.sparsity])) for cell in snapshots]
    return TrainingCost(
        dense_epochs=sum(cell.dense.recipe.dense_epochs for cell in snapshots),
        finetune_epochs=sum(_epochs(subject, rounds) for subject, rounds in trained),
        scorings=sum(len(rounds) for _, sequences in trained for rounds in sequences),
        exports=sum(len(_files(cell)) for cell in cells),
        timings=len(cells),
    )


def cost_shared(plan: Plan) -> TrainingCost:
    """Cost shared: dense models, rounds, scores and files are made once for all cells that need them.

    At most: methods that choose the same weights share their training too, and masked twins a graph.
    """
    return TrainingCost(
        dense_epochs=sum(dense.recipe.dense_epochs for dense in plan.needed_dense_models),
        finetune_epochs=sum(trial_epochs(trial) for trial in plan.pending_trials),
        scorings=sum(_scorings(_rounds(trial, trial.levels)) for trial in plan.pending_trials),
        exports=len({file for cell in plan.runnable for file in _files(cell)}),
        timings=len(plan.runnable),
    )


def trial_epochs(trial: Trial | Rival) -> float:
    """Epochs that a trial trains after its dense model, rounds that levels share counted once."""
    return _epochs(trial, _rounds(trial, trial.levels))


def _rounds(subject: Trial | Rival | Dense, levels: Iterable[float]) -> list[Rounds]:
    """Rounds of each level; none where the schedule fails, as the trial will, or there is none."""
    if not isinstance(subject, Trial):
        return []
    try:
        return [rounds_of(subject.schedule, level) for level in levels]
    except (Exception, SystemExit):
        # The trial itself meets the same error, where it becomes the reason of its rows.
        return []


def _epochs(subject: Trial | Rival | Dense, sequences: Sequence[Rounds]) -> float:
    if not isinstance(subject, Trial):
        return subject.network.recipe.dense_epochs if isinstance(subject, Rival) else 0.0
    steps = {rounds[: end + 1] for rounds in sequences for end in range(len(rounds))}
    return sum(
        round_epochs(step[-1], subject.dense.recipe) + step[-1].share * subject.penalty_epochs
        for step in steps
    )


def _scorings(sequences: Sequence[Rounds]) -> int:
    """Scorings: one of each state that rounds go on from, however many levels do."""
    return len({rounds[:end] for rounds in sequences for end in range(len(rounds))})


def _files(cell: Cell) -> list[tuple[str, float, str, int]]:
    """Files converted for a cell: by subject, level, format and, where it matters, batch size."""
    if not isinstance(cell.backend, LoadsFile):
        return []
    fixed = Deployment(backend=cell.backend, batches=[cell.batch]).fixed
    batch = fixed[0] if fixed else 0
    formats = _formats(cell.backend.converter)
    return [(cell.subject.key, cell.sparsity, name, batch) for name in formats]


def _formats(converter: AnyConverter) -> list[str]:
    before = _formats(converter.source) if isinstance(converter, Refines) else []
    return [*before, converter.name]
