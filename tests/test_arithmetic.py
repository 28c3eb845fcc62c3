"""Models train in the arithmetic that is fastest here, where it leaves their gradients as they are."""

from dataclasses import dataclass

import pytest
import torch
from torch import nn

from conftest import SmallModel
from harness.arithmetic import processor_arithmetics
from harness.arithmetic_choice import fastest, in_arithmetic_of, in_fastest_arithmetic
from harness.engines.local import LocalEngine
from harness.grid import Grid
from harness.recipe import Recipe
from harness.speeds import SpeedJob, is_harmless, training_speeds
from harness.training import calibration_batches
from harness_plugins.datasets.digits import Digits

SPEEDS = {"": 10.0, "channels_last": 9.8, "bf16": 7.0, "channels_last+bf16": 6.0}


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
            models=models, dataset=Digits(), pruners=[], granularities=[], scope="published",
            schedules=[], levels=[0.5], seeds=[0], backends=[], devices={}, batches=[1], threads=1,
            recipe=Recipe(), **settings,
        )  # fmt: skip

    return made


@pytest.fixture
def engine(tmp_path):
    return LocalEngine(workers=1, time_limit=60, log=tmp_path / "log.txt")


def test_a_model_is_timed_in_every_arithmetic_that_there_is():
    speeds = training_speeds(SpeedJob(model=SmallModel(), dataset=Digits()))
    assert {"", "channels_last"} <= set(speeds) <= set(processor_arithmetics())
    assert all(milliseconds > 0.0 for milliseconds in speeds.values())


def test_without_the_instructions_nothing_trains_in_16_bits(monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx2": True, "avx512_bf16": False})
    assert processor_arithmetics() == ["", "channels_last"]
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": True})
    assert processor_arithmetics() == ["", "channels_last", "bf16", "channels_last+bf16"]


def test_fewer_bits_are_harmless_where_another_batch_changes_much_more(network):
    batches = calibration_batches(Digits(), images=64, batch=32, seed=0)
    assert is_harmless(network, "channels_last", batches)
    assert is_harmless(network, "bf16", batches)
    torch.manual_seed(0)
    assert not is_harmless(Lifted(), "bf16", batches)


def test_floats_stay_where_nothing_is_clearly_faster():
    assert fastest(SPEEDS) == "channels_last+bf16"
    assert fastest({"": 10.0, "channels_last": 9.8}) == ""
    assert fastest({}) == ""


def test_a_folder_goes_on_in_the_arithmetic_of_its_rows(grid):
    rows = [
        {"model": "residual_network", "dataset": "digits", "arithmetic": "bf16"},
        {"model": "broken", "dataset": "other", "arithmetic": "bf16"},
    ]
    found = in_arithmetic_of(grid(SmallModel(), Broken()), rows)
    assert found.arithmetics == {"residual_network": "bf16"}
    assert [dense.recipe.arithmetic for dense in found.denses()] == ["bf16", ""]


def test_what_is_fastest_is_measured_once(grid, engine, monkeypatch):
    said = []
    first = in_fastest_arithmetic(grid(SmallModel()), engine, say=said.append)
    assert len(said) == bool(first.arithmetics["residual_network"])
    monkeypatch.setattr(LocalEngine, "_together", None)
    again = in_fastest_arithmetic(grid(SmallModel()), engine, say=said.append)
    assert again.arithmetics == first.arithmetics


def test_a_model_that_cannot_be_measured_trains_in_floats(grid, engine):
    said = []
    found = in_fastest_arithmetic(grid(Broken()), engine, say=said.append)
    assert found.arithmetics == {"broken": ""}
    [sentence] = said
    assert "training speed of broken is not known: RuntimeError: no such model" in sentence


def test_what_has_an_arithmetic_is_not_measured(grid, monkeypatch):
    given = grid(SmallModel(), arithmetics={"residual_network": "channels_last"})
    monkeypatch.setattr(LocalEngine, "_together", None)
    assert (
        in_fastest_arithmetic(given, LocalEngine(workers=1, time_limit=1, log=None), say=print) == given
    )
