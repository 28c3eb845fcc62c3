"""Every built-in plugin passes the kit that strangers are offered, and the kit catches mistakes."""

import pytest
import torch

import harness
from harness import testing
from harness.discovery.loading import discover
from harness_plugins.datasets.digits import Digits

CATALOGUE = discover()


def every(kind):
    return pytest.mark.parametrize("name", CATALOGUE.names(kind))


def plugin(kind, name):
    [found] = [offer.plugin for offer in CATALOGUE.offers if (offer.kind, offer.name) == (kind, name)]
    needs = isinstance(found, harness.NeedsArgument)
    return found.configured(found.needs_argument) if needs else found


@every("pruner")
def test_pruners(name):
    testing.check_pruner(plugin("pruner", name))


@every("schedule")
def test_schedules(name):
    testing.check_schedule(plugin("schedule", name))


@every("backend")
def test_backends(name):
    testing.check_backend(plugin("backend", name))


@every("reporter")
def test_reporters(name, rows):
    testing.check_reporter(plugin("reporter", name), rows)


def test_the_digits():
    testing.check_dataset(Digits())


def test_an_image_folder(image_folder):
    testing.check_dataset(CATALOGUE.configured("dataset", "folder", str(image_folder)))


@pytest.mark.parametrize("name", ["resnet18", "mobilenetv3_small_050", "vit_tiny_patch16_224"])
def test_models(name):
    [model] = CATALOGUE.choose_models(name)
    testing.check_model(model, Digits())


class Pruner:
    """Correct; what the broken ones below start from."""

    name = "weight"

    def score(self, evidence):
        return {name: weight.abs() for name, weight in evidence.weights.items()}


class Forgetful(Pruner):
    def score(self, evidence):
        return dict(list(super().score(evidence).items())[1:])


class Undefined(Pruner):
    def score(self, evidence):
        return {name: score / 0.0 - score / 0.0 for name, score in super().score(evidence).items()}


class Restless(Pruner):
    def score(self, evidence):
        return {name: torch.rand_like(score) for name, score in super().score(evidence).items()}


class Transposed(Pruner):
    def score(self, evidence):
        return {name: score.transpose(0, -1) for name, score in super().score(evidence).items()}


@pytest.mark.parametrize(
    ("broken", "sentence"),
    [
        (Forgetful(), "'first.weight' needs one of"),
        (Undefined(), "hold NaN"),
        (Restless(), "the same evidence must give the same scores"),
        (Transposed(), "'first.weight' needs one of"),
    ],
)
def test_a_broken_pruner_is_told_what_is_wrong(broken, sentence):
    testing.check_pruner(Pruner())
    with pytest.raises((AssertionError, harness.HarnessError), match=sentence):
        testing.check_pruner(broken)


def test_a_pruner_that_cannot_travel_to_a_worker_is_told_so():
    class Local(Pruner):
        pass

    with pytest.raises(AssertionError, match="must be picklable"):
        testing.check_pruner(Local())


class Undershooting:
    """Never reaches its target."""

    name = "undershooting"

    def rounds(self, target):
        return [harness.Round(sparsity=target / 2, share=1.0)]


class Spendthrift:
    """Fine-tunes for longer than everybody else."""

    name = "spendthrift"

    def rounds(self, target):
        return [harness.Round(sparsity=target, share=2.0)]


@pytest.mark.parametrize(
    ("broken", "sentence"),
    [(Undershooting(), "the last is the target"), (Spendthrift(), "shares add up to 1")],
)
def test_a_broken_schedule_is_told_what_is_wrong(broken, sentence):
    with pytest.raises(AssertionError, match=sentence):
        testing.check_schedule(broken)


class Deaf:
    """A backend that returns zeros."""

    name = "deaf"

    def unavailable(self):
        return None

    def describe(self):
        return {"device": "none", "runtime": "none"}

    def prepare(self, model, example):
        return lambda images: torch.zeros(len(images), 10)


def test_a_backend_with_wrong_outputs_is_told_so():
    with pytest.raises(AssertionError, match="outputs differ from PyTorch's"):
        testing.check_backend(Deaf())


class Wandering:
    """A reporter that would write elsewhere."""

    name = "wandering"

    def render(self, rows):
        return {"../leaderboard.md": b""}


def test_a_reporter_that_leaves_its_folder_is_told_so(rows):
    with pytest.raises(AssertionError, match="no plain file name"):
        testing.check_reporter(Wandering(), rows)
