"""Table: its columns are defined once, and written for a terminal, a page, a paper or a program."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import pandas as pd

Item = TypeVar("Item")
MARKUP = re.compile(r"[\\`*{}\[\]<>#|~]|(?<![^\W_])_|_(?![^\W_])")
"""What starts Markdown; an underscore inside a word does not."""
SAME = 1e-6
"""Relative difference that draws in single precision leave in an interval of no width."""
EMPTY = "-"
"""Text of what was not measured."""


@dataclass(frozen=True, kw_only=True)
class Column(Generic[Item]):
    """Column of a table: the text of an item for people, and its value for programs and sorting.

    `name` is a program's, `header` a person's; `meaning` explains it in a sentence; `low` and `high`
    are the ends of the value's 95 % interval.
    """

    name: str
    header: str
    meaning: str
    text: Callable[[Item], str]
    value: Callable[[Item], Any]
    low: Callable[[Item], float | None] | None = None
    high: Callable[[Item], float | None] | None = None


def text_column(
    name: str,
    header: str,
    meaning: str,
    text: Callable[[Item], Any],
    value: Callable[[Item], Any] | None = None,
) -> Column[Item]:
    """Column of words, sorted by `value` where that is not the text itself."""
    return Column(
        name=name,
        header=header,
        meaning=meaning,
        text=lambda item: str(text(item)),
        value=value or text,
    )


def number_column(
    name: str,
    header: str,
    meaning: str,
    value: Callable[[Item], Any],
    form: str = "{:.3g}",
) -> Column[Item]:
    """Column of a number in a form; a dash where there is none."""
    return text_column(name, header, meaning, lambda item: number_text(value(item), form), value)


def interval_column(
    name: str, header: str, meaning: str, row: Callable[[Item], Mapping[str, Any]]
) -> Column[Item]:
    """Column of a number with its 95 % interval, which a row has as `name`, `name_low`, `name_high`."""
    ends = f"{name}_low", f"{name}_high"
    return Column(
        name=name,
        header=header,
        meaning=meaning,
        text=lambda item: interval_text(*(row(item)[key] for key in (name, *ends))),
        value=lambda item: row(item)[name],
        low=lambda item: row(item)[ends[0]],
        high=lambda item: row(item)[ends[1]],
    )


@dataclass(frozen=True, kw_only=True)
class Table(Generic[Item]):
    """Table of items, one a line."""

    columns: Sequence[Column[Item]]
    items: Sequence[Item]

    @property
    def headers(self) -> list[str]:
        """Headers, for people."""
        return [column.header for column in self.columns]

    def texts(self) -> list[list[str]]:
        """Texts of all cells, line by line."""
        return [[column.text(item) for column in self.columns] for item in self.items]

    def frame(self) -> pd.DataFrame:
        """Data frame of the values, each interval as two more columns, `_low` and `_high`."""
        import pandas as pd

        readers: dict[str, Callable[[Item], Any]] = {}
        for column in self.columns:
            readers[column.name] = column.value
            if column.low and column.high:
                readers |= {f"{column.name}_low": column.low, f"{column.name}_high": column.high}
        values = {name: [read(item) for item in self.items] for name, read in readers.items()}
        return pd.DataFrame(values, columns=[*readers]).convert_dtypes()

    def markdown(self) -> str:
        """Pipe table of Markdown."""
        return self._tabulated("pipe", escaped_markdown)

    def latex(self) -> str:
        """Tabular of LaTeX, with the rules of the package booktabs."""
        return self._tabulated("latex_booktabs", _one_line)

    def _tabulated(self, form: str, safe: Callable[[str], str]) -> str:
        from tabulate import tabulate

        lines = [[safe(text) for text in line] for line in self.texts()]
        headers = [safe(header) for header in self.headers]
        return tabulate(lines, headers=headers, tablefmt=form, disable_numparse=True)


def escaped_markdown(text: str) -> str:
    """Text for Markdown: names and reasons of plugins cannot end a cell or start markup."""
    return _one_line(MARKUP.sub(r"\\\g<0>", text))


def number_text(value: float | None, form: str = "{:.3g}") -> str:
    """Number for people; a dash where there is none."""
    return EMPTY if value is None else form.format(value)


def interval_text(value: float, low: float, high: float, form: str = "{:.3g}") -> str:
    """Number with its 95 % interval, for people; alone where it has none, as of a simulator."""
    if math.isclose(low, value, rel_tol=SAME) and math.isclose(high, value, rel_tol=SAME):
        return form.format(value)
    return f"{form.format(value)} ({form.format(low)} to {form.format(high)})"


def _one_line(text: str) -> str:
    return " ".join(text.split())
