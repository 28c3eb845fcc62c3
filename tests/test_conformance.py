"""Every built-in plugin passes the kit that strangers are offered, and offers what it declares."""

from typing import get_args, get_type_hints

import pytest

import harness
from harness import testing
from harness.contracts.abilities import ABILITIES
from harness.discovery.loading import discover
from harness_plugins import abilities
from harness_plugins.datasets.digits import Digits
from harness_plugins.models.pretrained import PretrainedModel

CATALOGUE = discover()
EXAMPLES = {
    "slimming": "1e-3", "group_lasso": "1e-3", "greg": "0.5", "torch_prune": "RandomUnstructured",
    "rigl": "20", "linear": "8", "agp": "8", "iterative": "20%", "lottery": "0.05+full",
    "weight_rewinding": "0.1", "rate_rewinding": "0.1",
    "eager_cpu": "channels_last+bf16", "onnxruntime_cpu": "basic+spinning", "eager_cuda": "fp16",
    "compiled_cuda": "channels_last", "watts": "15",
}  # fmt: skip
"""An argument of each plugin that takes one, the data sets aside."""
DECLARED = {
    get_args(annotation)[0]: getattr(abilities, name)
    for name, annotation in get_type_hints(abilities).items()
    if name.isupper() and not name.startswith("_")
}
"""Built-in plugins by the ability that they are declared to have."""


def every(kind):
    return pytest.mark.parametrize("name", CATALOGUE.names(kind))


def configurable(kind):
    names = [name for name in CATALOGUE.names(kind) if name in EXAMPLES]
    return pytest.mark.parametrize("name", names)


def plugin(kind, name):
    [offer] = [offer for offer in CATALOGUE.offers if (offer.kind, offer.name) == (kind, name)]
    return offer.plugin


def of_each_kind():
    kinds = {kind.__name__.lower(): kind for kind in ABILITIES}
    return [(kinds[o.kind], o.plugin) for o in CATALOGUE.offers if o.kind != "model"]


@every("pruner")
def test_pruners(name):
    testing.check_pruner(plugin("pruner", name))


@configurable("pruner")
def test_pruners_with_an_argument(name):
    testing.check_pruner(plugin("pruner", name), argument=EXAMPLES[name])


@every("schedule")
def test_schedules(name):
    testing.check_schedule(plugin("schedule", name))


@configurable("schedule")
def test_schedules_with_an_argument(name):
    testing.check_schedule(plugin("schedule", name), argument=EXAMPLES[name])


@every("backend")
def test_backends(name):
    testing.check_backend(plugin("backend", name))


@configurable("backend")
def test_backends_with_an_argument(name):
    testing.check_backend(plugin("backend", name), argument=EXAMPLES[name])


@every("meter")
def test_meters(name):
    testing.check_meter(plugin("meter", name))


@every("reporter")
def test_reporters(name, rows):
    testing.check_reporter(plugin("reporter", name), rows)


def test_the_digits():
    testing.check_dataset(Digits())


def test_an_image_folder(image_folder):
    testing.check_dataset(plugin("dataset", "folder"), argument=str(image_folder))


@pytest.mark.parametrize(
    "name", ["resnet18", "mobilenetv3_small_050", "vit_tiny_patch16_224", "cifar_resnet20"]
)
def test_models(name):
    [model] = CATALOGUE.choose_models(name)
    testing.check_model(model, Digits())


def test_every_ability_is_declared_of_a_built_in():
    assert set(DECLARED) == {ability for offered in ABILITIES.values() for ability in offered}


@pytest.mark.parametrize("ability", DECLARED, ids=lambda ability: ability.__name__)
def test_what_is_declared_is_recognised(ability):
    assert [type(p).__name__ for p in DECLARED[ability] if not isinstance(p, ability)] == []


@pytest.mark.parametrize(
    ("kind", "built_in"),
    [*of_each_kind(), (harness.Model, PretrainedModel("resnet18.a1_in1k"))],
    ids=lambda value: getattr(value, "name", None),
)
def test_what_is_recognised_of_a_built_in_is_declared(kind, built_in):
    recognised = {ability for ability in ABILITIES[kind] if isinstance(built_in, ability)}
    of_its_class = {
        ability
        for ability, plugins in DECLARED.items()
        if any(type(declared) is type(built_in) for declared in plugins)
    }
    assert recognised <= of_its_class


@pytest.mark.parametrize("kind", ["pruner", "schedule", "backend", "meter"])
def test_every_configurable_built_in_has_an_example_here(kind):
    taking = {
        name for name in CATALOGUE.names(kind) if isinstance(plugin(kind, name), harness.Configurable)
    }
    assert taking <= set(EXAMPLES)
