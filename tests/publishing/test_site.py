"""The site of the published runs, in a real browser: what a reader sees, does, copies and sends on."""

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from harness.commands.publish import publish
from harness.publishing.site import write_site
from harness.publishing.site_content import PublishedRun, SiteContent
from harness.ranking.leaderboard import RankingRule
from tests.doubles import ROOT, made_row, made_rows
from tests.publishing.browsing import Visit, browser

pytestmark = pytest.mark.xdist_group("browser")
BOARD = "boards/resnet18-digits.html"
METHOD = "methods/taylor-channel-global-one_shot.html"
KINDS = ["index.html", BOARD, METHOD, "backends/onnxruntime_cpu.html", "score.html", "downloads.html",
         "methods.html", "backends.html"]  # fmt: skip
HOSTILE = [
    "<script>alert(1)</script>", "</script><script>alert(2)</script>", '"><img src=x onerror=alert(3)>',
    "{{7*7}}", "a,b|c&d_e%f$g#h", "../../etc/passwd", "javascript:alert(4)", "\u202eevil",
    "'; alert(5)//",
]  # fmt: skip


def made_site(folder: Path, rows, **columns) -> Path:
    run = PublishedRun(name="made", rows=rows, options={}, samples=folder / "nowhere")
    write_site(SiteContent(runs=[run], rule=RankingRule(), descriptions={}, **columns), folder)
    return folder


def published(folder: Path, *names: str) -> Path:
    runs = [str(ROOT / "results" / name) for name in names]
    done = CliRunner().invoke(publish, [*runs, "--out", str(folder)], catch_exceptions=False)
    assert done.exit_code == 0
    return folder


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """Of three networks and seventeen backends."""
    return published(tmp_path_factory.mktemp("site"), "backends-digits-epyc")


@pytest.fixture(scope="module")
def small_site(tmp_path_factory) -> Path:
    """Of one network and two backends, with ranks."""
    return published(tmp_path_factory.mktemp("small"), "resnet18-rivals-epyc")


@pytest.fixture(scope="module")
def chrome():
    with browser() as opened:
        yield opened


@pytest.fixture
def visit(chrome):
    context = chrome.new_context(viewport={"width": 1280, "height": 900})
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    yield Visit(context.new_page())
    context.close()


def test_it_shows_the_published_runs(site, visit):
    lead = visit.open(site / "index.html").ready().page.inner_text(".lead")
    rows, models, methods, backends = map(int, re.findall(r"\b\d+\b", lead)[:4])
    assert rows >= 500
    assert models == 3
    assert backends >= 15
    assert methods == len([*(site / "methods").iterdir()])


@pytest.mark.parametrize("path", KINDS)
def test_a_page_has_no_error_draws_its_charts_and_asks_nobody(site, visit, path):
    visit.open(site / path).ready()
    drawn = visit.draw_all()
    assert drawn == len(re.findall(r'class="drawn"', (site / path).read_text()))
    assert visit.errors == []
    assert all(url.startswith(site.as_uri()) for url in visit.requests)


@pytest.mark.parametrize(
    ("width", "scheme", "paths"), [(360, "light", KINDS), (1280, "dark", [BOARD, METHOD])]
)
def test_a_page_can_be_used_by_everybody(small_site, chrome, width, scheme, paths):
    import axe_playwright_python

    axe = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()
    # Its policy holds for the page; the test has to put a script into it.
    context = chrome.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, bypass_csp=True
    )
    for path in paths:
        page = Visit(context.new_page()).open(small_site / path).ready().page
        page.evaluate(axe)
        violations = page.evaluate("axe.run({ resultTypes: ['violations'] })")["violations"]
        assert [(path, one["id"], one["nodes"][0]["html"]) for one in violations] == []
        assert page.evaluate("document.documentElement.scrollWidth") == width
        page.close()
    context.close()


def test_every_link_leads_to_a_file_that_is_there(site):
    for page in site.rglob("*.html"):
        for link in re.findall(r'(?:href|src)="([^"]*)"', page.read_text()):
            path, _, anchor = link.partition("#")
            target = (page.parent / path).resolve() if path else page
            assert target.is_file(), f"{page}: {link}"
            assert not anchor or f'id="{anchor}"' in target.read_text(), f"{page}: {link}"


def test_a_filter_leaves_the_lines_with_its_words(site, visit):
    visit.open(site / BOARD).ready()
    visit.page.fill(".controls input[type=search]", "onnxruntime_cpu:basic")
    assert set(visit.column("board")) == {"onnxruntime_cpu:basic"}
    visit.page.fill(".controls input[type=search]", "no such thing")
    assert visit.texts("#entries tbody") == ["Nothing matches: clear a filter to see lines again."]
    visit.page.click("text=Clear")
    assert len(visit.column("board")) == 25
    assert visit.errors == []


def test_a_facet_leaves_the_lines_with_its_value(site, visit):
    visit.open(site / BOARD).ready()
    visit.choose("granularity", "weight")
    visit.choose("backend", "ethos_u55")
    assert set(visit.column("granularity")) == {"weight"}
    assert set(visit.column("board")) == {"ethos_u55"}
    assert visit.page.inner_text("#spoken").startswith("3 of ")


def test_a_header_sorts_by_number_not_by_letter(site, visit):
    visit.open(site / BOARD).ready()
    visit.sort("speedup")
    shown = [float(text.removesuffix("x")) for text in visit.column("speedup")]
    assert shown == sorted(shown)


def test_what_was_not_measured_stands_last_both_ways(site, visit):
    visit.open(site / "boards" / "mobilenetv3_small_100-digits.html").ready()
    visit.page.select_option(".dt-length select", "-1")
    for direction in ("ascending", "descending"):
        header = '#entries th[data-name="ms_at_floor"]'
        visit.page.click(header)
        visit.page.wait_for_selector(f"{header}[aria-sort={direction}]")
        shown = visit.column("ms_at_floor")
        missing = [number for number, text in enumerate(shown) if text == "not reached"]
        assert missing == [*range(len(shown) - len(missing), len(shown))]
        assert missing
        numbers = [float(text) for text in shown[: missing[0]]]
        assert numbers == sorted(numbers, reverse=direction == "descending")


def test_ranks_are_sorted_by_their_ends(small_site, visit):
    visit.open(small_site / BOARD).ready()
    visit.sort("rank")
    ranked = [text for text in visit.column("rank") if text != "-"]
    ends = [[int(end) for end in text.split(" to ")] for text in ranked]
    assert [(own[0], own[-1]) for own in ends] == sorted((own[0], own[-1]) for own in ends)


def test_a_header_is_reached_and_pressed_by_the_keyboard(site, visit):
    visit.open(site / BOARD).ready()
    visit.page.focus('#entries th[data-name="score"] [role=button]')
    for direction in ("ascending", "descending"):
        visit.page.keyboard.press("Enter")
        visit.page.wait_for_selector(f'#entries th[data-name="score"][aria-sort={direction}]')
    scores = [float(text.split()[0]) for text in visit.column("score")]
    assert len(scores) > 1
    assert scores == sorted(scores, reverse=True)


def test_columns_are_hidden_and_shown(site, visit):
    visit.open(site / BOARD).ready()
    headers = '#entries th[data-name="{}"]'
    assert visit.page.locator(headers.format("retained")).count() == 0
    visit.page.click("summary:text-is('Columns')")
    visit.page.locator(".controls details").get_by_label("retained", exact=True).check()
    visit.page.locator(".controls details").get_by_label("MB", exact=True).uncheck()
    assert visit.page.locator(headers.format("retained")).count() == 1
    assert visit.page.locator(headers.format("size_mb")).count() == 0


def test_chosen_lines_stand_beside_each_other_and_out_in_the_charts(site, visit):
    visit.open(site / BOARD).ready()
    boxes = visit.page.locator("#entries tbody input")
    for number in range(8):
        boxes.nth(number).check()
    boxes.nth(8).click()
    assert not boxes.nth(8).is_checked()
    assert "At most 8" in visit.page.inner_text("#spoken")
    assert len(visit.texts("#compare tr:first-child > *")) == 9
    visit.draw_all()
    for number in range(1, 8):
        boxes.nth(number).uncheck()
    visit.page.wait_for_timeout(300)
    faint = visit.page.evaluate(
        """[...document.querySelectorAll('section.board:first-of-type .mark-symbol path[aria-label]')]
            .map((mark) => [mark.getAttribute('aria-label'), mark.getAttribute('opacity')])"""
    )
    bright = {
        method
        for label, opacity in faint
        for method in re.findall("method: ([^;]+)", label)
        if opacity in (None, "1")
    }
    assert bright == {visit.page.get_attribute("#entries tbody tr", "data-subject")}


def test_a_copied_link_opens_what_was_seen(site, visit):
    visit.open(site / BOARD).ready()
    visit.page.fill(".controls input[type=search]", "channel")
    visit.choose("pruner", "taylor")
    visit.sort("latency_ms")
    visit.page.click("summary:text-is('Columns')")
    visit.page.locator(".controls details").get_by_label("MB", exact=True).uncheck()
    visit.page.locator("#entries tbody input").nth(1).check()
    seen = visit.texts("#entries"), visit.texts("#compare")
    visit.page.click("text=Copy link")
    link = visit.page.evaluate("navigator.clipboard.readText()")
    other = (
        Visit(visit.page.context.new_page()).open(site / BOARD, "#" + link.partition("#")[2]).ready()
    )
    assert (other.texts("#entries"), other.texts("#compare")) == seen
    assert other.page.input_value(".controls input[type=search]") == "channel"
    assert other.errors == []


@pytest.mark.parametrize("state", ["#?entries.f.pruner=gone&entries.o=no:up&entries.s=9999", "#?=&%ff"])
def test_a_link_to_what_is_there_no_more_opens_the_page(site, visit, state):
    visit.open(site / BOARD, state).ready()
    assert len(visit.column("board")) == 25
    assert visit.errors == []


def test_what_is_seen_is_copied_as_latex(site, visit):
    visit.open(site / BOARD).ready()
    visit.choose("backend", "onnxruntime_cpu:basic")
    visit.page.click("text=Copy as LaTeX")
    lines = visit.page.evaluate("navigator.clipboard.readText()").splitlines()
    assert lines[:2] == [
        "\\begin{tabular}{" + "l" * len(visit.texts("#entries th")[1:]) + "}",
        "\\toprule",
    ]
    assert len(lines) == 6 + len(visit.column("board"))
    assert r"onnxruntime\_cpu:basic" in lines[4]


def test_a_copied_command_is_one_that_runs(site, visit, command):
    visit.open(site / "index.html").ready()
    visit.page.fill(".controls input[type=search]", "mobilenetv3_small_100 openvino_cpu")
    visit.page.locator("button[data-copy]").first.click()
    words = shlex.split(visit.page.evaluate("navigator.clipboard.readText()"))
    done = command(*words[1:], "--dry-run")
    assert done.returncode == 0, done.stderr
    assert "mobilenetv3_small_100" in done.stdout
    assert "on openvino_cpu;" in done.stdout


def test_tables_and_pictures_are_there_without_scripts(site, chrome):
    context = chrome.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((site / BOARD).as_uri())
    assert page.locator("#entries tbody tr").count() > 100
    page.locator("figure img").first.scroll_into_view_if_needed()
    assert page.locator("figure img").first.bounding_box()["height"] > 200
    assert page.locator("button:visible").count() == 0
    context.close()


def test_it_prints_its_tables_whole_and_without_controls(site, visit):
    visit.open(site / BOARD).ready().page.emulate_media(media="print")
    assert visit.page.locator(".controls:visible, header:visible, button:visible").count() == 0
    assert visit.page.locator("#entries").is_visible()


def test_hostile_names_are_shown_as_text_and_become_no_paths(tmp_path, visit):
    rows = [made_row(pruner="dense", granularity="", scope="", schedule="", sparsity=0.0, key="dense")]
    for number in range(0, len(HOSTILE), 3):
        pruner, schedule, evidence = HOSTILE[number : number + 3]
        words = {"pruner": pruner, "schedule": schedule, "evidence": evidence, "runtime": evidence}
        rows.append(made_row(key=str(number), backend="b", **words))
    rows.append(made_row(key="model", model=HOSTILE[0], dataset=HOSTILE[2], backend=HOSTILE[1]))
    site = made_site(tmp_path / "site", [{**row, "dense_top1": 1.0} for row in rows])
    inside = {path.relative_to(site).as_posix() for path in site.rglob("*") if path.is_file()}
    assert all(re.fullmatch(r"[\w.@/-]+", name) for name in inside)
    for page in sorted(site.rglob("*.html")):
        visit.open(page).ready()
        visit.draw_all()
    assert visit.errors == []
    methods = visit.open(site / "methods.html").ready()
    for column, first in (("pruner", 0), ("schedule", 1)):
        assert set(HOSTILE[first::3]) <= set(methods.column(column, table="methods"))
    visit.choose("schedule", HOSTILE[1])
    assert visit.column("pruner", table="methods") == [HOSTILE[0]]


def test_rows_of_earlier_releases_have_their_pages(tmp_path, visit):
    later = (
        "chance",
        "evidence",
        "reduction",
        "noise_ms",
        "written_at",
        "harness",
        "energy_j",
        "samples",
    )
    rows = [{**row, **dict.fromkeys(later)} for row in made_rows()]
    site = made_site(tmp_path / "site", [{**row, "samples": ""} for row in rows])
    for page in sorted(site.rglob("*.html")):
        visit.open(page).ready()
    assert visit.errors == []
    footer = visit.open(site / "index.html").page.inner_text("footer")
    assert "do not say when they were measured" in footer


def test_a_key_that_two_runs_have_is_one_line(tmp_path, visit):
    rows = made_rows()
    runs = [
        PublishedRun(name=name, rows=rows, options={}, samples=tmp_path) for name in ("one", "other")
    ]
    write_site(SiteContent(runs=runs, rule=RankingRule(), descriptions={}), tmp_path / "site")
    visit.open(tmp_path / "site" / BOARD).ready()
    assert sorted(visit.column("pruner")) == ["group_norm_l2", "magnitude_l2", "random"]


def test_more_rows_than_a_page_holds_are_data_in_it(tmp_path, visit):
    rows = [made_row(pruner="dense", granularity="", scope="", schedule="", sparsity=0.0, key="dense")]
    rows += [made_row(key=str(seed), seed=seed) for seed in range(700)]
    site = made_site(tmp_path / "site", rows)
    [page] = (site / "methods").iterdir()
    visit.open(page).ready()
    assert "1 to 25 of 700" in visit.page.inner_text("main > section:last-of-type .dt-info")
    visit.page.locator("main > section:last-of-type input[type=search]").fill("699")
    assert visit.column("seed", table="rows-table") == ["699"]
    assert visit.errors == []
