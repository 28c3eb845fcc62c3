"""Pictures of a run: which boards share one, and what their panels are called."""

from xml.etree import ElementTree

import pytest

from harness.presentation.pictures import boards_by_model, panel_titles, tradeoff_pictures
from harness.ranking.leaderboard import leaderboards
from tests.doubles import made_row, made_rows


def titles(*conditions: dict[str, object]) -> list[str]:
    return panel_titles(leaderboards([made_row(**own) for own in conditions]))


@pytest.mark.parametrize(
    ("one", "other", "words"),
    [
        ({"batch": 1}, {"batch": 32}, ["batch 1", "batch 32"]),
        ({"threads": 1}, {"threads": 4}, ["threads 1", "threads 4"]),
        ({"device": "a processor"}, {"device": "another"}, ["a processor", "another"]),
        ({"target": "params"}, {"target": "macs"}, ["levels of params", "levels of macs"]),
        (
            {"finetune_epochs": 0.0},
            {"finetune_epochs": 3.0},
            [f"finetune epochs {n}" for n in (0.0, 3.0)],
        ),
    ],
)
def test_a_title_names_what_tells_boards_of_a_backend_apart(one, other, words):
    assert titles(one, other) == [f"eager_cpu, {word}" for word in words]


def test_a_title_says_nothing_that_boards_of_its_backend_share():
    assert titles({"batch": 1}) == ["eager_cpu"]
    # The other backend ran at another batch size and on another device, but once only.
    told = titles({"batch": 1}, {"batch": 32}, {"backend": "other", "batch": 8, "device": "another"})
    assert told == ["eager_cpu, batch 1", "eager_cpu, batch 32", "other"]


def test_an_item_that_one_recipe_alone_has_is_named_there():
    told = titles({"optimizer": ""}, {"optimizer": "sgd", "batch": 8})
    assert told == ["eager_cpu, batch 1", "eager_cpu, batch 8, optimizer sgd"]


def test_boards_are_kept_by_model_and_those_that_rank_nothing_are_left_out():
    rows = [
        made_row(),
        made_row(model="other"),
        made_row(batch=8),
        made_row(model="bare", pruner="dense"),
    ]
    by_model = boards_by_model(leaderboards(rows))
    batches = {of: [board.conditions["batch"] for board in own] for of, own in by_model.items()}
    assert batches == {("resnet18", "digits"): [1, 8], ("other", "digits"): [1]}


def test_a_picture_of_each_model_has_a_panel_for_each_of_its_boards():
    rows = made_rows()
    pictures = tradeoff_pictures(leaderboards([*rows, *({**row, "batch": 8} for row in rows)]))
    assert list(pictures) == [("resnet18", "digits")]
    [picture] = pictures.values()
    texts = list(ElementTree.fromstring(picture.svg()).itertext())  # noqa: S314 -- its own
    assert {"eager_cpu, batch 1", "eager_cpu, batch 8", "random", "other methods"} <= set(texts)
    assert texts.count("dense") == 2
    assert tradeoff_pictures([]) == {}
