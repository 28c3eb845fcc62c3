"""What a run answers last: which methods are best on each board."""

import pytest

from harness.console._best_methods import best_sentences, listed
from harness.ranking.leaderboard import leaderboards
from harness.storage.run_folder import RunFolder
from tests.doubles import ROOT, made_row, made_rows


def test_with_one_seed_the_highest_score_is_named_without_a_rank():
    assert best_sentences(leaderboards(made_rows())) == [
        "Best on eager_cpu: group_norm_l2 (one seed, so no ranks; 90.0% at 1.67x)"
    ]


def test_those_that_no_test_tells_from_the_best_stand_beside_it():
    boards = leaderboards(RunFolder(ROOT / "results" / "resnet18-digits-epyc").rows)
    sentences = best_sentences(boards)
    assert len(sentences) == len(boards)
    best = boards[0].entries[0]
    told = next(text for text in sentences if f"on {boards[0].conditions['backend']}" in text)
    assert f": {best.method[0]}" in told
    assert f"(rank {best.rank} of " in told


def test_networks_are_named_where_there_are_several():
    rows = [{**row, "model": model, "key": model + row["key"]} for model in "ab" for row in made_rows()]
    sentences = best_sentences(leaderboards(rows))
    assert [text.partition(" on ")[0] for text in sentences] == ["Best of a", "Best of b"]


def test_boards_where_nothing_saves_time_are_one_sentence():
    rows = [made_row(saves_time=False, ms_saved=0.0, backend=name, key=name) for name in ("x", "y")]
    assert best_sentences(leaderboards(rows)) == ["Nothing saves time on x, y."]


def test_more_boards_than_a_screen_holds_are_counted():
    rows = [
        {**row, "backend": f"b{number:02}", "key": f"{number} {row['key']}"}
        for number in range(25)
        for row in made_rows()
    ]
    *first, last = best_sentences(leaderboards(rows))
    assert len(first) == 20
    assert last == "And on 5 more boards."


@pytest.mark.parametrize(
    ("names", "text"),
    [("a", "a"), ("abc", "a, b, c"), ("abcd", "a, b, c, d"), ("abcde", "a, b, c and 2 more")],
)
def test_many_names_are_the_first_few(names, text):
    assert listed([*names]) == text
