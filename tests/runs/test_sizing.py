"""A run sized to this machine: models train in what is fastest here and harmless, as many as fit."""

from dataclasses import dataclass

import pytest
import torch
from torch import nn

from harness.planning.grid import Grid
from harness.planning.model_inputs import ModelInputs
from harness.runs import sizing
from harness.runs.sizing import (
    fastest,
    in_arithmetic_of,
    in_fastest_arithmetic,
    remembered_costs,
    try_training_costs,
    workers_that_fit,
)
from harness.training.arithmetic import processor_arithmetics
from harness.training.recipe import Recipe, StepCost
from harness.training.sampling import calibration_batches
from harness.training.step_profile import StepCostJob, harmless_arithmetics, measure_step_cost
from harness_plugins.datasets.digits import Digits
from harness_plugins.models.timm import TimmModel
from tests.doubles import SmallModel, local_engine

MILLISECONDS = {"": 10.0, "channels_last": 9.8, "bf16": 7.0, "channels_last+bf16": 6.0}


class Lifted(nn.Module):
    """Its numbers are around a thousand where 16 bits tell them apart by fours."""

    def __init__(self):
        super().__init__()
        self.layer, self.last = nn.Linear(3 * 32 * 32, 32), nn.Linear(32, 10)
        nn.init.constant_(self.layer.bias, 1000.0)

    def forward(self, images):
        return self.last(self.layer(images.flatten(1)) - 1000.0)


@dataclass(frozen=True)
class Broken:
    """A model that cannot be built."""

    name: str = "broken"

    def build(self, dataset):
        raise RuntimeError("no such model")


@pytest.fixture
def grid():
    def made(*models, **settings):
        return Grid(
            models=models, inputs=ModelInputs(dataset=Digits()), pruners=[], granularities=[],
            scope="published", schedules=[], levels=[0.5], seeds=[0], backends=[], devices={},
            batches=[1], threads=1, recipe=Recipe(), **settings,
        )  # fmt: skip

    return made


@pytest.fixture
def engine(tmp_path):
    return local_engine(tmp_path, workers=1)


def test_a_model_is_timed_in_every_arithmetic_that_there_is():
    step_cost = measure_step_cost(StepCostJob(model=SmallModel(), dataset=Digits(), images=64))
    assert {"", "channels_last"} <= set(step_cost.milliseconds) <= set(processor_arithmetics())
    assert all(milliseconds > 0.0 for milliseconds in step_cost.milliseconds.values())


def test_more_images_a_step_take_more_memory(engine):
    jobs = {
        images: StepCostJob(model=TimmModel("resnet18"), dataset=Digits(), images=images)
        for images in (8, 128)
    }
    found = dict(engine.run(measure_step_cost, jobs, watching=lambda _: None))
    few, many = (found[images].value.megabytes for images in jobs)
    assert few > 8 * 44.8, "weights, gradients and their copies"
    assert many > few + 30.0


def test_without_the_instructions_nothing_trains_in_16_bits(monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx2": True, "avx512_bf16": False})
    assert processor_arithmetics() == ["", "channels_last"]
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": True})
    assert processor_arithmetics() == ["", "channels_last", "bf16", "channels_last+bf16"]


def test_fewer_bits_are_harmless_where_another_batch_changes_much_more(network, monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": True})
    batches = calibration_batches(Digits(), images=64, batch=32, seed=0)
    assert harmless_arithmetics(network, batches) == processor_arithmetics()
    torch.manual_seed(0)
    assert harmless_arithmetics(Lifted(), batches) == ["", "channels_last"]


def test_floats_stay_where_nothing_is_clearly_faster():
    assert fastest(MILLISECONDS) == "channels_last+bf16"
    assert fastest({"": 10.0, "channels_last": 9.8}) == ""


def test_a_folder_goes_on_in_the_arithmetic_of_its_rows(grid):
    trained = {"arithmetic": "bf16", "dense_epochs": 1.0, "epochs": None}
    rows = [
        {"model": "residual_network", "dataset": "digits", **trained},
        {"model": "broken", "dataset": "other", **trained},
        # Nothing was trained there, so that its arithmetic was none's choice.
        {"model": "broken", "dataset": "digits", **trained, "dense_epochs": 0.0},
    ]
    found = in_arithmetic_of(grid(SmallModel(), Broken()), rows)
    assert found.arithmetics == {"residual_network": "bf16"}
    assert [dense.recipe.arithmetic for dense in found.dense_models()] == ["bf16", ""]


def test_the_fastest_is_taken_where_none_was_before(grid):
    said, given = [], grid(SmallModel(), Broken(), arithmetics={"broken": "channels_last"})
    step_cost = StepCost(milliseconds=MILLISECONDS, megabytes=None)
    found = in_fastest_arithmetic(
        given, {"residual_network": step_cost, "broken": step_cost}, say=said.append
    )
    assert found.arithmetics == {"residual_network": "channels_last+bf16", "broken": "channels_last"}
    assert said == [
        "residual_network trains in channels_last+bf16, 1.7 times as fast here as in 32-bit floats"
    ]


def test_a_model_that_was_tried_is_remembered(grid, engine, monkeypatch, tmp_path):
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    given = grid(SmallModel(), Broken())
    assert remembered_costs(given) == {}
    tried = try_training_costs(given, ["residual_network"], engine, say=print)
    assert set(tried) == {"residual_network"}
    assert remembered_costs(given) == tried


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '{"a": 1}'])
def test_a_damaged_memory_is_none(grid, monkeypatch, tmp_path, content):
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path))
    given = grid(SmallModel())
    path = tmp_path / "demands" / f"{sizing._key(SmallModel(), given)}.json"
    path.parent.mkdir()
    path.write_text(content)
    assert remembered_costs(given) == {}


def test_what_cannot_be_remembered_is_found_all_the_same(grid, engine, monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "file"))
    given = grid(SmallModel())
    assert set(try_training_costs(given, ["residual_network"], engine, say=print)) == {
        "residual_network"
    }
    assert remembered_costs(given) == {}


def test_a_model_that_cannot_be_tried_trains_in_floats(grid, engine):
    said, given = [], grid(Broken())
    step_costs = try_training_costs(given, ["broken"], engine, say=said.append)
    assert in_fastest_arithmetic(given, step_costs, say=said.append).arithmetics == {"broken": ""}
    [sentence] = said
    assert "trying to train broken: RuntimeError: no such model" in sentence


@pytest.mark.parametrize(("free", "workers"), [(10_000, 4), (3_000, 2), (100, 1)])
def test_no_more_workers_than_have_their_memory(free, workers):
    said = []
    step_costs = {
        "small": StepCost(milliseconds={"": 1.0}, megabytes=200.0),
        "large": StepCost(milliseconds={"": 1.0}, megabytes=1_000.0),
        "unknown": StepCost(milliseconds={"": 1.0}, megabytes=None),
    }
    assert workers_that_fit(4, step_costs, free_mb=free, say=said.append) == workers
    assert bool(said) == (workers < 4)
