"""What pages share: boards of several runs, names that files may have, and the days of rows."""

from pathlib import Path

from harness.publishing.site_content import PublishedRun, SiteContent, page_name, written_between
from harness.ranking.leaderboard import RankingRule
from tests.doubles import made_row, made_rows


def test_runs_share_a_board_where_they_compare():
    def run(seed):
        rows = [{**row, "seed": seed, "key": f"{seed} {row['key']}"} for row in made_rows()]
        return PublishedRun(name=str(seed), rows=rows, options={}, samples=Path())

    content = SiteContent(runs=[run(0), run(1)], rule=RankingRule(), descriptions={})
    [board] = content.boards
    assert board.seeds == 2
    assert {row["run"] for entry in board.entries for row in entry.rows} == {0, 1}


def test_seeds_that_somebody_claims_are_not_averaged_into_ours():
    def run(seed, tier, **columns):
        rows = [
            {**row, **columns, "seed": seed, "key": f"{seed} {row['key']}"}
            for row in made_rows()
            if row["pruner"] != "random" or tier != "ours"
        ]
        return PublishedRun(name=tier, rows=rows, options={}, samples=Path(), tier=tier)

    runs = [run(0, "ours"), run(1, "claimed", ms_saved=9.9)]
    content = SiteContent(runs=runs, rule=RankingRule(), descriptions={})
    [board] = content.boards
    sources = {entry.method[0]: content.source(entry) for entry in board.entries}
    assert sources == {"group_norm_l2": "ours", "magnitude_l2": "ours", "random": "claimed"}
    assert all(
        row["ms_saved"] < 9.0 for e in board.entries if e.method[0] != "random" for row in e.rows
    )


def test_other_words_have_another_page():
    names = {page_name(*words) for words in (("a b",), ("a_b",), ("a|b",), ("a&b",), ("a", "b"))}
    names |= {page_name("resnet-18", "digits"), page_name("resnet", "18-digits")}
    assert len(names) == 7
    assert page_name("taylor", "channel") == "taylor-channel"
    assert len(page_name(200 * "long")) < 80
    assert all("/" not in name for name in (page_name("../x"), page_name("/etc")))


def test_days_are_told_from_the_first_to_the_last():
    rows = [made_row(written_at=f"2026-11-{day}T10:00:00+00:00") for day in (28, 2, 9)]
    rows[1]["written_at"] = "2026-11-02T10:00:00+00:00"
    assert written_between([rows[0]]) == "2026-11-28"
    assert written_between(rows[:2]) == "2026-11-02 to 2026-11-28"
    assert written_between([made_row()]) == ""
