"""Command whose help shows options in groups, each under its title."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Mapping


class GroupedCommand(click.Command):
    """Command with `titles` of its options, by their names; others come last."""

    def __init__(self, *arguments: Any, titles: Mapping[str, str], **settings: Any) -> None:  # noqa: ANN401 -- click's own
        super().__init__(*arguments, **settings)
        self._titles = titles

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write a section a title, in the order of the options."""
        sections: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None:
                sections[self._titles.get(str(parameter.name), "Options")].append(record)
        for title, records in sections.items():
            with formatter.section(title):
                formatter.write_dl(records)
