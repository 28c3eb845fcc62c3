"""Tables: names that try to break them, and intervals as text and as columns."""

import re

import pandas as pd
import pytest

from harness.presentation.table import Column, Table, escaped_markdown, interval_text, number_text

HOSTILE = [
    "a|b", "<script>alert(1)</script>", "_x_", "50% & more", "two\nlines", "[x](http://e)", "`x`",
    "\\", "\\end{tabular}", "# x", "$x$",
]  # fmt: skip


def named(*names: str) -> Table[str]:
    """A table of names, each with its length beside it."""
    name = Column(name="name", header="the|name", meaning="", text=str, value=str)
    length = Column(name="length", header="length", meaning="", text=lambda n: f"{len(n)}", value=len)
    return Table(columns=[name, length], items=names)


@pytest.mark.parametrize("hostile", HOSTILE)
def test_a_name_stays_in_its_cell_of_markdown_and_starts_nothing(hostile):
    header, _, first, second = named(hostile, "plain").markdown().splitlines()
    assert "the\\|name" in header
    cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", first)[1:-1]]
    assert cells[1] == f"{len(hostile)}"
    assert re.sub(r"\\(.)", r"\1", cells[0]) == " ".join(hostile.split()), "is read as it was"
    assert not set(re.sub(r"\\.", "", cells[0])) & set("\\|<>[]_*`#"), "nothing is left unescaped"
    assert "plain" in second


def test_an_underscore_inside_a_word_is_left_alone():
    assert escaped_markdown("group_norm_l2 _x_") == "group_norm_l2 \\_x\\_"


@pytest.mark.parametrize("hostile", HOSTILE)
def test_a_name_stays_in_its_cell_of_latex(hostile):
    lines = named(hostile, "plain").latex().splitlines()
    first, second = lines[lines.index("\\midrule") + 1 : lines.index("\\bottomrule")]
    assert re.findall(r"(?<!\\)[&%#_$]", first) == ["&"], "which parts the two cells"
    assert re.fullmatch(rf".* & {len(hostile)} +\\\\", first)
    assert "plain" in second
    assert lines.count("\\end{tabular}") == 1


def test_an_interval_is_two_more_columns_of_a_frame():
    saved = Column(
        name="saved", header="ms saved", meaning="", text=str,
        value=lambda row: row[1], low=lambda row: row[0], high=lambda row: row[2],
    )  # fmt: skip
    word = Column(name="word", header="a word", meaning="", text=str, value=lambda row: row[3])
    frame = Table(
        columns=[saved, word], items=[(1.5, 2.5, 3.5, "a|b"), (None, None, None, "_")]
    ).frame()
    assert list(frame.columns) == ["saved", "saved_low", "saved_high", "word"]
    assert frame.iloc[0].tolist() == [2.5, 1.5, 3.5, "a|b"], "programs read names as they are"
    assert frame.iloc[1].isna().tolist() == [True, True, True, False]
    assert pd.api.types.is_float_dtype(frame.saved_low)


def test_a_table_without_items_keeps_its_columns():
    assert list(named().frame().columns) == ["name", "length"]
    assert "length" in named().markdown()


def test_a_number_stands_alone_where_it_has_no_interval():
    assert interval_text(4.0, 4.0, 4.0) == "4"
    assert interval_text(4.0, 3.96, 4.123) == "4 (3.96 to 4.12)"
    assert interval_text(0.5, 0.5, 0.625, "{:.2f}") == "0.50 (0.50 to 0.62)"
    assert interval_text(5.0, 4.0, 4.0) == "5 (4 to 4)"
    assert (number_text(None), number_text(0.0), number_text(1234.5)) == ("-", "0", "1.23e+03")
