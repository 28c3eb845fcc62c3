"""Colours of methods: few, and the same ones everywhere."""

from harness.presentation.palette import COLOURS, CONTROL_COLOUR, is_random, palette
from harness.ranking.leaderboard import leaderboards
from tests.doubles import made_row


def boards_of(*savings: dict[str, float]):
    """A board for each batch size, with what each pruner saves of 10 ms there."""
    return leaderboards(
        [
            made_row(batch=batch, pruner=pruner, ms_saved=saved, saves_time=saved > 0)
            for batch, by_pruner in enumerate(savings, 1)
            for pruner, saved in by_pruner.items()
        ]
    )


def coloured(boards) -> dict[str, str]:
    return {name.partition(" ")[0]: colour for name, colour in palette(boards).items()}


def test_the_eight_that_are_best_have_colours_in_their_order():
    [board] = boards_of({f"m{number}": 9.0 - number / 2 for number in range(12)})
    assert coloured([board]) == {f"m{number}": COLOURS[number] for number in range(8)}
    assert len(set(COLOURS)) == 8


def test_a_method_has_the_same_colour_whatever_the_order_of_boards():
    boards = boards_of(
        {"a": 8.0, "b": 7.0, "c": 6.0, "d": 5.0},
        {"c": 8.0, "a": 7.0, "f": 6.0, "d": 5.0},
        {"e": 5.0, "a": 4.0},
    )
    # Mean shares of methods above: e 0; a, b and c 1/4; f 1/2; d 3/4.
    assert coloured(boards) == dict(zip("eabcfd", COLOURS, strict=False))
    assert palette(boards[::-1]) == palette(boards)


def test_random_methods_are_black_and_take_no_colour_away():
    best = {f"m{number}": 4.0 - number / 4 for number in range(8)}
    colours = coloured(boards_of({"random": 9.0, "random:narrow": 8.0, "randomised": 7.0, **best}))
    assert {name for name, colour in colours.items() if colour == CONTROL_COLOUR} == {
        "random", "random:narrow",
    }  # fmt: skip
    assert colours["randomised"] == COLOURS[0]
    assert len(colours) == 8 + 2
    assert is_random("random:narrow channel local one_shot")
    assert not is_random("taylor channel random one_shot")


def test_what_saves_time_nowhere_has_no_colour():
    boards = boards_of({"idle": 0.0, "random": 0.0, "a": 4.0}, {"idle": 0.0, "once": 3.0})
    assert set(coloured(boards)) == {"a", "once"}
    assert palette([]) == {}
