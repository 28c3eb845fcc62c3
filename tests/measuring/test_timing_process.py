"""A timing session: outputs checked first, everything timed in turn, failures kept apart."""

from dataclasses import replace

import pytest
import torch

from harness.conversion.export import Exporter
from harness.discovery.loading import discover
from harness.machine.clock import Limits
from harness.measuring.timing_process import TimingJob, time_snapshots
from harness.measuring.timing_results import COPY, DENSE
from harness.training.sampling import example_batch
from harness.trials.snapshot import load_model
from tests.doubles import Nowhere, OneAtATime, run_trial


@pytest.fixture
def job(trial, trained, request):
    levels = list(run_trial(trial, trained))
    return TimingJob(
        backend=discover().configured("backend", getattr(request, "param", "onnxruntime_cpu"), None),
        model=trial.dense.model,
        dataset=trial.dense.dataset,
        store=trained,
        snapshots={DENSE: trained.folder(trial.dense.key)}
        | {level.snapshot: trained.folder(level.snapshot) for level in levels},
        batches=(1, 4),
        threads=1,
        limits=Limits(seconds=0.0),
        seed=0,
    )


@pytest.mark.parametrize("job", ["eager_cpu", "onnxruntime_cpu"], indirect=True)
def test_dense_its_copy_and_every_level_are_timed_in_the_same_rounds(job):
    timing = time_snapshots(job)
    assert timing.failures == {1: {}, 4: {}}
    for batch in (1, 4):
        samples = timing.samples[batch]
        assert set(samples) == {*job.snapshots, COPY}
        assert len({len(times) for times in samples.values()}) == 1
        assert all(time > 0 for times in samples.values() for time in times)
    assert max(timing.deviations.values()) < 1e-4
    assert set(timing.load_ms) == set(timing.first_ms) == {*job.snapshots, COPY}
    assert all(ms > 0 for ms in [*timing.load_ms.values(), *timing.first_ms.values()])
    assert timing.load.others_cores is not None


def test_masked_twins_share_one_exported_graph(job):
    time_snapshots(job)
    graphs = [path for path in job.store.root.iterdir() if path.name.startswith("graph-")]
    assert len(graphs) == 1


def test_a_shared_graph_runs_the_weights_it_is_loaded_with(job):
    outputs = []
    for folder in job.snapshots.values():
        model = load_model(folder, job.model, job.dataset)
        example = example_batch(job.dataset, 2)
        exporter = Exporter(name="m", dataset=job.dataset, store=job.store)
        file = exporter.file(job.backend.converter, model, batch=2, folder=folder)
        found = job.backend.load(file)(example)
        with torch.no_grad():
            torch.testing.assert_close(found, model(example), rtol=1e-4, atol=1e-4)
        outputs.append(found)
    assert not torch.allclose(outputs[0], outputs[-1])


def is_pruned(model):
    return any(bool((weight == 0).any()) for weight in model.parameters() if weight.dim() > 1)


class Lying(Nowhere):
    """Right for dense weights, wrong for those with zeros."""

    def prepare(self, model, example):
        return (lambda images: model(images) + 1.0) if is_pruned(model) else model


class Refusing(Nowhere):
    """Prepares nothing."""

    def prepare(self, model, example):
        raise RuntimeError("no such instruction")


def test_wrong_outputs_fail_their_snapshot_and_nobody_else(job):
    timing = time_snapshots(replace(job, backend=Lying()))
    pruned = set(job.snapshots) - {DENSE}
    for failures in timing.failures.values():
        assert set(failures) == pruned
        assert all("outputs differ from PyTorch's" in reason for reason in failures.values())


def test_without_dense_there_is_nothing_to_compare_with(job):
    timing = time_snapshots(replace(job, backend=Refusing()))
    assert set(timing.failures[1]) == {*job.snapshots, COPY}
    assert "no such instruction" in timing.failures[1][DENSE]


def test_a_failure_at_one_batch_size_leaves_the_other_alone(job):
    timing = time_snapshots(replace(job, backend=OneAtATime()))
    assert timing.failures[1] == {}
    assert set(timing.samples[1]) == {*job.snapshots, COPY}
    assert "one image at a time" in timing.failures[4][DENSE]


class Choosy(Nowhere):
    """Runs what it was given before, and nothing else once it is asked to."""

    def prepare(self, model, example):
        seen = []

        def run(images):
            if len(seen) > 40 and not any(torch.equal(images, one) for one in seen):
                raise RuntimeError("never seen that")
            seen.append(images.clone())
            return model(images)

        return run


def test_what_a_backend_raises_at_a_new_input_fails_its_own_rows(job):
    timing = time_snapshots(replace(job, backend=Choosy()))
    assert "never seen that" in timing.failures[1][DENSE]


class Tiring(Nowhere):
    """Right when asked before the clock starts, wrong once it is timed."""

    def prepare(self, model, example):
        pruned, calls = is_pruned(model), []

        def run(images):
            calls.append(images)
            return model(images) + (1.0 if pruned and len(calls) > 6 else 0.0)

        return run


def test_timed_outputs_are_checked_too(job):
    timing = time_snapshots(replace(job, backend=Tiring()))
    assert set(timing.failures[1]) == set(job.snapshots) - {DENSE}
    assert all("outputs differ" in reason for reason in timing.failures[1].values())


class Stale(Nowhere):
    """Returns its first output of a pruned model for ever, and is quick about it."""

    def prepare(self, model, example):
        first = model(example)
        return (lambda _: first) if is_pruned(model) else model


class Halves(Nowhere):
    """Right for what it was prepared with, and for half of all other images."""

    def prepare(self, model, example):
        pruned, calls = is_pruned(model), []

        def run(images):
            calls.append(images)
            same = torch.equal(images, example)
            return model(images) if same or not pruned or len(calls) % 2 else model(example)

        return run


class Spoiling(Nowhere):
    """Zeroes a layer of pruned models in place, as a careless fusion would, and runs them."""

    def prepare(self, model, example):
        if is_pruned(model):
            model.classifier.weight.data.zero_()
        return model


def test_outputs_are_held_against_the_model_as_it_was_before_a_backend_saw_it(job):
    timing = time_snapshots(replace(job, backend=Spoiling()))
    for failures in timing.failures.values():
        assert set(failures) == set(job.snapshots) - {DENSE}


@pytest.mark.parametrize("backend", [Stale(), Halves()])
def test_outputs_of_all_inputs_that_took_turns_are_checked(job, backend):
    timing = time_snapshots(replace(job, backend=backend))
    for failures in timing.failures.values():
        assert set(failures) == set(job.snapshots) - {DENSE}
        assert all("outputs differ" in reason for reason in failures.values())


def test_a_process_can_be_pinned(job):
    import os

    before = os.sched_getaffinity(0)
    try:
        time_snapshots(replace(job, cores=(min(before),)))
        assert os.sched_getaffinity(0) == {min(before)}
    finally:
        os.sched_setaffinity(0, before)
