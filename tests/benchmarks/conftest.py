"""`timed`: pytest-benchmark with a reference workload beside every round, held to the baseline."""

from collections.abc import Callable
from statistics import median

import pytest

from tests.benchmarks.ratios import BASELINE, complaint, read, reference_seconds, write

# The ordinary suite runs without this plugin, which refuses to share a process with xdist.
pytest_plugins = ["pytest_benchmark.plugin"]
FOUND = pytest.StashKey[dict[str, float]]()


def pytest_addoption(parser):
    parser.addoption(
        "--update-baseline", action="store_true", help="make the ratios of this run the baseline"
    )


def pytest_configure(config):
    config.stash[FOUND] = {}


def pytest_sessionfinish(session):
    found = session.config.stash[FOUND]
    write(session.config.cache.mkdir("benchmarks") / "ratios.json", found)
    if session.config.getoption("--update-baseline"):
        write(BASELINE, found)


@pytest.fixture
def timed(benchmark, request):
    """Time `work(*setup())` for some rounds, and return what the last one did.

    Fails where the ratio is over the limit.
    """

    def measure(work: Callable, *, rounds: int, setup: Callable = tuple) -> object:
        beside = []

        def prepare():
            arguments = setup()
            beside.append(reference_seconds())
            return arguments, {}

        done = benchmark.pedantic(work, setup=prepare, rounds=rounds, warmup_rounds=1)
        # The first reference belongs to the round that warms up.
        pairs = zip(benchmark.stats.stats.data, beside[1:], strict=True)
        ratio = median(seconds / reference for seconds, reference in pairs)
        name = request.node.name
        benchmark.extra_info["ratio"] = request.config.stash[FOUND][name] = ratio
        wrong = complaint(name, ratio, read(BASELINE))
        if wrong and not request.config.getoption("--update-baseline"):
            pytest.fail(wrong, pytrace=False)
        return done

    return measure
