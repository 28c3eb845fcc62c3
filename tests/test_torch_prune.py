"""Masked models to and from torch.nn.utils.prune, and its classes as criteria."""

import copy
from dataclasses import replace

import pytest
import torch
from torch.nn.utils import prune

from harness.discovery import discover
from harness.errors import HarnessError
from harness.fitting import train_dense
from harness.layers import prunable_weights
from harness.snapshot import load_model
from harness.torch_prune import from_torch_prune, to_torch_prune
from harness.trial import walk
from harness_plugins.pruners.torch_prune import TorchPrune

IMAGES = torch.randn(2, 3, 16, 16, generator=torch.Generator().manual_seed(0))


def test_a_masked_model_goes_there_and_comes_back(network):
    with torch.no_grad():
        network.second.weight[network.second.weight.abs() < 0.05] = 0.0
    there = copy.deepcopy(network)
    to_torch_prune(there)
    assert prune.is_pruned(there.second)
    assert {"weight_orig", "bias"} >= set(dict(there.second.named_parameters()))
    assert torch.equal(there.second.weight_mask.bool(), network.second.weight != 0)
    assert torch.equal(there(IMAGES), network(IMAGES))
    masks = from_torch_prune(there)
    assert list(masks) == ["second.weight"]
    assert not prune.is_pruned(there)
    assert {n: p.shape for n, p in there.named_parameters()} == {
        n: p.shape for n, p in network.named_parameters()
    }
    assert torch.equal(there.second.weight, network.second.weight)


def test_what_torch_pruned_comes_back_as_masks(network):
    prune.l1_unstructured(network.third, "weight", amount=0.3)
    wanted = network.third.weight_mask.bool()
    [(name, mask)] = from_torch_prune(network).items()
    assert name == "third.weight"
    assert torch.equal(mask, wanted)


@pytest.mark.parametrize(
    ("argument", "method", "settings"),
    [
        ("L1Unstructured", prune.l1_unstructured, {}),
        ("LnStructured+n=2+dim=0", prune.ln_structured, {"n": 2, "dim": 0}),
    ],
)
def test_its_classes_prune_as_they_do_there(trial, store, argument, method, settings):
    train_dense(trial.dense, store)
    pruner = TorchPrune().configured(argument)
    recipe = replace(trial.dense.recipe, finetune_epochs=0.0)
    trial = replace(trial, pruner=pruner, levels=(0.5,), dense=replace(trial.dense, recipe=recipe))
    [level] = walk(trial, store)
    assert level.reason == ""
    dense = trial.dense
    ours = load_model(store.folder(level.snapshot), dense.model, dense.dataset)
    theirs = load_model(store.folder(dense.key), dense.model, dense.dataset)
    for name, weight in prunable_weights(ours).items():
        module = theirs.get_submodule(name.removesuffix(".weight"))
        method(module, "weight", amount=0.5, **settings)
        assert torch.equal(weight, module.weight), name


def test_random_classes_follow_the_trials_seed(network):
    class Given:
        def __init__(self, seed):
            self.weights = prunable_weights(network)
            self.generator = torch.Generator().manual_seed(seed)

    pruner = TorchPrune().configured("RandomUnstructured")
    one, same, other = (pruner.masks(Given(seed), 0.5)["third.weight"] for seed in (1, 1, 2))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


@pytest.mark.parametrize(
    ("terms", "sentence"),
    [
        ("torch_prune", "needs an argument, as torch_prune:L1Unstructured"),
        ("torch_prune:Nothing", "not 'Nothing'"),
        ("torch_prune:LnStructured+n=two", "n takes a whole number, not 'two'"),
        ("torch_prune:LnStructured", "LnStructured: "),
    ],
)
def test_what_is_wrong_with_an_argument_is_told(terms, sentence):
    with pytest.raises(HarnessError, match=sentence):
        discover().choose("pruner", terms)


def test_all_leaves_out_what_needs_an_argument():
    assert "torch_prune" not in [pruner.name for pruner in discover().choose("pruner", "all")]
