"""Walking a trial through its rising sparsity levels, a snapshot a level.

Each level has its own rounds, so a level's result depends on no other level; rounds that several
levels begin with are walked once. A step is kept under a key made of the model it starts from and of
the masks, so that methods which choose the same masks share the fine-tuning too.
"""

from __future__ import annotations

import traceback
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

import torch

from harness.errors import HarnessError, UnsupportedError, failure_reason
from harness.fitting import fit
from harness.keys import digest, stable_seed
from harness.level import Level, finished_level, level_key
from harness.removal import choose_removal, score_model
from harness.snapshot import example_batch, load_model, read_facts
from harness.timesheet import Timesheet
from harness.training import calibration_batches

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor, nn

    from harness.artifacts import ArtifactStore
    from harness.contracts import Round
    from harness.grid import Dense, Trial
    from harness.removal import Removal, Scoring
    from harness.surgery import History

CALIBRATION_IMAGES = 256


@dataclass(frozen=True, kw_only=True)
class _State:
    """A model on the way, with what it has cost and how it was chosen."""

    key: str
    model: nn.Module = field(repr=False)
    history: History = field(default_factory=list)
    masks: dict[str, Tensor] = field(default_factory=dict, repr=False)
    epochs: float = 0.0
    train_seconds: float = 0.0
    score_seconds: float = 0.0
    evidence: str = ""
    reduction: str = ""
    layers_at_one: int = 0
    excluded: str = ""


def train_dense(dense: Dense, store: ArtifactStore, *, timesheet: Timesheet | None = None) -> None:
    """Train the dense model and keep it, unless it is kept already."""
    timesheet = timesheet or Timesheet()
    torch.set_num_threads(1)
    if dense.key in store:
        return
    torch.manual_seed(dense.seed)
    model = dense.model.build(dense.dataset)
    fit(
        dense.key,
        model,
        dense=dense,
        store=store,
        epochs=dense.recipe.dense_epochs,
        peak_lr=dense.recipe.dense_lr,
        seed=stable_seed(dense.seed, "dense"),
        timesheet=timesheet,
    )


def walk(trial: Trial, store: ArtifactStore) -> Iterator[Level]:
    """Each level as it is finished; one that goes wrong leaves the others alone."""
    for level, _ in walk_models(trial, store, timesheet=Timesheet()):
        yield level


def walk_models(
    trial: Trial, store: ArtifactStore, *, timesheet: Timesheet
) -> Iterator[tuple[Level, nn.Module | None]]:
    """Each level with its model, or without one where the level was finished before or went wrong.

    One thread, so that the numbers depend neither on the machine's cores nor on how many trials run
    beside this one.
    """
    torch.set_num_threads(1)
    steps: _Walk | None = None
    for sparsity in trial.levels:
        level, model = finished_level(trial, sparsity, store), None
        if level is None:
            try:
                steps = steps or _Walk(trial, store, timesheet)
                level, model = steps.level(sparsity), steps.model(sparsity)
            except UnsupportedError as error:
                level = Level(sparsity=sparsity, status="skipped", reason=str(error))
            except (Exception, SystemExit) as error:
                traceback.print_exc()
                level = Level(sparsity=sparsity, status="failed", reason=failure_reason(error))
            store.write_record(level_key(trial.key, sparsity), asdict(level))
        yield level, model


class _Walk:
    def __init__(self, trial: Trial, store: ArtifactStore, timesheet: Timesheet) -> None:
        self._trial = trial
        self._store = store
        self._timesheet = timesheet
        self._example = example_batch(trial.dense.dataset, 2)
        with timesheet.counting("pruning"):
            self._batches = calibration_batches(
                trial.dense.dataset,
                images=CALIBRATION_IMAGES,
                batch=trial.dense.recipe.train_batch,
                seed=stable_seed(trial.dense.seed, "calibration"),
            )
        folder = store.folder(trial.dense.key)
        self._dense = _State(
            key=trial.dense.key, model=load_model(folder, trial.dense.model, trial.dense.dataset)
        )
        self._prunable = read_facts(folder).prunable
        self._walked: dict[tuple[Round, ...], _State] = {(): self._dense}
        self._scorings: dict[str, Scoring] = {}

    def level(self, sparsity: float) -> Level:
        state = self._after(self._rounds(sparsity))
        left = read_facts(self._store.folder(state.key)).prunable_nonzero
        return Level(
            sparsity=sparsity,
            status="ok",
            snapshot=state.key,
            sparsity_reached=1.0 - left / self._prunable,
            epochs=state.epochs,
            train_seconds=state.train_seconds,
            score_seconds=state.score_seconds,
            evidence=state.evidence,
            reduction=state.reduction,
            layers_at_one=state.layers_at_one,
            excluded=state.excluded,
        )

    def model(self, sparsity: float) -> nn.Module:
        """The model of a level that is done."""
        return self._after(self._rounds(sparsity)).model

    def _rounds(self, sparsity: float) -> tuple[Round, ...]:
        rounds = tuple(self._trial.schedule.rounds(sparsity))
        if not rounds or abs(rounds[-1].sparsity - sparsity) > 1e-9:
            raise HarnessError(f"schedule {self._trial.schedule.name!r} does not end at {sparsity}")
        return rounds

    def _after(self, rounds: tuple[Round, ...]) -> _State:
        if rounds not in self._walked:
            start = self._after(rounds[:-1])
            self._walked[rounds] = self._advance(start, rounds)
        return self._walked[rounds]

    def _advance(self, start: _State, rounds: tuple[Round, ...]) -> _State:
        trial, turn = self._trial, rounds[-1]
        seed = stable_seed(trial.dense.seed, "round", len(rounds))
        with self._timesheet.counting("pruning"):
            scoring = self._scoring(start, seed)
            removal = choose_removal(
                start.model,
                scoring,
                masks=start.masks,
                example=self._example,
                sparsity=turn.sparsity,
                budget=(1.0 - turn.sparsity) * self._prunable,
                scope=trial.scope,
            )
        history = start.history + removal.cut
        epochs = turn.share * trial.dense.recipe.finetune_epochs
        key = self._step_key(start, removal, epochs, seed)
        model = self._finetuned(key, removal, history=history, epochs=epochs, seed=seed)
        return _State(
            key=key,
            model=model,
            history=history,
            masks=removal.masks,
            epochs=start.epochs + epochs,
            train_seconds=start.train_seconds + read_facts(self._store.folder(key)).train_seconds,
            score_seconds=start.score_seconds + scoring.seconds,
            evidence=",".join(sorted({*start.evidence.split(","), *scoring.touched} - {""})),
            reduction=removal.reduction,
            layers_at_one=removal.layers_at_one,
            excluded=removal.excluded,
        )

    def _scoring(self, start: _State, seed: int) -> Scoring:
        """One scoring serves every level that goes on from the same state."""
        if start.key not in self._scorings:
            self._scorings[start.key] = score_model(
                self._trial, start.model, example=self._example, batches=self._batches, seed=seed
            )
        return self._scorings[start.key]

    def _step_key(self, start: _State, removal: Removal, epochs: float, seed: int) -> str:
        settings = self._trial.settings
        recipe = {name: settings[name] for name in ("finetune_lr", "recipe")}
        found = digest([start.key, removal.digest(), epochs, seed, recipe])
        return f"{settings['model']}-{settings['dataset']}-{self._trial.granularity}-{found}"

    def _finetuned(
        self, key: str, removal: Removal, *, history: History, epochs: float, seed: int
    ) -> nn.Module:
        """The pruned model after its fine-tuning, which another method may have paid for already."""
        dense, model = self._trial.dense, removal.model
        if key in self._store:
            return load_model(self._store.folder(key), dense.model, dense.dataset)
        fit(
            key,
            model,
            dense=dense,
            store=self._store,
            epochs=epochs,
            peak_lr=dense.recipe.finetune_lr,
            seed=seed,
            timesheet=self._timesheet,
            masks=removal.masks,
            history=history,
        )
        return model
