"""How many faults of each kind were tried and held, and the small run that they are done to."""

import shutil
from collections import Counter
from pathlib import Path

import pytest

from harness.storage.ledger import Ledger
from tests.doubles import started

GRID = (
    "run", "--seeds=0", "--target=params", "--models=test_resnet", "--pruners=taylor,random",
    "--levels=0.5,0.9", "--granularities=channel,weight", "--dense-epochs=0.5",
    "--finetune-epochs=0.2", "--arithmetic=fp32", "--timing-seconds=0", "--quick",
    "--backends=eager_cpu,onnxruntime_cpu", "--out=run",
)  # fmt: skip
SAME = ("status", "reason", "top1", "correct", "params", "macs", "sparsity_reached")


def results(folder):
    """What the same command gives again, by key."""
    return {row["key"]: tuple(row[name] for name in SAME) for row in Ledger(folder).rows()}


def flip(path):
    """Flip a bit in the middle of a file."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def pytest_addoption(parser):
    parser.addoption("--kills", type=int, default=4, help="of each kind of process")


def pytest_generate_tests(metafunc):
    if "attempt" in metafunc.fixturenames:
        metafunc.parametrize("attempt", range(metafunc.config.getoption("--kills")))


def pytest_terminal_summary(terminalreporter):
    tried, held, states = Counter(), Counter(), Counter()
    for outcome in ("passed", "failed", "error"):
        for report in terminalreporter.stats.get(outcome, []):
            if report.when == "call" or (outcome == "error" and report.when != "collect"):
                kind = _kind(report.nodeid)
                tried[kind] += 1
                held[kind] += outcome == "passed"
                states[kind] += dict(report.user_properties).get("states", 0)
    terminalreporter.section("faults by kind")
    for kind, count in sorted(tried.items()):
        many = f", in {states[kind]} states" if states[kind] else ""
        terminalreporter.write_line(f"{held[kind]:5} of {count:5} held  {kind}{many}")


def _kind(nodeid: str) -> str:
    """Kind of a fault: the file of its test and the first of its arguments, whatever it is done to."""
    file, _, test = nodeid.partition("@")[0].rpartition("::")
    words = test.partition("[")[2].rstrip("]").split("-")
    fault = next(word for word in words if not word.isdigit())
    return f"{Path(file).stem.removeprefix('test_')}: {fault}"


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory):
    """A run that nothing happened to; to read."""
    place = tmp_path_factory.mktemp("undisturbed")
    done = started(place, *GRID)
    assert done.returncode == 0, done.stderr
    return place / "run"


@pytest.fixture
def copy(undisturbed, tmp_path):
    """A copy of it, to do harm to."""
    return shutil.copytree(undisturbed, tmp_path / "run")
