"""Rivals: smaller networks in a pruned one's place, trained by its recipe for all of its epochs."""

from dataclasses import dataclass, replace

import pytest
import torch
from torch import nn

from harness.discovery.loading import discover
from harness.errors import HarnessError
from harness.planning.plan import make_plan
from harness.runs.request import Request
from harness.storage.keys import trial_key
from harness.storage.row import RIVALS
from harness.training.recipe import Recipe
from harness.trials.rival import Rival, smaller_networks
from harness.trials.snapshot import load_model, read_facts
from tests.doubles import SmallModel, run_trial

REQUEST = Request(
    models="test_resnet", dataset="digits", pruners="random", granularities="channel",
    scope="published", schedules="one_shot", levels="0.5", seeds="0,1", backends="eager_cpu",
    batch_sizes="1", threads=1, recipe=Recipe(),
)  # fmt: skip


@dataclass(frozen=True)
class Tiny:
    """One convolution and a classifier."""

    name: str = "tiny"

    def build(self, dataset):
        return nn.Sequential(
            nn.Conv2d(dataset.shape[0], 4, 3, stride=2), nn.ReLU(), nn.AdaptiveAvgPool2d(1),
            nn.Flatten(), nn.Linear(4, dataset.classes),
        )  # fmt: skip


@pytest.fixture
def rival(dense):
    network = replace(dense, model=Tiny(), recipe=replace(dense.recipe, dense_epochs=1.5))
    [smaller] = smaller_networks(dense.model, [Tiny()], dataset=dense.dataset, quantity="macs")
    return Rival(dense=dense, network=network, level=smaller.level)


def test_its_level_is_what_it_has_less_of_the_model(dense):
    [by_macs] = smaller_networks(dense.model, [Tiny()], dataset=dense.dataset, quantity="macs")
    [by_size] = smaller_networks(dense.model, [Tiny()], dataset=dense.dataset, quantity="params")
    channels, height, _ = dense.dataset.shape
    outputs = ((height - 3) // 2 + 1) ** 2
    macs = outputs * 4 * 9 * channels + 4 * dense.dataset.classes
    assert by_macs.level == pytest.approx(1 - macs / 1106080, abs=1e-6)
    assert by_size.level != by_macs.level
    assert smaller_networks(Tiny(), [SmallModel()], dataset=dense.dataset, quantity="macs") == []


def test_it_is_trained_and_its_level_says_what_is_gone(rival, trained):
    [result] = run_trial(rival, trained)
    assert (result.status, result.sparsity, result.snapshot) == ("ok", rival.level, rival.network.key)
    assert result.facts.epochs == 1.5
    whole = read_facts(trained.folder(rival.dense.key))
    own = read_facts(trained.folder(result.snapshot))
    assert result.sparsity_reached == pytest.approx(1 - own.prunable / whole.prunable)
    assert result.target_reached == pytest.approx(1 - own.macs / whole.macs, abs=1e-6)
    model = load_model(trained.folder(result.snapshot), Tiny(), rival.dense.dataset)
    assert model[0].out_channels == 4
    assert torch.isfinite(model(torch.zeros(1, *rival.dense.dataset.shape))).all()


def test_its_key_follows_from_its_row_and_holds_how_it_is_trained(rival):
    assert trial_key(rival.settings) == rival.key
    longer = replace(rival.network, recipe=replace(rival.network.recipe, dense_epochs=9.0))
    assert replace(rival, network=longer).key != rival.key
    other = replace(rival.network, model=replace(Tiny(), name="other"))
    assert replace(rival, network=other).key != rival.key


def planned(**changes):
    return make_plan(replace(REQUEST, **changes).grid(discover()), [])


def test_rivals_stand_beside_every_dense_model_that_is_larger():
    plan = planned(models="test_resnet,test_vit", rivals="test_convnext,test_efficientnet")
    labels = [trial.label for trial in plan.trials if isinstance(trial, Rival) and not trial.dense.seed]
    assert labels == [
        "test_resnet rival test_convnext seed 0", "test_resnet rival test_efficientnet seed 0",
        "test_vit rival test_convnext seed 0",
    ]  # fmt: skip
    own = [cell for cell in plan.cells if isinstance(cell.subject, Rival)]
    assert len(own) == 6, "a level and a seed each"
    assert {cell.settings["pruner"] for cell in own} == {RIVALS}
    assert {cell.settings["rival"] for cell in own} == {"test_convnext", "test_efficientnet"}
    [recipe, *_] = [cell.network.recipe for cell in own]
    assert recipe.dense_epochs == REQUEST.recipe.dense_epochs + REQUEST.recipe.finetune_epochs
    assert not any("rival" in cell.key for cell in planned(models="test_resnet").cells)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"rivals": "test_nfnet"}, "test_nfnet is no smaller network than test_resnet"),
        ({"rivals": "test_resnet"}, "test_resnet is no smaller network than test_resnet"),
        ({"rivals": "resnet_of_old"}, "resnet_of_old"),
        (
            {"recipe": replace(REQUEST.recipe, dense_epochs=0.0, finetune_epochs=0.0)},
            "test_vit would not be trained",
        ),
    ],
)
def test_what_is_no_rival_is_refused_by_name(changes, reason):
    with pytest.raises(HarnessError, match=reason):
        planned(**{"models": "test_resnet", "rivals": "test_vit", **changes})


def test_fresh_weights_are_not_held_against_trained_ones(tmp_path):
    from safetensors.torch import save_file

    from harness_plugins.datasets.digits import Digits
    from harness_plugins.models.timm import TimmModel

    weights = tmp_path / "weights.safetensors"
    save_file(TimmModel("test_resnet").build(Digits()).state_dict(), weights)
    with pytest.raises(HarnessError, match="test_vit would start from fresh weights"):
        planned(models="test_resnet", rivals="test_vit", weights=weights)
