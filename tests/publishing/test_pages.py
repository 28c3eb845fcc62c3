"""Pages without a browser: each kind says what its rows do."""

import re
from pathlib import Path

import pytest

from harness.publishing._backend_page import backend_page
from harness.publishing._board_page import board_page
from harness.publishing._front_page import front_page
from harness.publishing._method_page import method_page
from harness.publishing._other_pages import downloads, methods_page
from harness.publishing._pages import POLICY, Pages
from harness.publishing.site_content import PublishedRun, SiteContent
from harness.ranking.leaderboard import RankingRule
from tests.doubles import made_rows


@pytest.fixture
def pages() -> Pages:
    rows = [
        {**row, "seed": seed, "key": f"{seed} {row['key']}", "written_at": "2026-11-28T01:00:00+00:00"}
        for seed in range(2)
        for row in made_rows()
    ]
    run = PublishedRun(name="run", rows=rows, options={"models": "resnet18"}, samples=Path())
    descriptions = {("pruner", "random"): "Remove at random.", ("backend", "eager_cpu"): "PyTorch."}
    return Pages(SiteContent(runs=[run], rule=RankingRule(), descriptions=descriptions))


def words(page: bytes) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", page.decode()).split())


def test_every_page_has_its_policy_and_says_when_its_rows_were_measured(pages):
    page = methods_page(pages)
    assert f'content="{POLICY}"' in page.decode().replace("&#39;", "'")
    assert "unsafe-inline" not in POLICY.partition("script-src")[2].partition(";")[0]
    assert "Rows measured 2026-11-28" in words(page)


def test_the_front_page_says_what_to_take(pages):
    page = words(front_page(pages, None))
    assert "group_norm_l2 channel" in page
    assert "12 measurements of 1 network by 3 methods on 1 backend" in page
    assert "This is the first build" in page


def test_a_board_page_has_the_remarks_of_its_board(pages):
    page = words(board_page(pages, "boards/b.html", pages.content.boards))
    assert "Dense: top-1 90.0%" in page
    assert "harness run --models resnet18 --pruners group_norm_l2,magnitude_l2,random" in page


def test_a_method_page_says_what_it_is_and_shows_each_row(pages):
    [page, badges] = method_page(
        pages, "methods/m.html", pages.content.by_method["random channel local one_shot"]
    )
    text = words(page)
    assert "Remove at random." in text
    assert page.count(b'<tr data-subject="eager_cpu">') == 1 + 4
    assert len(badges) == 1


def test_a_backend_page_tells_how_far_its_clock_could_be_trusted(pages):
    text = words(backend_page(pages, "backends/b.html", "eager_cpu", pages.content.boards))
    assert "PyTorch." in text
    assert "A/A of dense" in text
    assert "2.0%" in text


def test_downloads_are_what_is_shown(pages):
    import io

    import pandas as pd

    files = downloads(pages)
    frames = {
        "csv": pd.read_csv(io.BytesIO(files["downloads/rows.csv"])),
        "json": pd.read_json(io.BytesIO(files["downloads/rows.json"])),
        "parquet": pd.read_parquet(io.BytesIO(files["downloads/rows.parquet"])),
    }
    shown = sum(len(entry.rows) for board in pages.content.boards for entry in board.entries)
    for frame in frames.values():
        assert len(frame) == shown
        assert frame["ms_saved"].tolist() == frames["csv"]["ms_saved"].tolist()
        assert list(frame.columns) == list(frames["csv"].columns)
