"""Cells of a page's tables: what sorts them, where they lead, and what all lines share."""

from harness.presentation.table import Column, Table
from harness.publishing._html_table import html_table


def table(*items, **columns):
    made = [
        Column(name=name, header=name.upper(), meaning="", text=text, value=value)
        for name, (text, value) in columns.items()
    ]
    return html_table(
        Table(columns=made, items=items), name="t", caption="Lines", subject=str, facets=[*columns]
    )


def test_what_is_the_same_in_all_lines_is_in_the_caption_and_no_facet():
    shown = table(1, 2, number=(str, int), kind=(lambda _: "x", lambda _: "x"))
    assert [column.name for column in shown.columns] == ["number"]
    assert shown.caption == "Lines; the same in all lines: KIND x"
    assert shown.facets == ["number"]


def test_a_single_line_keeps_its_columns():
    assert len(table(1, number=(str, int), kind=(lambda _: "x", lambda _: "x")).columns) == 2


def test_numbers_in_words_are_sorted_by_what_they_are():
    shown = table(0.5, 0.25, None, share=(lambda n: "-" if n is None else f"{n:.0%}", lambda n: n))
    assert [line[0].order for line in shown.lines] == ["0.5", "0.25", "1e308"]


def test_a_column_of_texts_some_of_them_missing_is_sorted_by_its_texts():
    shown = table("b", None, "a", name=(lambda text: text or "-", lambda text: text))
    assert [line[0].order for line in shown.lines] == ["", "", ""]


def test_plain_numbers_sort_themselves():
    assert [line[0].order for line in table(3, 10, number=(str, int)).lines] == ["", ""]
