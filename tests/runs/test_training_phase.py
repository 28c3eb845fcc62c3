"""What training left of each cell: a model that runs on its backend, or why there is none."""

from harness.discovery.loading import discover
from harness.runs.training_phase import training_results
from harness.trials.deployed_size import DeployedSizes
from harness.trials.grid import Cell

EAGER = discover().configured("backend", "eager_cpu", None)


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
