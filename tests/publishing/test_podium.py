"""Which method a board says to take."""

from harness.publishing.podium import podium
from harness.ranking.leaderboard import leaderboards
from tests.doubles import made_row, made_rows


def test_the_highest_score_is_taken_and_said_with_what_it_brings():
    here = podium(leaderboards(made_rows())[0])
    assert here.best.method[0] == "group_norm_l2"
    assert here.rank == "one seed"
    assert here.accuracy == "90.0% of 90.0%"
    assert here.latency == "10 to 6 ms (1.67x)"
    assert here.fastest_at_floor == "not reached"


def test_with_seeds_those_not_surely_worse_stand_beside_it():
    rows = [
        {**row, "seed": seed, "key": f"{seed} {row['key']}"} for seed in range(3) for row in made_rows()
    ]
    here = podium(leaderboards(rows)[0])
    ranks = {entry.method[0]: entry.rank for entry in here.board.entries}
    assert here.rank == f"{ranks['group_norm_l2']} of 2"
    expected = ["random"] if ranks["random"].low == 1 else []
    assert [entry.method[0] for entry in here.equals] == expected


def test_where_nothing_saves_time_nothing_is_taken():
    rows = [made_row(saves_time=False, ms_saved=0.0)]
    assert podium(leaderboards(rows)[0]).best is None
