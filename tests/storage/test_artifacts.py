"""Finished steps: whole or absent, whatever happens while they are written."""

import errno
import json
import shutil
import zipfile

import numpy as np
import pytest

from harness.errors import DamagedError
from harness.storage.artifacts import ArtifactStore
from harness.storage.damage import artifact_damages, sample_damages
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
    assert store.record("level@0.5", json.loads) is None
    store.write_record("level@0.5", {"status": "failed"})
    store.write_record("level@0.5", {"status": "ok"})
    assert store.record("level@0.5", json.loads)["status"] == "ok"


DAMAGES = {
    "truncated": lambda content: content[: len(content) // 2],
    "emptied": lambda _: b"",
    "a bit flipped": lambda content: bytes([content[0] ^ 4]) + content[1:],
    "of another": lambda _: b'{"accuracy": 0.99, "check": "00000000"}',
}


@pytest.fixture
def kept(store):
    """Two artifacts and two records."""
    for key in ("one", "other"):
        with store.writing(key) as folder:
            (folder / "weights").write_bytes(key.encode() * 9)
            (folder / "facts").write_bytes(b'{"key": "%b"}' % key.encode())
        store.write_record(f"record-{key}", {"accuracy": 0.5, "of": key})
    return store


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
@pytest.mark.parametrize("name", ["weights", "facts", "checks.json"])
def test_an_artifact_that_is_not_what_was_written_is_set_aside_with_its_reason(kept, name, damage):
    path = kept.folder("one") / name
    path.write_bytes(damage(path.read_bytes()))
    found = [kept.content("one", file, bytes) for file in ("weights", "facts")]
    assert None in found
    assert "one" not in kept, "so that it is made again"
    [reason] = kept.reasons()
    assert reason.startswith(f"one/{name} is damaged")
    [aside] = (kept.root / "damaged").glob("*/one")
    assert (aside / name).is_file()
    assert kept.content("other", "weights", bytes) == b"other" * 9


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_record_that_is_not_what_was_written_is_set_aside_with_its_reason(kept, damage):
    path = kept.root / "record-one.json"
    path.write_bytes(damage(path.read_bytes()))
    assert kept.record("record-one", json.loads) is None
    assert not path.exists()
    [reason] = kept.reasons()
    assert reason.startswith("record-one.json is damaged") or "record-one.json is damaged" in reason
    assert kept.record("record-other", json.loads)["of"] == "other"


def test_what_was_swapped_is_found_as_what_was_changed(kept):
    one, other, between = kept.folder("one"), kept.folder("other"), kept.root / "between"
    one.rename(between)
    other.rename(one)
    between.rename(other)
    shutil.copy(kept.root / "record-other.json", kept.root / "record-one.json")
    assert kept.content("one", "weights", bytes) is None
    assert kept.content("other", "weights", bytes) is None
    assert kept.record("record-one", json.loads) is None
    assert len(kept.reasons()) == 3


def test_files_that_changed_places_are_found(kept):
    own, others = kept.folder("one") / "weights", kept.folder("other") / "weights"
    shutil.copy(others, own)
    damages = [*artifact_damages(kept, lambda _: None)]
    assert [(damage.path.name, damage.reason) for damage in damages] == [
        ("one", "one/weights is damaged: its checksum is another: it is not what was written")
    ]


def test_a_file_that_is_gone_is_damage(kept):
    (kept.folder("one") / "facts").unlink()
    [damage] = artifact_damages(kept, lambda _: None)
    assert damage.reason == "one/facts is gone"


def test_what_an_earlier_release_wrote_is_taken_as_it_is(kept, tmp_path):
    (kept.folder("one") / "checks.json").unlink()
    (kept.root / "record-one.json").write_text('{"accuracy": 0.5}')
    assert [*artifact_damages(kept, lambda _: None)] == []
    assert kept.content("one", "weights", bytes) == b"one" * 9
    assert kept.record("record-one", json.loads) == {"accuracy": 0.5}
    other = ArtifactStore(tmp_path / "again")
    assert other.take(kept, "one")
    assert (other.folder("one") / "checks.json").is_file(), "from here on it tells"


def test_a_damaged_artifact_is_not_taken_over(kept, tmp_path):
    (kept.folder("one") / "weights").write_bytes(b"mine")
    with pytest.raises(DamagedError, match="one/weights is damaged"):
        ArtifactStore(tmp_path / "again").take(kept, "one")


def test_what_is_damaged_in_a_run_that_kept_no_models_is_set_aside_too(tmp_path):
    archive = tmp_path / "samples.npz"
    archive.write_bytes(b"half")
    store = ArtifactStore(tmp_path / "artifacts")
    store.set_aside(archive, "samples.npz is damaged")
    assert store.reasons() == ["samples.npz is damaged"]
    assert not archive.exists()


def test_a_damaged_archive_of_samples_is_found(tmp_path):
    for name in ("sound", "flipped", "cut"):
        np.savez_compressed(tmp_path / f"{name}.npz", times=np.arange(1000.0))
    whole = (tmp_path / "cut.npz").read_bytes()
    (tmp_path / "cut.npz").write_bytes(whole[:200])
    (tmp_path / "flipped.npz").write_bytes(whole[:200] + bytes([whole[200] ^ 4]) + whole[201:])
    damages = [*sample_damages(tmp_path)]
    assert [damage.path.name for damage in damages] == ["cut.npz", "flipped.npz"]


def test_an_archive_that_does_not_even_unpack_is_found(tmp_path):
    np.savez_compressed(tmp_path / "whole.npz", times=np.arange(1000.0))
    whole = (tmp_path / "whole.npz").read_bytes()
    start = whole.index(b"times.npy") + len(b"times.npy")
    for place in range(start, start + 60):
        changed = bytes([whole[place] ^ 255])
        (tmp_path / f"{place}.npz").write_bytes(whole[:place] + changed + whole[place + 1 :])
    damaged = {damage.path.name for damage in sample_damages(tmp_path)}
    assert len(damaged) >= 40, "what is passed over unread, as an extra field, costs nothing"
    assert "whole.npz" not in damaged


def test_a_name_in_an_archive_is_shown_in_one_line(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("one\n\x1b[2J", b"times")
    content = (tmp_path / "a.npz").read_bytes()
    (tmp_path / "a.npz").write_bytes(content.replace(b"times", b"limes"))
    [damage] = sample_damages(tmp_path)
    assert damage.reason == "a.npz is damaged: the checksum of 'one\\n\\x1b[2J' is another"


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
