"""The training phase: dense models, then trials; what is there is not made again."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from harness.discovery.loading import discover
from harness.engines.pool import WorkerPool
from harness.engines.shard import Shard
from harness.machine.time_breakdown import TimeBreakdown
from harness.measuring.deployed_size import DeployedSizes
from harness.planning.grid import Cell
from harness.runs._training_phase import _TrainingPhase, train, training_results
from harness.storage.artifacts import ARTIFACTS, ArtifactStore
from harness.trials._model_state import PruningFacts
from harness.trials.level_result import LevelResult, finished_level_result, keep_level_result
from harness.trials.target import Target
from tests.doubles import Notes, Nowhere, local_engine

EAGER = discover().configured("backend", "eager_cpu", None)


@pytest.fixture
def notes():
    return Notes()


@pytest.fixture
def trained_as(tmp_path, notes):
    """Why subjects of a plan came to no end."""

    def run(trial, store, **settings):
        pool = WorkerPool(engine=local_engine(tmp_path), observer=notes, time_breakdown=TimeBreakdown())
        return train(plan(trial), pool=pool, store=store, **settings)

    return run


def plan(trial):
    return SimpleNamespace(
        needed_dense_models=[trial.dense], ahead=(), pending_trials=[trial], deployments=[]
    )


def test_a_trial_begins_when_its_dense_model_is_there_and_nothing_is_made_twice(
    trial, store, trained_as, notes
):
    assert trained_as(trial, store) == {}
    assert trial.dense.key in store
    assert all(finished_level_result(trial, level, store) for level in trial.levels)
    assert notes.notes[1:] == [f"{trial.dense.label}: done", f"{trial.label}: done"]
    notes.notes.clear()
    assert trained_as(trial, store) == {}
    assert notes.notes == ["training: 0"]


def test_the_steps_of_a_search_on_a_clock_are_shown(trial, store, notes, tmp_path):
    timed = replace(trial, target=Target(quantity="latency", backend=EAGER, facts=EAGER.describe()))
    facts = PruningFacts().with_search([(0.99, None), (0.5, 0.31), (0.7, 0.512)])
    keep_level_result(LevelResult(sparsity=0.5, status="skipped", facts=facts), timed, store)
    pool = WorkerPool(engine=local_engine(tmp_path), observer=notes, time_breakdown=TimeBreakdown())
    _TrainingPhase(pool=pool, store=store, deployments=[]).show_search(timed)
    assert notes.notes == [
        "  searching level 0.5 of latency:eager_cpu: sparsity 0.99 is more than can leave, "
        "0.5 saves 31.0%, 0.7 saves 51.2%"
    ]


def test_a_shard_of_trials_without_their_dense_model_says_so(trial, store, trained_as):
    failures = trained_as(trial, store, shard=Shard(stage="trials", number=1, count=1))
    assert failures == {trial.key: "its dense model was not trained"}


def test_dense_models_of_another_run_are_taken_over(
    trial, store, trained_as, notes, trained_once, tmp_path
):
    kept = ArtifactStore(tmp_path / "other" / ARTIFACTS)
    kept.take(trained_once, trial.dense.key)
    assert trained_as(trial, store, dense_from=tmp_path / "other") == {}
    assert notes.notes[0] == "1 of 1 dense models are taken over"
    assert f"{trial.dense.label}: done" not in notes.notes


def cell(subject, sparsity):
    return Cell(subject=subject, sparsity=sparsity, backend=Nowhere(), batch=1, settings={}, key="k")


def test_a_cell_without_its_model_has_the_reason_of_the_process_that_was_to_make_it(trial, store):
    [(_, alone)] = training_results([cell(trial, 0.5)], {trial.dense.key: "no memory"}, store=store)
    assert (alone.status, alone.reason) == ("failed", "dense training: no memory")


def test_a_trial_whose_process_died_has_its_reason_and_dense_is_there(trial, trained):
    cells = [cell(trial.dense, 0.0), cell(trial, 0.5)]
    [(_, dense), (_, level)] = training_results(cells, {trial.key: "killed"}, store=trained)
    assert (dense.status, dense.snapshot) == ("ok", trial.dense.key)
    assert (level.status, level.reason) == ("failed", "killed")


def result(subject, store, failures=(), sparsity=0.5):
    cell = Cell(
        subject=subject, sparsity=sparsity, backend=EAGER, batch=1, settings={"threads": 1}, key="k"
    )
    [(_, level)] = training_results([cell], dict(failures), store=store)
    return level


def keep_model(store, key):
    with store.writing(key) as folder:
        (folder / "model").write_text("weights")


def test_without_its_dense_model_a_trial_fails_for_the_same_reason(trial, store):
    level = result(trial, store, {trial.dense.key: "it ran out of memory"})
    assert (level.status, level.reason) == ("failed", "dense training: it ran out of memory")
    assert result(trial, store).reason == "dense training: not done"


def test_a_dense_model_is_its_own_result(trial, store):
    keep_model(store, trial.dense.key)
    level = result(trial.dense, store, sparsity=0.0)
    assert (level.status, level.snapshot, level.sparsity_reached) == ("ok", trial.dense.key, 0.0)


def test_a_trial_whose_process_died_says_so(trial, store):
    keep_model(store, trial.dense.key)
    assert result(trial, store).reason == "its process left no result"
    assert result(trial, store, {trial.key: "killed"}).reason == "killed"


def test_a_model_that_cannot_be_exported_is_a_failure_on_that_backend(trial, store):
    keep_model(store, trial.dense.key)
    DeployedSizes(store).record_failure(trial.dense.key, EAGER, "no such operator")
    level = result(trial.dense, store, sparsity=0.0)
    assert (level.status, level.reason) == ("failed", "export: no such operator")
