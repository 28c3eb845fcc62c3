"""Trial run through rising sparsity levels, a snapshot a level.

Each level has its own rounds, so a level's result depends on no other level; rounds that several
levels begin with are run once.
"""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING

import torch

from harness.contracts.schedule_rounds import rounds_of
from harness.errors import UnsupportedError, failure_reason
from harness.trials._model_state import PruningFacts
from harness.trials._rounds import RoundRunner
from harness.trials.level_result import LevelResult, finished_level_result, keep_level_result
from harness.trials.rival import Rival
from harness.trials.snapshot import load_model, read_facts
from harness.trials.trained_models import train_dense

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import nn

    from harness.contracts.schedules import Round
    from harness.machine.time_breakdown import TimeBreakdown
    from harness.storage.artifacts import ArtifactStore
    from harness.trials._model_state import ModelState
    from harness.trials.spec import Trial


def run_levels(
    trial: Trial | Rival, store: ArtifactStore, *, time_breakdown: TimeBreakdown
) -> Iterator[tuple[LevelResult, nn.Module | None]]:
    """Run the levels: each with its model, or without one where it was finished before or went wrong.

    One thread, so that the numbers depend neither on the machine's cores nor on how many trials run
    beside this one.
    """
    torch.set_num_threads(1)
    runner: _LevelRunner | _RivalRunner | None = None
    for sparsity in trial.levels:
        result, model = finished_level_result(trial, sparsity, store), None
        if result is None:
            try:
                runner = runner or _runner(trial, store, time_breakdown)
                result, model = runner.run_level(sparsity), runner.model(sparsity)
            except UnsupportedError as error:
                result = LevelResult(sparsity=sparsity, status="skipped", reason=str(error))
            except (Exception, SystemExit) as error:
                traceback.print_exc()
                result = LevelResult(sparsity=sparsity, status="failed", reason=failure_reason(error))
            keep_level_result(result, trial, store)
        yield result, model


def _runner(
    trial: Trial | Rival, store: ArtifactStore, time_breakdown: TimeBreakdown
) -> _LevelRunner | _RivalRunner:
    if isinstance(trial, Rival):
        return _RivalRunner(trial, store, time_breakdown)
    return _LevelRunner(trial, store, time_breakdown)


class _RivalRunner:
    def __init__(self, rival: Rival, store: ArtifactStore, time_breakdown: TimeBreakdown) -> None:
        self._rival = rival
        self._store = store
        self._time_breakdown = time_breakdown

    def run_level(self, sparsity: float) -> LevelResult:
        network = self._rival.network
        train_dense(network, self._store, time_breakdown=self._time_breakdown)
        snapshot, dense = (
            read_facts(self._store.folder(key)) for key in (network.key, self._rival.dense.key)
        )
        return LevelResult(
            sparsity=sparsity,
            status="ok",
            snapshot=network.key,
            sparsity_reached=1.0 - snapshot.prunable / dense.prunable,
            target_reached=self._rival.level,
            facts=PruningFacts(
                epochs=network.recipe.dense_epochs, train_seconds=snapshot.train_seconds
            ),
        )

    def model(self, sparsity: float) -> nn.Module:  # noqa: ARG002 -- it has one level
        """Model of the level that was run."""
        network = self._rival.network
        return load_model(self._store.folder(network.key), network.model, network.dataset)


class _LevelRunner:
    def __init__(self, trial: Trial, store: ArtifactStore, time_breakdown: TimeBreakdown) -> None:
        self._trial = trial
        self._store = store
        self._round_runner = RoundRunner(trial, store, time_breakdown)
        self._states: dict[tuple[Round, ...], ModelState] = {(): self._round_runner.start}

    def run_level(self, sparsity: float) -> LevelResult:
        state = self._run_rounds(self._rounds(sparsity))
        snapshot, dense = (
            read_facts(self._store.folder(key)) for key in (state.key, self._trial.dense.key)
        )
        return LevelResult(
            sparsity=sparsity,
            status="ok",
            snapshot=state.key,
            sparsity_reached=1.0 - snapshot.prunable_nonzero / dense.prunable,
            target_reached=self._round_runner.target_reached(state),
            facts=state.facts,
        )

    def model(self, sparsity: float) -> nn.Module:
        """Model of a level that was run."""
        return self._run_rounds(self._rounds(sparsity)).model

    def _rounds(self, sparsity: float) -> tuple[Round, ...]:
        return rounds_of(self._trial.schedule, sparsity)

    def _run_rounds(self, rounds: tuple[Round, ...]) -> ModelState:
        if rounds not in self._states:
            start = self._run_rounds(rounds[:-1])
            self._states[rounds] = self._round_runner.run_round(start, rounds[-1], number=len(rounds))
        return self._states[rounds]
