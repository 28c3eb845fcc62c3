"""The template of a leaderboard repository, with git, its own scripts and the real commands."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from harness.storage.row_line import row_line
from tests.doubles import ROOT

# One process makes the repository that the tests begin with.
pytestmark = pytest.mark.xdist_group("leaderboard repository")
TEMPLATE = ROOT / "examples" / "leaderboard"
OURS = ROOT / "results" / "resnet18-rivals-epyc"
THEIRS = ROOT / "results" / "resnet18-digits-replicate-epyc"
CHOSEN = ("dense", "snip", "random", "group_norm_l2")
OTHERS = ["review.sh", "submissions/x.harness.zip.checked.json", "submissions/a/b.harness.zip"]
"""Files that no submission may bring."""


class Repository:
    """A clone in which somebody works: commands as they type them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        # `harness` as a person finds it, and nothing of their own git.
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        self._environment = {
            **os.environ, "PATH": path, "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "a",
            "GIT_COMMITTER_EMAIL": "a@b",
        }  # fmt: skip

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, cwd=self.folder, env=self._environment, capture_output=True, text=True, check=False
        )

    def must(self, *command: str) -> str:
        done = self.run(*command)
        assert done.returncode == 0, done.stderr + done.stdout
        return done.stdout

    def commit(self, branch: str) -> None:
        self.must("git", "checkout", "-q", "-B", branch)
        self.must("git", "add", "-A")
        self.must("git", "commit", "-qm", branch)

    def review(self) -> tuple[int, str]:
        done = self.run("./review.sh", "main")
        return done.returncode, (self.folder / "comment.md").read_text()


@pytest.fixture(scope="module")
def begun(tmp_path_factory) -> Repository:
    """The template with a first submission on main."""
    made = Repository(tmp_path_factory.mktemp("begun") / "board")
    shutil.copytree(TEMPLATE, made.folder)
    made.must("git", "init", "-q", "-b", "main")
    made.must("harness", "submit", str(OURS), "--out", "submissions/ours.harness.zip")
    made.commit("main")
    return made


@pytest.fixture
def repository(begun, tmp_path) -> Repository:
    """A copy in which a test may do as it likes."""
    return Repository(shutil.copytree(begun.folder, tmp_path / "board"))


@pytest.fixture
def theirs(tmp_path) -> Path:
    """Some methods of a run with other seeds."""
    shutil.copytree(THEIRS, tmp_path / "theirs")
    ledger = tmp_path / "theirs" / "rows.jsonl"
    lines = ledger.read_text().splitlines(keepends=True)
    ledger.write_text("".join(line for line in lines if json.loads(line)["pruner"] in CHOSEN))
    return tmp_path / "theirs"


def test_a_submission_is_reviewed_merged_accepted_and_on_the_site(repository, theirs):
    repository.must("harness", "submit", str(theirs), "--out", "submissions/theirs.harness.zip")
    repository.commit("theirs")
    status, comment = repository.review()
    assert status == 0, comment
    assert "## theirs.harness.zip" in comment
    assert "- rows: nothing wrong in" in comment
    assert "| score against random   | score against group_norm_l2" in comment
    # Ranked alone, beside what the board has of the same method.
    lines = [line for line in comment.splitlines() if "| group_norm_l2 " in line]
    assert len(lines) == 2
    assert "score on the board so far" in comment
    assert all(line.rstrip("| ").split("|")[-1].strip()[0].isdigit() for line in lines)

    repository.must("git", "checkout", "-q", "main")
    repository.must("git", "merge", "-q", "theirs")
    repository.must("./accept.sh", "submissions/theirs.harness.zip", "0")
    repository.commit("main")
    repository.must("./build.sh")
    board = (repository.folder / "public" / "boards" / "resnet18-digits.html").read_text()
    assert "checked 20" in board
    assert "claimed 20" in board


def test_a_tampered_submission_is_answered_with_what_is_wrong(repository, theirs):
    ledger = theirs / "rows.jsonl"
    rows = [json.loads(line) for line in ledger.read_text().splitlines()]
    tampered = next(row for row in rows if row["pruner"] == "snip" and row["status"] == "ok")
    tampered["ms_saved"] += 0.05
    # Whoever tampers can compute a checksum.
    ledger.write_bytes(b"".join(map(row_line, rows)))
    repository.must("harness", "submit", str(theirs), "--out", "submissions/t.harness.zip")
    repository.commit("tampered")
    status, comment = repository.review()
    assert status == 1
    assert "- rows: **1 finding** in" in comment
    assert "retained_per_ms_saved is" in comment.replace("\\", "")
    assert "score against" not in comment


@pytest.mark.parametrize("name", OTHERS)
def test_a_branch_that_brings_anything_else_is_refused(repository, name):
    path = repository.folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(path.read_text() + "# mine\n" if path.exists() else "mine")
    repository.commit("else")
    status, comment = repository.review()
    assert status == 1
    assert f"`{name}` is " in comment


def test_a_submission_that_is_there_is_neither_renamed_nor_replaced(repository):
    repository.must("git", "mv", "submissions/ours.harness.zip", "submissions/mine.harness.zip")
    repository.commit("renamed")
    status, comment = repository.review()
    assert status == 1
    assert "`submissions/ours.harness.zip` is there already" in comment


def test_a_base_that_is_not_there_is_no_pass(repository):
    done = repository.run("./review.sh", "no-such-branch")
    assert done.returncode != 0


def test_what_is_no_submission_at_all_is_answered(repository):
    (repository.folder / "submissions" / "x.harness.zip").write_text("no zip")
    repository.commit("nothing")
    status, comment = repository.review()
    assert status == 1
    assert "This is no file of `harness submit`." in comment
