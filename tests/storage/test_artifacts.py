"""Finished steps: whole or absent, whatever happens while they are written."""

import errno

import pytest

from harness.storage.files import write_file


def test_a_finished_step_is_there_under_its_key(store):
    with store.writing("a key") as folder:
        (folder / "file").write_text("content")
        assert "a key" not in store
    assert (store.folder("a key") / "file").read_text() == "content"


def test_a_step_that_fails_leaves_nothing(store):
    with pytest.raises(TypeError), store.writing("key") as folder:
        (folder / "file").write_bytes("half a file, then an error")
    assert "key" not in store
    assert list(store.root.iterdir()) == []


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.EFBIG, "File too large"), "File too large: '.*key'"),
        (OSError("no image"), "^no image$"),
    ],
)
def test_an_error_of_the_system_names_what_was_written(store, error, words):
    with pytest.raises(OSError, match=words), store.writing("key"):
        raise error


def test_of_two_that_finish_the_same_step_the_first_stays(store):
    with store.writing("key") as slow:
        (slow / "file").write_text("slow")
        with store.writing("key") as fast:
            (fast / "file").write_text("fast")
    assert (store.folder("key") / "file").read_text() == "fast"
    assert [path.name for path in store.root.iterdir()] == ["key"]


def test_what_a_killed_process_left_is_swept(store):
    (store.root / ".tmp-abc").mkdir(parents=True)
    (store.root / ".tmp-record").write_text("half")
    (store.root.parent / ".tmp-report").write_text("half")
    store.sweep()
    assert list(store.root.iterdir()) == []
    assert list(store.root.parent.iterdir()) == [store.root]


def test_records_are_replaced_whole(store):
    assert store.record("level@0.5") is None
    store.write_record("level@0.5", {"status": "failed"})
    store.write_record("level@0.5", {"status": "ok"})
    assert store.record("level@0.5") == {"status": "ok"}


def test_a_key_from_a_plugin_stays_inside_the_store(store):
    assert store.folder("../../outside").parent == store.root
    assert store.folder("a/b").parent == store.root


def test_a_file_that_cannot_be_written_leaves_the_old_one(tmp_path):
    path = tmp_path / "page.md"
    write_file(path, b"old")
    with pytest.raises(TypeError):
        write_file(path, "not bytes")
    assert path.read_bytes() == b"old"
    assert [found.name for found in tmp_path.iterdir()] == ["page.md"]
