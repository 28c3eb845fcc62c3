"""What changed at the top of boards since the last build, and files of it that are no more."""

import json
from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.publishing._changes import build_facts, build_file, change_sentences, files_of_build
from harness.publishing.site import site_files, write_site
from harness.publishing.site_content import PublishedRun, SiteContent
from harness.ranking.leaderboard import RankingRule
from tests.doubles import made_row, made_rows


def content(rows):
    run = PublishedRun(name="run", rows=rows, options={}, samples=Path())
    return SiteContent(runs=[run], rule=RankingRule(), descriptions={})


def tree(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_first_build_has_nothing_to_compare_with():
    assert change_sentences(build_facts(content(made_rows()), None)) is None


def test_a_new_top_is_told_and_a_build_of_the_same_rows_still_tells_it():
    first = build_file(build_facts(content(made_rows()), None))
    rows = made_rows()
    better = [made_row(pruner="newcomer", ms_saved=9.0, latency_ms=1.0, key="new")]
    second = build_facts(content(rows + better), first)
    [sentence] = change_sentences(second)
    assert "at the top is newcomer channel local one_shot, where it was group_norm_l2" in sentence
    again = build_facts(content(rows + better), build_file(second))
    assert change_sentences(again) == [sentence]


def test_boards_that_came_and_went_are_told():
    first = build_file(build_facts(content(made_rows()), None))
    moved = [{**row, "backend": "other"} for row in made_rows()]
    told = change_sentences(build_facts(content(moved), first))
    assert [sentence.partition(":")[0] for sentence in told] == ["New", "Gone"]


@pytest.mark.parametrize("damaged", [b"", b"{", b"[]", b'{"tops": 3}', b'{"tops": {"a": 1}}', b"\xff"])
def test_a_damaged_build_file_is_none(damaged):
    assert build_facts(content(made_rows()), damaged)["before"] is None


def test_files_of_a_build_lie_in_its_folder():
    facts = {"rows": "", "before": None, "tops": {}, "files": ["a/b.html", "../x", "/etc/passwd", 3]}
    assert files_of_build(json.dumps(facts).encode()) == ["a/b.html"]


def test_the_same_rows_make_the_same_files_again(tmp_path):
    write_site(content(made_rows()), tmp_path / "one")
    write_site(content(made_rows()), tmp_path / "other")
    first = tree(tmp_path / "one")
    write_site(content(made_rows()), tmp_path / "one")
    assert tree(tmp_path / "one") == tree(tmp_path / "other") == first
    assert set(map(str, first)) == {name for name, _ in site_files(content(made_rows()), before=None)}


def test_a_build_removes_pages_of_the_one_before_and_no_file_of_others(
    tmp_path,
):
    write_site(content([*made_rows(), made_row(pruner="gone", key="gone")]), tmp_path)
    (tmp_path / "CNAME").write_text("example.org")
    assert (tmp_path / "methods" / "gone-channel-local-one_shot.html").is_file()
    write_site(content(made_rows()), tmp_path)
    assert not (tmp_path / "methods" / "gone-channel-local-one_shot.html").exists()
    assert (tmp_path / "CNAME").read_text() == "example.org"


def test_a_folder_of_other_things_is_refused_and_left_as_it_is(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(HarnessError, match="holds other files than a site"):
        write_site(content(made_rows()), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_without_a_measured_row_there_is_no_site(tmp_path):
    with pytest.raises(HarnessError, match="nothing to rank"):
        write_site(content([made_row(status="failed")]), tmp_path / "site")
    assert not (tmp_path / "site").exists()
