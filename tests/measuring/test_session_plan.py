"""Time belongs to the architecture where a backend does not read weights: one model stands for all."""

from dataclasses import replace

import pytest

from harness.contracts.backends import shares_time
from harness.conversion.deployment import Deployment
from harness.discovery.loading import discover
from harness.machine.clock import Limits
from harness.measuring.deployed_size import DeployedSizes
from harness.measuring.session_plan import plan_sessions
from harness.measuring.timing_results import DENSE
from harness.planning.grid import Cell
from harness.trials.level_result import LevelResult
from harness.trials.snapshot import load_model
from harness_plugins.backends.eager import EagerCpu
from harness_plugins.backends.sparse_cpu import SparseCpu
from harness_plugins.pruners.random import Random
from tests.doubles import run_trial


@pytest.fixture
def ready(trial, trained):
    """Dense, two levels of masks, and two levels of channels that two methods cut alike in number."""

    def on(backend):
        cut = replace(trial, granularity="channel", pruner=Random(), scope="local")
        again = replace(cut, dense=replace(cut.dense, seed=7))
        dense = LevelResult(sparsity=0.0, status="ok", snapshot=trial.dense.key)
        levels = {trial.dense: [dense]}
        levels |= {own: list(run_trial(own, trained)) for own in (trial, cut, again)}
        pairs = [(cell(s, level, backend), level) for s, own in levels.items() for level in own]
        sizes, to = DeployedSizes(trained), Deployment(backend=backend, batches=(1,))
        for own, level in [*pairs, (pairs[0][0], replace(dense, snapshot=again.dense.key))]:
            model = load_model(trained.folder(level.snapshot), own.dense.model, own.dense.dataset)
            sizes.export(level.snapshot, model, dense=own.dense, to=to)
        return pairs

    return on


def cell(subject, level, backend):
    return Cell(
        subject=subject,
        sparsity=level.sparsity,
        backend=backend,
        batch=1,
        settings={"device": "none", "threads": 1, "backend": backend.name},
        key=f"{subject.key}@{level.sparsity}",
    )


def planned(ready, store):
    return plan_sessions(ready, store=store, limits=Limits(seconds=0.0))


def test_one_model_stands_for_all_of_its_architecture_whatever_seed_made_them(ready, trained):
    pairs = ready(EagerCpu())
    [session] = planned(pairs, trained)
    assert session.origins == sorted(pairs, key=session.origins.index), "every cell has its row"
    assert len(session.items) == len(pairs)
    by_level = {}
    for item in session.items:
        owner, level = item.origin
        granularity = getattr(owner.subject, "granularity", "dense")
        by_level.setdefault((granularity, level.sparsity), set()).add(item.labels)
    masked = [labels for (granularity, _), labels in by_level.items() if granularity != "channel"]
    assert masked == [{()}] * 3, "dense, and what is dense but for its zeros"
    cut = [labels for (granularity, _), labels in by_level.items() if granularity == "channel"]
    assert [len(labels) for labels in cut] == [1, 1], "two seeds of one level share a label"
    assert cut[0] != cut[1]


def test_twins_with_other_weights_are_timed_as_a_check(ready, trained):
    [session] = planned(ready(EagerCpu()), trained)
    assert len(session.twins) == 2
    assert next(iter(session.twins.values())) == DENSE, "zeros are the first to ask about"
    own = {label for item in session.items for label in item.labels}
    for twin, label in session.twins.items():
        assert twin not in own
        assert label == DENSE or label in own
        assert session.job.snapshots[twin] == trained.folder(twin)
    assert len(session.job.snapshots) == 1 + len(own) + len(session.twins)


def test_what_has_a_time_already_may_be_a_twin_of_dense(ready, trained):
    pairs = ready(EagerCpu())
    masked = [pair for pair in pairs if getattr(pair[0].subject, "granularity", "") == "weight"]
    cut = pairs[-1:]
    [alone] = planned(cut, trained)
    assert alone.twins == {}
    [session] = plan_sessions(cut, store=trained, limits=Limits(seconds=0.0), shared=masked)
    assert list(session.twins.values()) == [DENSE]
    assert session.origins == cut, "its row is there already"


def test_what_is_taken_apart_times_no_twins(ready, trained):
    [session] = planned(ready(EagerCpu()), trained)
    smaller = session.split()
    assert [one.twins for one in smaller] == [{}] * 3, "dense, and two architectures"
    assert [len(one.job.snapshots) for one in smaller] == [1, 2, 2]
    assert sum(len(one.items) for one in smaller) == len(session.items)


def test_where_values_of_weights_matter_every_model_is_timed_for_itself(ready, trained):
    pairs = ready(SparseCpu())
    sessions = planned(pairs, trained)
    assert len(sessions) == 2, "one for each seed's dense model"
    labels = [label for one in sessions for item in one.items for label in item.labels]
    assert sorted(labels) == sorted(level.snapshot for _, level in pairs[1:])
    assert all(one.twins == {} for one in sessions)


class Silent:
    """A backend that does not say whether values of weights matter."""

    name = "silent"


def test_a_backend_that_does_not_say_shares_nothing():
    assert not shares_time(Silent())


def test_known_backends_say_whether_zeros_change_their_time():
    backends = {o.name: o.plugin for o in discover().offers if o.kind == "backend"}
    told = {name: shares_time(plugin) for name, plugin in backends.items()}
    assert {"sparse_cpu", "ethos_u55"} <= {name for name, shares in told.items() if not shares}
    assert {"eager_cpu", "onnxruntime_cpu"} <= {name for name, shares in told.items() if shares}
    assert all(hasattr(plugin, "reads_weights") for plugin in backends.values())
