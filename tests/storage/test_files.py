"""Where files can be written is known before, and what is written is whole, and lasts."""

import os
from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.storage.files import (
    append_line,
    read_toml,
    remove_folder,
    sync_file,
    sync_folder,
    writing_problem,
)
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


def test_a_line_begins_anew_where_half_of_the_last_was_left(tmp_path):
    path = tmp_path / "new" / "lines"
    for line in (b"a\n", b"b\n"):
        append_line(path, line)
    assert path.read_bytes() == b"a\nb\n"
    path.write_bytes(b"a\nha")
    append_line(path, b"c\n")
    assert path.read_bytes() == b"a\nha\nc\n"


def test_a_folder_is_removed_with_what_an_interrupted_removal_left(tmp_path):
    for name in ("models", ".tmp-models"):
        (tmp_path / name / "below").mkdir(parents=True)
    remove_folder(tmp_path / "models")
    remove_folder(tmp_path / "never there")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="no file system that knows no fsync")
def test_a_folder_of_a_file_system_that_knows_no_fsync_is_passed_over():
    with pytest.raises(OSError, match="Invalid argument"):
        sync_file(Path("/proc/self/status"))
    sync_folder(Path("/proc/self"))


def test_a_folder_that_is_gone_is_not(tmp_path):
    with pytest.raises(FileNotFoundError):
        sync_folder(tmp_path / "gone")


@pytest.mark.parametrize(
    "content", [b"a = " + b"[" * 60_000, b"a =", b"\xff", b"a = [{b = 0x%b}]" % (b"f" * 6000)]
)
def test_what_is_no_toml_is_refused_and_so_are_brackets_without_end(tmp_path, content):
    (tmp_path / "options.toml").write_bytes(content)
    with pytest.raises(ValueError, match=r".+"):
        read_toml(tmp_path / "options.toml")
    with pytest.raises(HarnessError, match=r"options\.toml: "):
        _ = RunFolder(tmp_path).options
