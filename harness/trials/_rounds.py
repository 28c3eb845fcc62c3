"""Rounds of a trial: penalise, score, remove, rewind, train on.

What is trained is stored under a key of the model it starts from and of the masks, so that methods
which choose the same masks share the training too.
"""

from __future__ import annotations

import copy
from dataclasses import replace
from functools import cached_property, partial
from typing import TYPE_CHECKING

import torch

from harness.contracts.pruners import Penalises, Steps
from harness.contracts.schedules import Round, StartsEarly
from harness.errors import UnsupportedError
from harness.networks.layers import exempt, exempt_weights, prunable_weights
from harness.networks.surgery import replay
from harness.pruning.removal import choose_in_steps, choose_removal, trace_and_score
from harness.pruning.scoring import CalibrationData
from harness.storage.keys import source_hash, stable_seed
from harness.storage.tensor_cache import TensorCache
from harness.training.learning_rate import rate_of, training_fraction
from harness.training.loop import TrainingJob
from harness.training.penalty import penalty_on
from harness.training.sampling import example_batch, images_at_once
from harness.trials._model_state import ModelState
from harness.trials._round_key import round_key
from harness.trials.snapshot import load_model, read_facts, trace_unfilled
from harness.trials.spared_layers import spared_weights
from harness.trials.target_search import TargetSearch
from harness.trials.trained_models import calibration_of, train_and_save, train_to
from harness.trials.training_budget import round_epochs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor, nn

    from harness.machine.time_breakdown import TimeBreakdown
    from harness.networks.channel_groups import CutsCopies
    from harness.pruning.removal import Removal
    from harness.pruning.scoring import Scoring
    from harness.storage.artifacts import ArtifactStore
    from harness.trials.spec import Trial


class RoundRunner:
    """Round runner of one trial, from the model that its schedule starts with."""

    def __init__(self, trial: Trial, store: ArtifactStore, time_breakdown: TimeBreakdown) -> None:
        self._trial = trial
        self._store = store
        self._time_breakdown = time_breakdown
        batch = images_at_once(trial.dense.dataset, trial.dense.recipe.train_batch)
        with time_breakdown.counting("pruning"):
            self._calibration = CalibrationData(
                example=example_batch(trial.dense.dataset, 2),
                batches=calibration_of(trial.dense, batch=batch),
            )
        place = trial.schedule.starts_at if isinstance(trial.schedule, StartsEarly) else 1.0
        key = train_to(place, trial.dense, store, time_breakdown=time_breakdown)
        with time_breakdown.counting("pruning"):
            self.start = ModelState(key=key, model=self._load(key))
        # Other trials start from the same model and see the same images.
        self._cache = TensorCache(store, of=[key, trial.dense.seed, batch])
        self._scorings: dict[str, Scoring] = {}
        with time_breakdown.counting("pruning"):
            self._search = TargetSearch(
                self.start.model,
                example=self._calibration.example,
                target=trial.target,
                pattern=trial.pattern,
                scope=trial.scope,
                floor=trial.layer_floor,
                spared=spared_weights(self.start.model, keep=trial.keep, only=trial.only),
            )

    def target_reached(self, state: ModelState) -> float:
        """Target reached: which fraction of what the trial's target names left."""
        with self._time_breakdown.counting("pruning"):
            return 1.0 - self._search.fraction_left(state.model)

    def run_round(self, state: ModelState, round_: Round, *, number: int) -> ModelState:
        """Run a round and return the state after it, `number` being how many rounds that makes.

        Raises UnsupportedError where the sparsity cannot be reached or the round makes no sense here.
        """
        self._check_granularity(round_)
        recipe, seed = self._trial.dense.recipe, stable_seed(self._trial.dense.seed, "round", number)
        epochs, pruner = round_epochs(round_, self._trial.dense.recipe), self._trial.pruner
        if isinstance(pruner, Penalises):
            penalised = round_.share * self._trial.penalty_epochs
            state = self._train_with_penalty(pruner, state, round_, epochs=penalised, seed=seed)
        with self._time_breakdown.counting("pruning"):
            removal = self._choose_removal(state, round_.sparsity, seed)
        pruned = _after_removal(state, removal)
        if self._trial.target.backend is not None:
            pruned = replace(pruned, facts=pruned.facts.with_search(self._search.steps))
        key = round_key(self._trial, [state.key, removal.digest(), epochs, seed], round_)
        if key not in self._store:
            model = self._rewound_model(round_, pruned, epochs, seed) or removal.model
            self._train(
                key,
                model,
                pruned,
                TrainingJob(
                    epochs=epochs,
                    rate=rate_of(round_, epochs=epochs, recipe=recipe),
                    seed=seed,
                    masks=pruned.masks,
                    regrowth=round_.regrowth,
                ),
            )
        else:
            model = self._load(key)
        if round_.regrowth:
            weights = prunable_weights(model)
            pruned = replace(pruned, masks={name: weights[name] != 0 for name in pruned.masks})
        seconds = read_facts(self._store.folder(key)).train_seconds
        return pruned.trained(key, model, epochs=epochs, seconds=seconds)

    def _check_granularity(self, round_: Round) -> None:
        if round_.regrowth and self._trial.granularity != "weight":
            raise UnsupportedError(
                f"masks move at granularity weight only, not {self._trial.granularity}"
            )

    def _load(self, key: str) -> nn.Module:
        dense, folder = self._trial.dense, self._store.folder(key)
        traced = self._traced if read_facts(folder).history else None
        return load_model(folder, dense.model, dense.dataset, traced=traced)

    @cached_property
    def _traced(self) -> CutsCopies | None:
        """What cuts models that are read."""
        return trace_unfilled(self._trial.dense.model, self._trial.dense.dataset)

    def _choose_removal(self, state: ModelState, level: float, seed: int) -> Removal:
        """Choose what leaves so that the level is met, by one scoring or one for each step."""
        pruner = self._trial.pruner
        if isinstance(pruner, Steps):
            return self._search.meet(partial(self._choose_in_steps, pruner, state, seed), level)
        scoring = self._score(state, seed)
        return self._search.meet(partial(self._choose_at_once, state, scoring), level)

    def _choose_in_steps(self, pruner: Steps, state: ModelState, seed: int, level: float) -> Removal:
        return choose_in_steps(
            self._trial.pruner,
            state.model,
            self._calibration,
            steps=pruner.steps,
            masks=state.masks,
            budget=self._search.budget(level),
            seed=seed,
        )

    def _choose_at_once(self, state: ModelState, scoring: Scoring, level: float) -> Removal:
        return choose_removal(
            self._trial.pruner,
            state.model,
            scoring,
            masks=state.masks,
            example=self._calibration.example,
            budget=self._search.budget(level),
        )

    def _score(self, state: ModelState, seed: int) -> Scoring:
        """Score a state once, for every level that goes on from it."""
        if state.key not in self._scorings:
            for earlier in self._scorings.values():
                earlier.evidence.forget()
            granularity = self._trial.pattern.scored
            self._scorings[state.key] = trace_and_score(
                self._trial.pruner,
                state.model,
                self._calibration,
                granularity=granularity,
                seed=seed,
                cache=self._cache if state.key == self.start.key else None,
            )
        return self._scorings[state.key]

    def _train_with_penalty(
        self, pruner: Penalises, state: ModelState, round_: Round, *, epochs: float, seed: int
    ) -> ModelState:
        """Train with the penalty and return the state; what stays is chosen before or after."""
        keep: Mapping[str, Tensor] = {}
        chain = [state.key, "penalised", pruner.__class__.__name__, source_hash(pruner), epochs, seed]
        if not pruner.scores_after:
            with self._time_breakdown.counting("pruning"):
                removal = self._choose_removal(state, round_.sparsity, seed)
            keep, chain = removal.keep, [*chain, removal.digest()]
        key = round_key(self._trial, chain)
        if key not in self._store:
            model = copy.deepcopy(state.model)
            example = self._calibration.example if self._trial.pattern.scored == "channel" else None
            self._train(
                key,
                model,
                state,
                TrainingJob(
                    epochs=epochs,
                    rate=rate_of(None, epochs=epochs, recipe=self._trial.dense.recipe),
                    seed=seed + 1,
                    masks=state.masks,
                    penalty=penalty_on(model, pruner, keep=keep, example=example),
                ),
            )
        if not pruner.scores_after:
            self._scorings[key] = removal.scoring
        seconds = read_facts(self._store.folder(key)).train_seconds
        return state.trained(key, self._load(key), epochs=epochs, seconds=seconds)

    def _rewound_model(
        self, round_: Round, state: ModelState, epochs: float, seed: int
    ) -> nn.Module | None:
        """Rewound model, cut as the pruned one was; None where the round keeps the pruned weights."""
        dense = self._trial.dense
        if round_.redraw:
            torch.manual_seed(stable_seed(seed, "redraw"))
            model = dense.model.build(dense.dataset)
            exempt(model, exempt_weights(self.start.model))
        elif round_.rewind is not None:
            place = training_fraction(round_.rewind, epochs=epochs, recipe=dense.recipe)
            model = self._load(train_to(place, dense, self._store, time_breakdown=self._time_breakdown))
        else:
            return None
        traced = self._traced if state.history else None
        replay(model, self._calibration.example, state.history, traced=traced)
        return model

    def _train(self, key: str, model: nn.Module, state: ModelState, job: TrainingJob) -> None:
        train_and_save(
            key,
            model,
            job,
            dense=self._trial.dense,
            store=self._store,
            time_breakdown=self._time_breakdown,
            history=state.history,
            traced=self._traced if state.history else None,
        )


def _after_removal(state: ModelState, removal: Removal) -> ModelState:
    """State after a removal: what left, how it was chosen, and what that took, not the model."""
    scoring = removal.scoring
    facts = state.facts.with_evidence(
        scoring.evidence.touched, seconds=scoring.seconds + removal.seconds
    )
    return replace(
        state,
        history=state.history + removal.cut,
        masks=removal.masks,
        facts=replace(
            facts,
            reduction=removal.reduction,
            layers_at_floor=removal.layers_at_floor,
            excluded=removal.excluded,
        ),
    )
