"""Of criteria whose zeros no backend skips one is run, and a sentence says how to run the others."""

import pytest

from harness.planning.witness import Witness, chosen_witness
from harness_plugins.backends.eager import EagerCpu
from harness_plugins.backends.sparse_cpu import SparseCpu
from harness_plugins.pruners.fpgm import Fpgm
from harness_plugins.pruners.lamp import Lamp
from harness_plugins.pruners.magnitude import Magnitude
from harness_plugins.pruners.wanda import Wanda

EAGER = EagerCpu()
PRUNERS = [Fpgm(), Lamp(), Magnitude("magnitude_l1", 1), Wanda()]


def chosen(terms="all", granularities="all", backends=(EAGER,), pruners=PRUNERS):
    return chosen_witness(pruners, backends, terms=terms, granularities=granularities)


def test_the_baseline_stands_for_all_and_the_sentence_names_the_others_and_the_way():
    found = chosen()
    assert found == Witness(names=("magnitude_l1",), left_out=("lamp", "wanda"), undefined=("fpgm",))
    assert [found.runs(p.name, "weight") for p in PRUNERS] == [False, False, True, False]
    assert all(found.runs(pruner.name, "channel") for pruner in PRUNERS)
    assert "magnitude_l1 alone" in found.sentence
    assert "sparse_cpu: lamp, wanda" in found.sentence


def test_who_is_named_runs_and_is_the_witness():
    found = chosen(terms="all,wanda")
    assert found.names == ("wanda",)
    assert found.left_out == ("lamp", "magnitude_l1")
    assert found.runs("wanda", "weight")


def test_without_the_baseline_the_first_that_is_defined_there_stands_for_all():
    assert chosen(pruners=[Fpgm(), Wanda(), Lamp()]).names == ("wanda",)


@pytest.mark.parametrize(
    "asked",
    [
        {"granularities": "weight"},
        {"granularities": "weight,channel"},
        {"backends": (EagerCpu(), SparseCpu())},
        {"terms": "fpgm,lamp,magnitude_l1,wanda"},
    ],
)
def test_nothing_is_left_out_that_was_asked_for_or_may_save_time(asked):
    found = chosen(**asked)
    assert found.sentence == ""
    assert all(found.runs(pruner.name, "weight") for pruner in PRUNERS)
