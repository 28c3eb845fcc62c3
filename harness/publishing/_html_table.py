"""HTML table: cells of a table with what sorts them and where they lead."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from harness.presentation.table import Column, Table

Item = TypeVar("Item")
LAST = "1e308"
RANKS = 1e5
"""More than any board has."""
LONG = 60
"""Characters of a text that a caption has no room for."""


@dataclass(frozen=True, kw_only=True)
class HtmlCell:
    """Cell: its text, the number that sorts it where that does not, where it leads, what it copies."""

    text: str
    order: str = ""
    href: str = ""
    copy: str = ""


@dataclass(frozen=True, kw_only=True)
class HtmlColumn:
    """Column: a program's name, the header, and a sentence on what it is."""

    name: str
    header: str
    meaning: str


@dataclass(frozen=True, kw_only=True)
class HtmlTable:
    """HTML table; `subjects` names each line's method, and `facets` the columns to choose values of."""

    name: str
    caption: str
    columns: Sequence[HtmlColumn]
    lines: Sequence[Sequence[HtmlCell]]
    subjects: Sequence[str]
    facets: Sequence[str]


def html_table(
    table: Table[Item],
    *,
    name: str,
    caption: str,
    subject: Callable[[Item], str],
    facets: Sequence[str] = (),
    hrefs: Mapping[str, Callable[[Item], str]] | None = None,
    copies: Mapping[str, Callable[[Item], str]] | None = None,
) -> HtmlTable:
    """HTML table of a table: a column whose text is the same in all of several lines is in its caption.

    `hrefs` and `copies` are of the columns that lead somewhere, or copy something; a facet that has one
    value only is none.
    """
    texts = table.texts()
    leading = {*(hrefs or ()), *(copies or ())}
    alike = {
        number: text
        for number, text in _alike(texts).items()
        if table.columns[number].name not in leading
    }
    shown = [number for number in range(len(table.columns)) if number not in alike]
    same = ", ".join(f"{table.columns[number].header} {text}" for number, text in alike.items())
    cells = [
        _cells(
            table.columns[number],
            table.items,
            [own[number] for own in texts],
            hrefs or {},
            copies or {},
        )
        for number in shown
    ]
    columns = [table.columns[number] for number in shown]
    return HtmlTable(
        name=name,
        caption=f"{caption}; the same in all lines: {same}" if same else caption,
        columns=[HtmlColumn(name=c.name, header=c.header, meaning=c.meaning) for c in columns],
        lines=[*zip(*cells, strict=True)],
        subjects=[subject(item) for item in table.items],
        facets=[facet for facet in facets if facet in {column.name for column in columns}],
    )


def _alike(texts: Sequence[Sequence[str]]) -> dict[int, str]:
    """Text by number of the columns in which all of several lines have the same."""
    columns = enumerate(zip(*texts, strict=True)) if len(texts) > 1 else ()
    return {number: own[0] for number, own in columns if len(set(own)) == 1 and len(own[0]) < LONG}


def _cells(
    column: Column[Item],
    items: Sequence[Item],
    texts: Sequence[str],
    hrefs: Mapping[str, Callable[[Item], str]],
    copies: Mapping[str, Callable[[Item], str]],
) -> list[HtmlCell]:
    """Cells of a column; those of one are sorted by their text, or all by a number beside it."""
    orders = [_order(column, item) for item in items]
    # A column is sorted by numbers altogether, or by its texts.
    is_plain = all(map(_is_number, texts)) or not all(orders)
    href, copy = (links.get(column.name, _nothing) for links in (hrefs, copies))
    return [
        HtmlCell(text=text, order="" if is_plain else order, href=href(item), copy=copy(item))
        for item, text, order in zip(items, texts, orders, strict=True)
    ]


def _nothing(_: object) -> str:
    return ""


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).removeprefix("-").isdigit()


def _order(column: Column[Item], item: Item) -> str:
    """Number that sorts an item, a rank by both its ends, last where there is none; empty of a text."""
    value = column.value(item)
    if value is None:
        return LAST
    if isinstance(value, float | int):
        return f"{value:.4g}"
    low, high = (end(item) if end else None for end in (column.low, column.high))
    return "" if low is None or high is None else f"{low + high / RANKS:.6g}"
