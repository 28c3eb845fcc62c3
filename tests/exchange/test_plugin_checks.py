"""Whether the plugins of a submission are those installed here."""

from harness.discovery.loading import discover
from harness.exchange._plugin_checks import plugin_notes, used_plugins
from harness.storage.keys import source_hash
from harness_plugins.datasets.digits import Digits
from harness_plugins.schedules.iterative import Iterative
from tests.doubles import made_row

INSTALLED = {
    ("dataset", "digits", source_hash(Digits())),
    ("schedule", "iterative:0.2", source_hash(Iterative())),
}


def test_plugins_that_are_installed_here_need_no_note():
    assert [*plugin_notes(INSTALLED, discover())] == []


def test_another_program_of_the_name_is_named_with_both_hashes():
    [note] = plugin_notes({("pruner", "taylor", "abc")}, discover())
    assert note.startswith("pruner taylor is another program here")
    assert "(abc there, " in note


def test_what_is_not_installed_is_named():
    used = {("model", "theirs", "abc"), ("pruner", "theirs:0.5", "abc")}
    told = [*plugin_notes(used, discover())]
    assert [note.partition(" is ")[0] for note in told] == ["model theirs", "pruner theirs:0.5"]
    assert all("not installed here" in note for note in told)


def test_rows_without_a_criterion_name_none():
    rows = [
        made_row(pruner="dense", pruner_hash="", schedule_hash="", model_hash="m", dataset_hash="d"),
        made_row(pruner="rivals", pruner_hash="r", schedule_hash="", model_hash="m", dataset_hash="d"),
    ]
    assert {kind for kind, _, _ in used_plugins(rows)} == {"model", "dataset"}
