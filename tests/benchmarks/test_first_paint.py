"""How soon a reader sees a page of a site of 10,000 rows, and how many bytes it takes."""

from itertools import product

import pytest

from harness.publishing.site import write_site
from harness.publishing.site_content import PublishedRun, SiteContent
from harness.ranking.leaderboard import RankingRule
from tests.doubles import made_row
from tests.publishing.browsing import browser

MODELS, BACKENDS, METHODS, LEVELS, SEEDS = 3, 15, 25, 3, 3
PAINTED = """() => new Promise((told) => new PerformanceObserver((list) => {
    const paint = list.getEntriesByName("first-contentful-paint")[0];
    if (paint) told(paint.startTime);
}).observe({ type: "paint", buffered: true }))"""
MOST_BYTES = 2_000_000


def many_rows():
    dense = {"pruner": "dense", "granularity": "", "scope": "", "schedule": "", "sparsity": 0.0}
    for model, backend, seed in product(range(MODELS), range(BACKENDS), range(SEEDS)):
        where = {"model": f"network{model}", "backend": f"backend{backend}", "seed": seed}
        yield made_row(**where, **dense, key=f"{where} dense")
        for method, level in product(range(METHODS), range(1, LEVELS + 1)):
            saved = level * (2.0 + method / METHODS)
            yield made_row(
                **where, pruner=f"criterion{method}", sparsity=level / 4,
                key=f"{where} {method} {level}", ms_saved=saved,
                ms_saved_low=saved - 0.3, ms_saved_high=saved + 0.3, latency_ms=10.0 - saved,
            )  # fmt: skip


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    rows = [*many_rows()]
    assert len(rows) > 10_000
    run = PublishedRun(name="made", rows=rows, options={"models": "network*"}, samples=folder)
    write_site(SiteContent(runs=[run], rule=RankingRule(), descriptions={}), folder)
    return folder


def test_first_paint_of_the_front_page(timed, site):
    first_paint(timed, site / "index.html")


def test_first_paint_of_a_board(timed, site):
    first_paint(timed, site / "boards" / "network0-digits.html")


def first_paint(timed, path):
    with browser() as chrome:

        def paint():
            page = chrome.new_page()
            page.goto(path.as_uri(), wait_until="commit")
            told = page.evaluate(PAINTED)
            page.close()
            return told

        milliseconds = timed(paint, rounds=5)
    assert milliseconds > 0
    print(f"first contentful paint of {path.name} after {milliseconds:.0f} ms")


def test_a_page_with_all_that_it_loads_stays_small(site):
    shared = sum(path.stat().st_size for path in (site / "assets").iterdir())
    largest = max(site.rglob("*.html"), key=lambda path: path.stat().st_size)
    print(f"{largest.relative_to(site)}: {largest.stat().st_size} bytes, assets {shared}")
    assert largest.stat().st_size + shared < MOST_BYTES
