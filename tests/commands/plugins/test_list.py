"""`harness list`: every plugin with what it is, and apart, what cannot be used and why."""

import json

import pytest
from click.testing import CliRunner

from harness.commands.plugins.list import list_plugins
from harness.discovery.loading import discover
from tests.doubles import refusal


@pytest.fixture
def listed(monkeypatch):
    def run(*arguments: str) -> str:
        monkeypatch.setenv("COLUMNS", "200")
        done = CliRunner().invoke(list_plugins, [*arguments], catch_exceptions=False)
        assert done.exit_code == 0
        return done.output

    return run


def test_all_that_is_available_is_listed_and_the_rest_stands_apart(listed):
    usable, _, apart = listed().partition("Broken or unavailable")
    catalogue = discover()
    offers = [offer for offer in catalogue.available() if offer.kind != "model"]
    assert all(f" {offer.name} " in usable for offer in offers)
    assert all(f" {name} " in apart for name, _, _ in catalogue.missing())


def test_models_are_told_by_the_names_that_they_offer(listed):
    text = listed()
    assert " cifar_resnet20 and 4 more " in text
    assert " asked for by name " in text
    assert len(listed("models").splitlines()) > 1000
    assert " resnet18 " in listed("models")


def test_one_kind_is_listed_alone(listed):
    text = listed("pruners")
    assert " taylor " in text
    assert " backend " not in text
    assert all(f" {offer.name} " in text for offer in discover().offers if offer.kind == "pruner")


def test_a_program_gets_the_same_as_json(listed):
    backends = json.loads(listed("backends", "--json"))
    by_name = {one["name"]: one for one in backends}
    assert {one["kind"] for one in backends} == {"backend"}
    assert by_name["onnxruntime_cpu"]["reason"] == ""
    missing = {name: reason for name, _, reason in discover().missing()}
    assert by_name["onnxruntime_cuda"]["reason"] == missing["onnxruntime_cuda"]
    assert len(json.loads(listed("--json"))) > 1000


def test_what_is_broken_is_named_whatever_kind_is_listed(listed, installed):
    installed("taylor", source="raise ValueError('no good')")
    for words in ((), ("pruners",), ("backends",)):
        assert "ValueError: no good" in listed(*words).partition("Broken or unavailable")[2]
    lines = json.loads(listed("pruners", "--json"))
    assert ["no good" in one["reason"] for one in lines if one["kind"] == ""] == [True]
    assert [one["reason"] for one in lines if one["name"] == "taylor" and one["kind"]] == [""]


def test_a_kind_that_there_is_not_is_named_with_those_there_are(command):
    assert "'pruner' is not one of 'pruners', 'schedules'" in refusal(command("list", "pruner"))
