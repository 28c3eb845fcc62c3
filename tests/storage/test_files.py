"""Where files can be written is known before anything is done for them."""

import os

import pytest

from harness.errors import HarnessError
from harness.storage.files import read_toml, writing_problem
from harness.storage.run_folder import RunFolder


def test_a_folder_that_is_not_there_yet_can_be_written(tmp_path):
    assert writing_problem(tmp_path / "a" / "b") is None
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_there_can_be_replaced(tmp_path):
    (tmp_path / "file").touch()
    assert writing_problem(tmp_path / "file") is None


@pytest.mark.parametrize(
    ("place", "problem"),
    [
        ("file/under", "Not a directory"),
        ("n" * 300, "File name too long"),
        ("null\0", "embedded null"),
        ("~nobody-of-that-name/x", "Could not determine home directory"),
    ],
)
def test_what_cannot_be_written_says_why(place, problem, tmp_path):
    (tmp_path / "file").touch()
    path = type(tmp_path)(place) if place.startswith("~") else tmp_path / place
    assert problem in writing_problem(path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_nor_can_a_folder_that_only_others_write(tmp_path):
    tmp_path.chmod(0o500)
    assert writing_problem(tmp_path / "new") == "Permission denied"


@pytest.mark.parametrize("content", [b"a = " + b"[" * 60_000, b"a =", b"\xff"])
def test_what_is_no_toml_is_refused_and_so_are_brackets_without_end(tmp_path, content):
    (tmp_path / "options.toml").write_bytes(content)
    with pytest.raises(ValueError, match=r".+"):
        read_toml(tmp_path / "options.toml")
    with pytest.raises(HarnessError, match=r"options\.toml: "):
        _ = RunFolder(tmp_path).options
