"""Pages: templates filled with what the boards say, every text escaped."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from harness.presentation.chart import LIGHT
from harness.presentation.timing_samples import SampleArchives
from harness.publishing._assets import site_module
from harness.publishing.site_content import written_between

if TYPE_CHECKING:
    import jinja2

    from harness.presentation.chart import Chart
    from harness.publishing.site_content import SiteContent

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'"
)
"""Content security policy: nothing is fetched from elsewhere, and no script stands in a page."""


@dataclass(frozen=True, kw_only=True)
class Figure:
    """Figure: a chart that is drawn beforehand, as a file, and again by the reader's browser."""

    name: str
    chart: Chart
    caption: str


@dataclass(frozen=True)
class Pages:
    """Fills templates for one site, and keeps the pictures of their figures."""

    content: SiteContent

    @cached_property
    def pictures(self) -> dict[str, bytes]:
        """SVG files of all figures so far, by path from the site's root."""
        return {}

    @cached_property
    def archives(self) -> list[SampleArchives]:
        """Archives of samples, by number of the run."""
        return [SampleArchives(run.samples) for run in self.content.runs]

    def fill(
        self,
        template: str,
        path: str,
        *,
        figures: tuple[Figure, ...] = (),
        **values: Any,  # noqa: ANN401 -- what a template names
    ) -> bytes:
        """A page at a path from the site's root."""
        for figure in figures:
            self.pictures[f"charts/{figure.name}.svg"] = figure.chart.svg()
        text = self._environment.get_template(f"{template}.html.j2").render(
            root="../" * path.count("/"),
            path=path,
            figures={figure.name: figure for figure in figures},
            policy=POLICY,
            chart_config=LIGHT,
            written=written_between(self.content.rows),
            versions=self._versions,
            **values,
        )
        return text.encode()

    @cached_property
    def _versions(self) -> str:
        """Releases of the harness that wrote the rows."""
        return ", ".join(sorted({row["harness"] for row in self.content.rows if row.get("harness")}))

    @cached_property
    def _environment(self) -> jinja2.Environment:
        jinja = site_module("jinja2")
        made: jinja2.Environment = jinja.Environment(
            loader=jinja.PackageLoader("harness.publishing", "templates"),
            autoescape=True,
            undefined=jinja.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        made.policies["json.dumps_kwargs"] = {"separators": (",", ":"), "allow_nan": False}
        return made
