"""Series of a chart: who has a colour there, who is black, who is one of many in grey."""

import re

import pytest

from harness.presentation._series import OTHERS, RANDOM, Series, chosen_opacity
from harness.presentation.chart import Chart
from harness.presentation.palette import CONTROL_COLOUR, OTHER_COLOUR, palette
from harness.ranking.leaderboard import leaderboards
from tests.doubles import made_row


def name(pruner: str) -> str:
    return f"{pruner} channel local one_shot"


def board_of(*pruners: str, batch: int = 1):
    [board] = leaderboards([made_row(pruner=pruner, batch=batch) for pruner in pruners])
    return board


def scale_of(series: Series) -> dict[str, str]:
    scale = series.colour()["scale"]
    return dict(zip(scale["domain"], scale["range"], strict=True))


def test_a_method_is_drawn_as_itself_as_random_or_as_one_of_the_others():
    colours = {name("a"): "#0072b2", name("random"): CONTROL_COLOUR, name("random:x"): CONTROL_COLOUR}
    series = Series([board_of("a", "random", "random:x", "z")], colours)
    drawn = {pruner: series.of(name(pruner)) for pruner in ("a", "random", "random:x", "z")}
    assert drawn == {"a": name("a"), "random": RANDOM, "random:x": RANDOM, "z": OTHERS}
    assert scale_of(series) == {name("a"): "#0072b2", RANDOM: CONTROL_COLOUR, OTHERS: OTHER_COLOUR}


def test_a_method_has_the_same_colour_on_every_board():
    boards = [board_of("a", "b", "c"), board_of("b", "c", batch=2), board_of("c", "d", batch=4)]
    colours = palette(boards)
    for board in boards:
        names = {entry.name for entry in board.entries}
        assert scale_of(Series([board], colours)) == {own: colours[own] for own in names}


def test_the_legend_names_only_who_is_there():
    colours = {name("a"): "#0072b2", name("b"): "#d55e00", name("random"): CONTROL_COLOUR}
    assert scale_of(Series([board_of("a")], colours)) == {name("a"): "#0072b2"}
    assert scale_of(Series([board_of("z")], colours)) == {OTHERS: OTHER_COLOUR}
    assert Series([board_of("z")], colours).of(name("a")) == OTHERS


@pytest.mark.parametrize(
    ("chosen", "opacities"),
    [([], {"a": 0.9, "z": 0.5}), (["a"], {"a": 0.9, "z": 0.1}), (["z"], {"a": 0.1, "z": 0.9})],
)
def test_what_a_reader_did_not_choose_fades(chosen, opacities):
    series = Series([board_of("a", "z")], {name("a"): "#0072b2"})
    points = [{"method": name(own), "series": series.of(name(own)), "x": 1.0} for own in ("a", "z")]
    chart = Chart(
        spec={
            "params": [{"name": "chosen", "value": [name(own) for own in chosen]}],
            "data": {"values": points},
            "mark": {"type": "point", "filled": True},
            "encoding": {
                "x": {"field": "x", "type": "quantitative"},
                "color": {**series.colour(), "legend": None},
                "opacity": chosen_opacity(0.9, 0.1, others=0.5),
            },
        }
    )
    marks = re.findall(r'fill="(#\w+)" [^>]*opacity="([\d.]+)"', chart.svg().decode())
    drawn = {colour: float(opacity) for colour, opacity in marks}
    assert (drawn["#0072b2"], drawn[OTHER_COLOUR]) == (opacities["a"], opacities["z"])
