"""Badges: rank, backend and day, as SVG and as shields.io reads them."""

import json
from xml.etree import ElementTree

from harness.publishing._badges import badge
from harness.ranking.leaderboard import leaderboards
from tests.doubles import made_rows


def ranked_board():
    rows = [
        {**row, "seed": seed, "key": f"{seed} {row['key']}", "written_at": "2026-11-28T01:00:00+00:00"}
        for seed in range(3)
        for row in made_rows()
    ]
    return leaderboards(rows)[0]


def test_a_badge_tells_rank_backend_and_day():
    board = ranked_board()
    made = badge(board, board.entries[0], source="claimed 2026-11-29")
    assert made.text == (
        f"resnet18 (digits) on eager_cpu, batch 1: rank {board.entries[0].rank} of 2, 2026-11-28, "
        "claimed 2026-11-29"
    )
    files = {name.rpartition(".")[2]: content for name, content in made.files().items()}
    endpoint = json.loads(files["json"])
    assert endpoint["schemaVersion"] == 1
    assert endpoint["message"] in made.text
    assert made.text in "".join(ElementTree.fromstring(files["svg"]).itertext())  # noqa: S314 -- its own


def test_who_is_not_ranked_has_none():
    board = leaderboards(made_rows())[0]
    assert [badge(board, entry, source="ours") for entry in board.entries] == [None] * len(
        board.entries
    )
