"""Walking a trial through its rising sparsity levels, a snapshot a level.

Each level has its own rounds, so a level's result depends on no other level; rounds that several
levels begin with are walked once.
"""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING

import torch

from harness.errors import HarnessError, UnsupportedError, failure_reason
from harness.machine.time_breakdown import TimeBreakdown
from harness.trials.level_result import LevelResult, finished_level_result, keep_level_result
from harness.trials.rounds import RoundRunner
from harness.trials.snapshot import read_facts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import nn

    from harness.contracts.schedules import Round
    from harness.storage.artifacts import ArtifactStore
    from harness.trials.model_state import ModelState
    from harness.trials.spec import Trial


def walk(trial: Trial, store: ArtifactStore) -> Iterator[LevelResult]:
    """Each level as it is finished; one that goes wrong leaves the others alone."""
    for level, _ in run_levels(trial, store, time_breakdown=TimeBreakdown()):
        yield level


def run_levels(
    trial: Trial, store: ArtifactStore, *, time_breakdown: TimeBreakdown
) -> Iterator[tuple[LevelResult, nn.Module | None]]:
    """Each level with its model, or without one where the level was finished before or went wrong.

    One thread, so that the numbers depend neither on the machine's cores nor on how many trials run
    beside this one.
    """
    torch.set_num_threads(1)
    steps: _LevelRunner | None = None
    for sparsity in trial.levels:
        level, model = finished_level_result(trial, sparsity, store), None
        if level is None:
            try:
                steps = steps or _LevelRunner(trial, store, time_breakdown)
                level, model = steps.level(sparsity), steps.model(sparsity)
            except UnsupportedError as error:
                level = LevelResult(sparsity=sparsity, status="skipped", reason=str(error))
            except (Exception, SystemExit) as error:
                traceback.print_exc()
                level = LevelResult(sparsity=sparsity, status="failed", reason=failure_reason(error))
            keep_level_result(level, trial, store)
        yield level, model


class _LevelRunner:
    def __init__(self, trial: Trial, store: ArtifactStore, time_breakdown: TimeBreakdown) -> None:
        self._trial = trial
        self._store = store
        self._rounds_runner = RoundRunner(trial, store, time_breakdown)
        self._states: dict[tuple[Round, ...], ModelState] = {(): self._rounds_runner.start}

    def level(self, sparsity: float) -> LevelResult:
        state = self._after(self._rounds(sparsity))
        snapshot, dense = (
            read_facts(self._store.folder(key)) for key in (state.key, self._trial.dense.key)
        )
        return LevelResult(
            sparsity=sparsity,
            status="ok",
            snapshot=state.key,
            sparsity_reached=1.0 - snapshot.prunable_nonzero / dense.prunable,
            target_reached=self._rounds_runner.reached(state),
            facts=state.facts,
        )

    def model(self, sparsity: float) -> nn.Module:
        """The model of a level that is done."""
        return self._after(self._rounds(sparsity)).model

    def _rounds(self, sparsity: float) -> tuple[Round, ...]:
        rounds = tuple(self._trial.schedule.rounds(sparsity))
        if not rounds or abs(rounds[-1].sparsity - sparsity) > 1e-9:
            raise HarnessError(f"schedule {self._trial.schedule.name!r} does not end at {sparsity}")
        return rounds

    def _after(self, rounds: tuple[Round, ...]) -> ModelState:
        if rounds not in self._states:
            start = self._after(rounds[:-1])
            self._states[rounds] = self._rounds_runner.after(start, rounds[-1], number=len(rounds))
        return self._states[rounds]
