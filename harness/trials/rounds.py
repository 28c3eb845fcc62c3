"""Carrying out one round of a trial: penalise, score, remove, rewind, train on.

What is trained is kept under a key made of the model it starts from and of the masks, so that methods
which choose the same masks share the training too.
"""

from __future__ import annotations

import copy
from dataclasses import MISSING, asdict, fields, replace
from typing import TYPE_CHECKING, Any

import torch

from harness.contracts.pruners import Penalises, Steps
from harness.contracts.schedules import Round, StartsEarly
from harness.errors import UnsupportedError
from harness.pruning.layers import prunable_weights
from harness.pruning.removal import choose_in_steps, choose_removal
from harness.pruning.scoring import Sight, score_model
from harness.pruning.surgery import replay
from harness.storage.keys import digest, file_name, source_hash, stable_seed
from harness.storage.tensor_cache import TensorCache
from harness.training.learning_rate import place_of, rate_of
from harness.training.penalty import penalty_on
from harness.training.sampling import calibration_batches, example_batch
from harness.trials.dense_training import fit, train_to
from harness.trials.snapshot import load_model, read_facts
from harness.trials.state import State
from harness.trials.target_search import Resource

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch import Tensor, nn

    from harness.machine.time_breakdown import Timesheet
    from harness.pruning.removal import Removal
    from harness.pruning.scoring import Scoring
    from harness.storage.artifacts import ArtifactStore
    from harness.trials.spec import Trial

CALIBRATION_IMAGES = 256


class Rounds:
    """Rounds of one trial, from the model that its schedule starts with."""

    def __init__(self, trial: Trial, store: ArtifactStore, timesheet: Timesheet) -> None:
        self._trial = trial
        self._store = store
        self._timesheet = timesheet
        with timesheet.counting("pruning"):
            self._sight = Sight(
                example=example_batch(trial.dense.dataset, 2),
                batches=calibration_batches(
                    trial.dense.dataset,
                    images=CALIBRATION_IMAGES,
                    batch=trial.dense.recipe.train_batch,
                    seed=stable_seed(trial.dense.seed, "calibration"),
                ),
            )
        place = trial.schedule.starts_at if isinstance(trial.schedule, StartsEarly) else 1.0
        key = train_to(place, trial.dense, store, timesheet=timesheet)
        with timesheet.counting("pruning"):
            self.start = State(key=key, model=self._kept(key))
        # Others start from the same model and are shown the same images.
        self._cache = TensorCache(store, of=[key, trial.dense.seed, trial.dense.recipe.train_batch])
        self._scorings: dict[str, Scoring] = {}
        with timesheet.counting("pruning"):
            self._resource = Resource(
                self.start.model,
                example=self._sight.example,
                target=trial.target,
                pattern=trial.pattern,
                scope=trial.scope,
            )

    def reached(self, state: State) -> float:
        """Which fraction of what the trial aims at left."""
        with self._timesheet.counting("pruning"):
            return 1.0 - self._resource.left(state.model)

    def after(self, state: State, turn: Round, *, number: int) -> State:
        """The state that a round leads to, `number` being how many rounds that makes.

        Raises UnsupportedError where the sparsity cannot be reached or the round makes no sense here.
        """
        self._check(turn)
        recipe, seed = self._trial.dense.recipe, stable_seed(self._trial.dense.seed, "round", number)
        epochs = turn.share * recipe.finetune_epochs + turn.dense_share * recipe.dense_epochs
        pruner = self._trial.pruner
        if isinstance(pruner, Penalises):
            state = self._penalised(
                pruner, state, turn, epochs=pruner.penalty_share * epochs, seed=seed
            )
            epochs *= 1.0 - pruner.penalty_share
        with self._timesheet.counting("pruning"):
            scoring, removal = self._removal(state, turn.sparsity, seed)
        pruned = state.pruned(removal).scored(scoring, seconds=scoring.seconds + removal.seconds)
        key = self._key([state.key, removal.digest(), epochs, seed], turn)
        if key not in self._store:
            model = self._rewound(turn, pruned, epochs, seed) or removal.model
            self._fit(key, model, pruned, epochs=epochs, seed=seed, turn=turn)
        else:
            model = self._kept(key)
        if turn.regrowth:
            weights = prunable_weights(model)
            pruned = replace(pruned, masks={name: weights[name] != 0 for name in pruned.masks})
        seconds = read_facts(self._store.folder(key)).train_seconds
        return pruned.trained(key, model, epochs=epochs, seconds=seconds)

    def _check(self, turn: Round) -> None:
        if turn.regrowth and self._trial.granularity != "weight":
            raise UnsupportedError(
                f"masks move at granularity weight only, not {self._trial.granularity}"
            )

    def _kept(self, key: str) -> nn.Module:
        dense = self._trial.dense
        return load_model(self._store.folder(key), dense.model, dense.dataset)

    def _key(self, chain: list[Any], turn: Round | None = None) -> str:
        settings = self._trial.settings
        chain = [*chain, {name: settings[name] for name in ("finetune_lr", "recipe")}]
        unusual = _unusual(turn) if turn else {}
        found = digest([*chain, unusual] if unusual else chain)
        words = (settings["model"], settings["dataset"], self._trial.granularity, found)
        return file_name("-".join(words))

    def _removal(self, state: State, level: float, seed: int) -> tuple[Scoring, Removal]:
        sight, masks, aim = self._sight, state.masks, self._resource.aim
        pruner, model = self._trial.pruner, state.model
        if isinstance(pruner, Steps):
            steps = pruner.steps

            def choose(level: float) -> tuple[Scoring, Removal]:
                return choose_in_steps(
                    pruner, model, sight, steps=steps, masks=masks, aim=aim(level), seed=seed
                )
        else:
            scoring, example = self._scoring(state, seed), sight.example

            def choose(level: float) -> tuple[Scoring, Removal]:
                return scoring, choose_removal(
                    pruner, model, scoring, masks=masks, example=example, aim=aim(level)
                )

        return self._resource.meet(choose, level)

    def _scoring(self, state: State, seed: int) -> Scoring:
        """One scoring serves every level that goes on from the same state."""
        if state.key not in self._scorings:
            for earlier in self._scorings.values():
                earlier.evidence.forget()
            granularity = self._trial.pattern.scored
            self._scorings[state.key] = score_model(
                self._trial.pruner,
                state.model,
                self._sight,
                granularity=granularity,
                seed=seed,
                cache=self._cache if state.key == self.start.key else None,
            )
        return self._scorings[state.key]

    def _penalised(
        self, pruner: Penalises, state: State, turn: Round, *, epochs: float, seed: int
    ) -> State:
        """The state after training with the penalty, in which what stays is chosen before or after."""
        keep: Mapping[str, Tensor] = {}
        chain = [state.key, "penalised", pruner.__class__.__name__, source_hash(pruner), epochs, seed]
        if not pruner.scores_after:
            with self._timesheet.counting("pruning"):
                scoring, removal = self._removal(state, turn.sparsity, seed)
            keep, chain = removal.keep, [*chain, removal.digest()]
        key = self._key(chain)
        if key not in self._store:
            model = copy.deepcopy(state.model)
            example = self._sight.example if self._trial.pattern.scored == "channel" else None
            penalty = penalty_on(model, pruner, keep=keep, example=example)
            self._fit(key, model, state, epochs=epochs, seed=seed + 1, penalty=penalty)
        if not pruner.scores_after:
            self._scorings[key] = scoring
        seconds = read_facts(self._store.folder(key)).train_seconds
        return state.trained(key, self._kept(key), epochs=epochs, seconds=seconds)

    def _rewound(self, turn: Round, state: State, epochs: float, seed: int) -> nn.Module | None:
        """The weights to go on from instead of the pruned ones, cut as those were."""
        dense = self._trial.dense
        if turn.redraw:
            torch.manual_seed(stable_seed(seed, "redraw"))
            model = dense.model.build(dense.dataset)
        elif turn.rewind is not None:
            place = place_of(turn.rewind, epochs=epochs, recipe=dense.recipe)
            model = self._kept(train_to(place, dense, self._store, timesheet=self._timesheet))
        else:
            return None
        replay(model, self._sight.example, state.history)
        return model

    def _fit(
        self,
        key: str,
        model: nn.Module,
        state: State,
        *,
        epochs: float,
        seed: int,
        turn: Round | None = None,
        penalty: Callable[[float], Tensor] | None = None,
    ) -> None:
        fit(
            key,
            model,
            dense=self._trial.dense,
            store=self._store,
            epochs=epochs,
            rate=rate_of(turn, epochs=epochs, recipe=self._trial.dense.recipe),
            seed=seed,
            timesheet=self._timesheet,
            masks=state.masks,
            history=state.history,
            penalty=penalty,
            regrowth=turn.regrowth if turn else None,
        )


def _unusual(turn: Round) -> dict[str, Any]:
    """What a round does besides pruning and fine-tuning; epochs are in its key already."""
    plain = {field.name: field.default for field in fields(turn) if field.default is not MISSING}
    given = asdict(turn)
    return {n: given[n] for n in plain if n != "dense_share" and given[n] != plain[n]}
