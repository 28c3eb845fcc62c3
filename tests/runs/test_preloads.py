"""What worker processes begin with: modules that there are, a data set's own last."""

from dataclasses import dataclass
from importlib.util import find_spec

import pytest

from harness.runs.preloads import RUN_MODULES, WORKER_MODULES, preloads_of
from harness_plugins.datasets.digits import Digits


@dataclass(frozen=True)
class Slow(Digits):
    preloads: tuple[str, ...] = ("sklearn.datasets",)


@pytest.mark.parametrize("module", [*WORKER_MODULES, *RUN_MODULES])
def test_every_module_that_is_named_is_there(module):
    # A server of processes passes over what it cannot import, which would only cost seconds.
    assert find_spec(module) is not None


def test_a_data_sets_own_modules_come_after_those_of_every_run():
    assert preloads_of() == WORKER_MODULES
    assert preloads_of(Slow(), Slow()) == (*WORKER_MODULES, "sklearn.datasets")
