"""Keys: the same for the same settings however they come, and for ever."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.storage.file_hash import file_hash
from harness.storage.keys import (
    DEFAULTS,
    DENSE_SETTINGS,
    MEASUREMENT_SETTINGS,
    TRIAL_SETTINGS,
    dense_key,
    digest,
    file_name,
    measurement_key,
    settings_digest,
    source_hash,
    stable_seed,
    trial_key,
)
from harness.storage.ledger import Ledger
from harness_plugins.pruners.magnitude import Magnitude
from harness_plugins.schedules.iterative import Iterative
from tests.doubles import ROOT

RUNS = sorted(path.parent for path in (ROOT / "results").glob("*/rows.jsonl"))
NUMBERS = {"seed", "batch", "threads", "train_batch", "recipe"}
FRACTIONS = {"dense_epochs", "finetune_epochs", "dense_lr", "finetune_lr", "weight_decay", "sparsity"}
FRACTIONS |= {"penalty_epochs", "layer_floor"}


def values(name):
    if name in NUMBERS:
        return st.integers(0, 2**31)
    if name in FRACTIONS:
        return st.floats(0, 1000)
    return st.booleans() if name == "augmented" else st.text(max_size=12)


SETTINGS = st.fixed_dictionaries(
    {n: values(n) for n in {*TRIAL_SETTINGS, *MEASUREMENT_SETTINGS}}
).filter(lambda settings: settings["pruner"] != "dense")
"""Of a measurement: all that any key is made of."""


@pytest.mark.parametrize("run", RUNS, ids=lambda run: run.name)
def test_keys_of_earlier_releases_still_hold(run):
    rows = Ledger(run).rows()
    assert rows
    for row in rows:
        assert trial_key(row) == row["trial"]
        assert measurement_key(row) == row["key"]


@given(SETTINGS, st.randoms(use_true_random=False))
def test_the_order_of_settings_never_matters(settings, random):
    names = list(settings)
    random.shuffle(names)
    shuffled = {name: settings[name] for name in names}
    for key in (dense_key, trial_key, measurement_key):
        assert key(shuffled) == key(settings)


@given(SETTINGS, st.dictionaries(st.text(min_size=1, max_size=8), st.integers()))
def test_a_row_gives_the_key_of_its_plan(settings, more):
    row = json.loads(json.dumps({**more, **settings}))
    for key in (dense_key, trial_key, measurement_key):
        assert key(row) == key(settings)


@given(SETTINGS)
def test_a_setting_that_came_later_leaves_old_keys_alone(settings):
    new = {**settings, **DEFAULTS}
    old = {name: value for name, value in new.items() if name not in DEFAULTS}
    for key in (dense_key, trial_key, measurement_key):
        assert key(old) == key(new)


@given(SETTINGS, st.data())
def test_every_setting_of_a_key_changes_it(settings, data):
    for key, names in (
        (dense_key, DENSE_SETTINGS),
        (trial_key, TRIAL_SETTINGS),
        (measurement_key, MEASUREMENT_SETTINGS),
    ):
        name = data.draw(st.sampled_from(names))
        value = data.draw(values(name).filter(lambda v, name=name: v not in (settings[name], "dense")))
        assert key({**settings, name: value}) != key(settings), name


@given(SETTINGS)
def test_a_dense_models_key_is_that_of_all_its_trials(settings):
    assert trial_key({**settings, "pruner": "dense"}) == dense_key(settings)


@given(st.text())
def test_a_key_is_the_name_of_one_file_in_its_folder(text):
    name = file_name(text)
    assert "/" not in name
    assert name.strip(".") == name
    assert len(name.encode()) < 200


def test_long_keys_stay_apart():
    assert file_name("a" * 300) != file_name("a" * 301)


def test_a_digest_is_of_the_values_not_of_how_they_are_written():
    assert digest({"a": 1, "b": [2.0]}) == digest({"b": [2.0], "a": 1}) == "e68fd11458a3"
    assert settings_digest({"seed": 0, "model": "m"}, ("model",)) == digest({"model": "m"})


def test_a_seed_depends_on_its_parts_alone():
    assert stable_seed(0, "dense") == stable_seed("0", "dense") == 809016756
    assert stable_seed(1, "dense") != stable_seed(0, "dense")


def test_a_plugin_is_known_by_the_file_of_its_class():
    assert source_hash(Magnitude("a", 1)) == source_hash(Magnitude("b", 2))
    assert source_hash(Magnitude("a", 1)) != source_hash(Iterative())


def test_a_plugin_without_a_file_is_known_by_its_class():
    assert source_hash(type("Made", (), {"__module__": "builtins"})()) != source_hash(object())


def test_a_file_is_known_by_its_content(tmp_path):
    for name, content in (("a", b"one"), ("b", b"one"), ("c", b"two")):
        (tmp_path / name).write_bytes(content)
    a, b, c = (file_hash(tmp_path / name) for name in "abc")
    assert a == b != c
