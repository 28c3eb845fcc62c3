"""Many snapshots are loaded at once as each would be alone."""

from harness.measuring._snapshot_loading import load_models, trace_of
from harness.training.sampling import example_batch
from harness.trials.snapshot import load_model
from tests.doubles import run_trial


def test_what_is_loaded_one_after_the_other_by_one_trace_computes_what_each_does_alone(
    channel_trial, trained
):
    model, dataset = channel_trial.dense.model, channel_trial.dense.dataset
    levels = [level.snapshot for level in run_trial(channel_trial, trained)]
    folders = [trained.folder(name) for name in (channel_trial.dense.key, *levels)]
    traced, images = trace_of(model, dataset, folders), example_batch(dataset, 2)

    loaded = [*load_models([(folder, model) for folder in folders], dataset, traced=traced)]

    assert len(loaded) == len(folders)
    for folder, network in zip(folders, loaded, strict=True):
        assert network(images).equal(load_model(folder, model, dataset)(images))
    assert traced is not None, "two were cut"
    assert trace_of(model, dataset, folders[:2]) is None, "one is traced where it is loaded"
