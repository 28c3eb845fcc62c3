"""The suite itself: it stands as the source does, and its tests share in one place only."""

import os

import pytest

from tests.doubles import ROOT
from tests.structure import imported

TESTS = ROOT / "tests"
SHARED = (
    "tests.benchmarks.rank_rates",
    "tests.broken_plugins",
    "tests.doubles",
    "tests.engines.greedy_jobs",
    "tests.engines.ray_jobs",
    "tests.faults.conftest",
    "tests.faults.fuzz",
    "tests.faults.power_cuts",
    "tests.faults.readers",
    "tests.facade",
    "tests.publishing.browsing",
    "tests.structure",
    "tests.testing.processor",
)
"""What tests may import of each other."""
FILES = [path for path in TESTS.rglob("*.py") if not {"stranger", "ria"} & {*path.parts}]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(TESTS).as_posix())
def test_tests_share_only_what_is_meant_to_be_shared(path):
    own = {name for name in imported(path, types=False) if name.startswith(("tests", "conftest"))}
    if "benchmarks" not in path.parts and path.name != "test_benchmarks.py":
        assert {name for name in own if not name.startswith(SHARED)} <= {"tests"}


def test_tests_stand_in_the_folders_of_the_source():
    packages = {path.parent.name for path in (ROOT / "harness").glob("*/__init__.py")}
    folders = {path.parent.name for path in TESTS.glob("*/test_*.py")} - {
        "plugins",
        "benchmarks",
        "faults",
    }
    assert folders == packages - {"contracts"} | (folders & {"contracts"})


@pytest.mark.xdist_group("together")
def test_a_group_of_tests_stays_in_one_process(request):
    if "PYTEST_XDIST_WORKER" not in os.environ:
        pytest.skip("there is one process")
    assert request.node.nodeid.endswith("@together"), "else each process makes its own fixtures"
