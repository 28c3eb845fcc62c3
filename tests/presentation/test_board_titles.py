"""What tells boards of one model apart."""

from harness.presentation.board_titles import boards_by_model, recipe_sentences
from harness.ranking.leaderboard import leaderboards
from tests.doubles import made_row


def test_boards_stand_by_model_and_images_those_that_rank_something():
    rows = [
        made_row(key="1"),
        made_row(key="2", model="b"),
        made_row(key="3", pruner="dense", model="c"),
    ]
    assert [*boards_by_model(leaderboards(rows))] == [("resnet18", "digits"), ("b", "digits")]


def test_several_recipes_of_one_model_are_named_by_what_differs():
    rows = [made_row(key=str(epochs), finetune_epochs=float(epochs)) for epochs in (1, 2)]
    [sentence] = recipe_sentences(leaderboards(rows))
    assert sentence == (
        "Boards of resnet18 on digits are of 2 recipes (finetune epochs 1.0, finetune epochs 2.0): "
        "compare methods within a board only."
    )


def test_one_recipe_needs_no_word_nor_do_those_of_other_models():
    rows = [made_row(key=name, model=name, dense_epochs=float(n)) for n, name in enumerate("ab")]
    assert recipe_sentences(leaderboards(rows)) == []
