"""Contracts are recognised by what a plugin has, and each of them is one that a built-in offers."""

from inspect import getmembers, isclass

import pytest
import torch

from harness.contracts import backends, converters, data, meters, options, pruners, reporters, schedules
from harness.contracts.evidence import GRANULARITIES, Evidence, Reader
from harness.conversion.onnx import OnnxConverter
from harness.discovery.loading import discover
from harness.errors import HarnessError
from harness.pruning.evidence import RecordedEvidence
from tests.doubles import Nowhere, Wrong

MODULES = (backends, converters, data, meters, options, pruners, reporters, schedules)
CATALOGUE = discover()


def contracts():
    """Every class that plugins are recognised by."""
    return {
        kind
        for module in MODULES
        for _, kind in getmembers(module, isclass)
        if kind.__module__ == module.__name__ and getattr(kind, "_is_runtime_protocol", False)
    }


def offered():
    """Built-in plugins of all kinds, models and converters among them."""
    plugins = [offer.plugin for offer in CATALOGUE.offers]
    plugins += [*CATALOGUE.models("test_resnet"), *CATALOGUE.models("test_resnet.*")]
    loading = [plugin for plugin in plugins if isinstance(plugin, converters.LoadsFile)]
    return plugins + [plugin.converter for plugin in loading]


def offers(plugin, contract):
    try:
        return isinstance(plugin, contract)
    except HarnessError:
        # Data that has to be named has no classes to tell before.
        return False


@pytest.mark.parametrize("contract", sorted(contracts(), key=lambda kind: kind.__name__))
def test_a_built_in_offers_it(contract):
    assert [plugin for plugin in offered() if offers(plugin, contract)]


def test_a_name_alone_is_no_backend_and_a_backend_need_not_run_models():
    class Named:
        name = "named"

    class Idle(Named):
        unavailable, describe = Nowhere.unavailable, Nowhere.describe

    assert not isinstance(Named(), backends.Backend)
    assert isinstance(Idle(), backends.Backend)
    assert not isinstance(Idle(), backends.RunsModel | converters.LoadsFile | backends.Simulates)


def test_one_more_attribute_is_one_more_ability():
    assert not isinstance(Nowhere(), backends.Approximate)
    assert isinstance(Wrong(), backends.Approximate)


def test_a_graph_that_is_shared_is_no_file_for_one_batch_size():
    assert isinstance(OnnxConverter(), converters.SharesGraph)
    assert not isinstance(OnnxConverter(), converters.Converter)


def test_recorded_evidence_has_all_that_criteria_are_promised():
    promised = {name for name in vars(Evidence) if not name.startswith("_")}
    assert promised <= set(dir(RecordedEvidence))


def test_granularities_are_what_a_criterion_may_be_asked_to_score():
    assert GRANULARITIES == ("weight", "channel")


def test_a_reader_says_which_channel_feeds_which_input():
    reader = Reader(weight="w", index=torch.arange(4), channel=torch.tensor([0, 0, 1, 1]))
    assert reader.channel[reader.index == 2].tolist() == [1]
