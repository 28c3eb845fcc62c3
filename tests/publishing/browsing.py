"""A real browser for tests of the site, and what it complained of."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

CHROMIUMS = ("chromium", "chromium-browser", "google-chrome")


def chromium() -> str:
    """The system's Chromium; a test that wants it skips where there is none."""
    for name in CHROMIUMS:
        if path := shutil.which(name):
            return path
    pytest.skip(f"no Chromium on this machine (looked for {', '.join(CHROMIUMS)})")


class Visit:
    """An opened page, and all errors, dialogs and requests since it was asked for."""

    def __init__(self, page) -> None:
        self.page, self.errors, self.requests = page, [], []
        page.on("console", lambda message: self._hear(message.type, message.text))
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("dialog", lambda dialog: (self.errors.append("dialog"), dialog.dismiss()))
        page.on("request", lambda request: self.requests.append(request.url))

    def _hear(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.errors.append(text)

    def open(self, path: Path, address: str = "") -> "Visit":
        self.page.goto(f"{path.as_uri()}{address}")
        return self

    def ready(self) -> "Visit":
        self.page.wait_for_selector("html[data-ready=yes]")
        return self

    def draw_all(self) -> int:
        """Scroll every chart into view, and return how many were drawn."""
        for holder in self.page.query_selector_all(".drawn"):
            holder.scroll_into_view_if_needed()
        self.page.wait_for_selector(".drawn:not([data-state=drawn])", state="detached")
        return len(self.page.query_selector_all(".drawn svg"))

    def texts(self, selector: str) -> list[str]:
        return [text.strip() for text in self.page.locator(selector).all_inner_texts()]

    def choose(self, facet: str, value: str) -> None:
        self.page.get_by_role("combobox", name=facet, exact=True).first.select_option(value)

    def sort(self, name: str, table: str = "entries") -> None:
        """Press a header, and wait until the lines are in its order."""
        header = f'#{table} th[data-name="{name}"]'
        self.page.click(header)
        self.page.wait_for_selector(f"{header}[aria-sort]")

    def column(self, name: str, table: str = "entries") -> list[str]:
        """Shown texts of a column, line by line."""
        return self.page.evaluate(
            """([table, name]) => {
                const cells = [...document.querySelectorAll(`#${table} thead th`)];
                const number = cells.findIndex((cell) => cell.dataset.name === name);
                return [...document.querySelectorAll(`#${table} tbody tr`)]
                    .map((row) => row.cells[number].textContent.trim());
            }""",
            [table, name],
        )


@contextmanager
def browser() -> Iterator[object]:
    """A headless Chromium."""
    from playwright.sync_api import sync_playwright

    executable = chromium()
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        yield opened
        opened.close()
