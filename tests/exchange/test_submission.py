"""A run as one file: the same bytes from the same run, and what is wrong with one that was changed."""

import json
import zipfile

import numpy as np
import pytest

from harness.errors import HarnessError
from harness.exchange.submission import read_submission, write_submission
from harness.storage.ledger import Ledger
from harness.storage.row import Row
from harness.storage.run_folder import RunFolder
from tests.doubles import made_row


@pytest.fixture
def run(tmp_path) -> RunFolder:
    Ledger(tmp_path / "run").append(Row(**made_row(samples="s.npz", machine="aaa")))
    (tmp_path / "run" / "samples").mkdir()
    for name in ("s.npz", "of_no_row.npz"):
        np.savez_compressed(tmp_path / "run" / "samples" / name, **{"1/dense/0": np.ones(3)})
    (tmp_path / "run" / "options.toml").write_text('models = "resnet18"\n')
    return RunFolder(tmp_path / "run")


@pytest.fixture
def file(run, tmp_path):
    path = tmp_path / "run.harness.zip"
    write_submission(run, path, submitter="somebody", submitted_at="2026-11-28T12:00:00+00:00")
    return path


def changed(path, name, content: bytes, *, manifest=None):
    """The file with one member in place of another, as somebody with an editor makes it."""
    with zipfile.ZipFile(path) as archive:
        members = {member: archive.read(member) for member in archive.namelist()}
    if manifest is not None:
        members["manifest.json"] = json.dumps(json.loads(members["manifest.json"]) | manifest).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for member, old in (members | {name: content}).items():
            archive.writestr(member, old)
    return path


def test_it_holds_the_rows_their_samples_and_where_they_come_from(file, run):
    submission = read_submission(file)
    assert submission.findings == ()
    assert set(submission.files) == {"rows.jsonl", "options.toml", "samples/s.npz"}
    assert submission.files["rows.jsonl"] == (run.path / "rows.jsonl").read_bytes()
    assert submission.manifest["submitter"] == "somebody"
    assert submission.submitted == "2026-11-28"
    [machine] = submission.manifest["machines"]
    assert machine["device"] == "a processor"


def test_the_same_run_makes_the_same_bytes(file, run, tmp_path):
    again = tmp_path / "again.zip"
    write_submission(run, again, submitter="somebody", submitted_at="2026-11-28T12:00:00+00:00")
    assert again.read_bytes() == file.read_bytes()


def test_unpacked_it_is_a_run(file, run, tmp_path):
    read_submission(file).unpack(tmp_path / "there")
    assert RunFolder(tmp_path / "there").rows == run.rows
    assert RunFolder(tmp_path / "there").options == {"models": "resnet18"}


def test_a_file_that_was_changed_later_is_named(file):
    [finding] = read_submission(changed(file, "rows.jsonl", b"{}\n")).findings
    assert finding.startswith("rows.jsonl is not what its checksum says")


@pytest.mark.parametrize(
    "name",
    ["../rows.jsonl", "/etc/cron.d/x", "samples/../../x.npz", "samples/.npz", "artifacts/x", "a\n"],
)
def test_a_name_that_does_not_belong_into_it_is_left_out(file, name, tmp_path):
    submission = read_submission(changed(file, name, b"x"))
    assert [finding for finding in submission.findings if "does not belong" in finding]
    submission.unpack(tmp_path / "deep" / "there")
    assert {path.name for path in (tmp_path / "deep").iterdir()} == {"there"}


def test_what_the_manifest_does_not_list_and_what_is_gone_are_named(file):
    submission = read_submission(changed(file, "samples/more.npz", b"x", manifest={"rows": 1}))
    assert submission.findings == ("samples/more.npz is not in the manifest",)
    listed = {"files": {**submission.manifest["files"], "samples/gone.npz": "0"}}
    findings = read_submission(changed(file, "options.toml", b"", manifest=listed)).findings
    assert "samples/gone.npz is in the manifest and not in the file" in findings


@pytest.mark.parametrize("content", [b"", b"PK\x05\x06" + bytes(18), b"no zip at all"])
def test_what_is_no_submission_is_refused_in_one_line(tmp_path, content):
    (tmp_path / "x.zip").write_bytes(content)
    with pytest.raises(HarnessError, match="is no file of `harness submit`"):
        read_submission(tmp_path / "x.zip")


def test_a_later_format_says_to_upgrade(file):
    with pytest.raises(HarnessError, match="later release"):
        read_submission(changed(file, "options.toml", b"", manifest={"format": 2}))


def test_a_run_without_a_measured_row_is_not_handed_in(tmp_path):
    Ledger(tmp_path / "run").append(Row(key="a", status="failed"))
    with pytest.raises(HarnessError, match="nothing to hand in"):
        write_submission(RunFolder(tmp_path / "run"), tmp_path / "x.zip", submitter="", submitted_at="")
