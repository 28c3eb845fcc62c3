"""A time that a row holds already is that of every model of its architecture."""

from dataclasses import replace

import pytest

from harness.measuring.known_times import KnownTimes
from harness.planning.grid import Cell
from harness_plugins.backends.eager import EagerCpu
from harness_plugins.backends.sparse_cpu import SparseCpu
from tests.doubles import made_row

SETTINGS = {
    "model": "resnet18", "dataset": "digits", "backend": "eager_cpu", "batch": 1, "threads": 1,
    "device": "a processor", "runtime": "torch 2",
}  # fmt: skip
TIMED = made_row(**SETTINGS, architecture="narrow", steady=True, processes=3)


def cell(backend=None, **settings):
    return Cell(
        subject=None, sparsity=0.5, backend=backend or EagerCpu(), batch=1,
        settings=SETTINGS | settings, key="k",
    )  # fmt: skip


def known(row, *, processes=3, metered=False):
    return KnownTimes([row], processes=processes, metered=metered)


def test_another_seed_s_model_of_the_architecture_has_the_row_s_time():
    assert known(TIMED).row(cell(seed=5), "narrow") == TIMED
    assert known(TIMED).row(cell(), "wide") is None


@pytest.mark.parametrize(
    "settings", [{"backend": "other"}, {"batch": 8}, {"threads": 2}, {"runtime": "torch 3"}]
)
def test_a_time_under_other_conditions_is_another(settings):
    assert known(TIMED).row(cell(**settings), "narrow") is None


@pytest.mark.parametrize(
    "flaw",
    [
        {"status": "failed"}, {"steady": False}, {"steady": None}, {"processes": 2},
        {"rounds": None}, {"architecture": ""},
    ],
)  # fmt: skip
def test_only_what_was_timed_well_is_known(flaw):
    assert known({**TIMED, **flaw}).row(cell(), "narrow") is None


def test_who_asks_for_energy_takes_no_row_without_it():
    assert known(TIMED, metered=True).row(cell(), "narrow") is None
    metered = {**TIMED, "energy_source": "measured:rapl"}
    assert known(metered, metered=True).row(cell(), "narrow") == metered


def test_where_weights_matter_nothing_is_known_of_another_model():
    assert known(TIMED).row(replace(cell(), backend=SparseCpu()), "narrow") is None
