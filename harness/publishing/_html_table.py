"""HTML table: cells of a table with what sorts them and where they lead."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from harness.presentation.table import Table

Item = TypeVar("Item")


@dataclass(frozen=True, kw_only=True)
class HtmlCell:
    """Cell: its text, the number that sorts it where the text does not, and where it leads."""

    text: str
    order: str = ""
    href: str = ""


@dataclass(frozen=True, kw_only=True)
class HtmlColumn:
    """Column: a program's name, the header, and a sentence on what it is."""

    name: str
    header: str
    meaning: str
    numeric: bool


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
    hrefs: Mapping[str, Callable[[Item], str]],
    subject: Callable[[Item], str],
    facets: Sequence[str],
) -> HtmlTable:
    """HTML table of a table; a facet that has one value only is none."""
    values = [[column.value(item) for column in table.columns] for item in table.items]
    numeric = [
        any(isinstance(line[n], float | int) for line in values) for n in range(len(table.columns))
    ]
    lines = [
        [
            HtmlCell(
                text=text,
                order=_order(value, text),
                href=hrefs[column.name](item) if column.name in hrefs else "",
            )
            for column, value, text in zip(table.columns, own, texts, strict=True)
        ]
        for item, own, texts in zip(table.items, values, table.texts(), strict=True)
    ]
    names = [column.name for column in table.columns]
    return HtmlTable(
        name=name,
        caption=caption,
        columns=[
            HtmlColumn(name=c.name, header=c.header, meaning=c.meaning, numeric=number)
            for c, number in zip(table.columns, numeric, strict=True)
        ],
        lines=lines,
        subjects=[subject(item) for item in table.items],
        facets=[f for f in facets if len({line[names.index(f)] for line in values}) > 1],
    )


def _order(value: Any, text: str) -> str:  # noqa: ANN401 -- whatever a column's value is
    """Number that sorts a cell; empty where its text does, and last where there is none."""
    if value is None:
        return "1e308"
    if isinstance(value, float | int):
        return "" if text == f"{value:g}" else f"{value:.6g}"
    return ""
