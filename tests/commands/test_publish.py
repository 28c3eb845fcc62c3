"""`harness publish` from the command line."""

import shutil
import zipfile

from tests.doubles import ROOT, refusal

RUN = "resnet18-digits-epyc"


def test_a_run_becomes_a_site_with_commands_that_hold_its_own_options(command, tmp_path):
    shutil.copytree(ROOT / "results" / "resnet18-rivals-epyc", tmp_path / "run")
    done = command("publish", "run")
    assert done.returncode == 0, done.stderr
    assert "open site/index.html" in done.stdout
    page = (tmp_path / "site" / "index.html").read_text()
    # What is a default of `harness run` is left out of its command.
    assert "harness run --models resnet18 --pruners taylor" in page
    assert "--dense-epochs" not in page


def test_a_folder_that_is_no_run_is_named_and_nothing_written(command, tmp_path):
    assert "no run folder is called 'nowhere'" in refusal(command("publish", "nowhere"))
    assert list(tmp_path.iterdir()) == []


def test_what_others_handed_in_is_marked_by_whether_it_was_checked(command, tmp_path):
    run = str(ROOT / "results" / "resnet18-rivals-epyc")
    assert command("submit", run, "--out", "theirs.zip").returncode == 0
    shutil.copy(tmp_path / "theirs.zip", tmp_path / "others.zip")
    assert command("verify", "theirs.zip", "--record").returncode == 0
    assert command("publish", "theirs.zip", "others.zip").returncode == 0
    assert "others.zip (claimed 20" in (tmp_path / "site" / "downloads.html").read_text()
    assert "theirs.zip (checked 20" in (tmp_path / "site" / "downloads.html").read_text()
    assert "checked 20" in (tmp_path / "site" / "boards" / "resnet18-digits.html").read_text()


def test_a_submission_that_was_changed_is_not_published(command, tmp_path):
    assert command("submit", str(ROOT / "results" / "resnet18-rivals-epyc")).returncode == 0
    [file] = tmp_path.glob("*.harness.zip")
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr("samples/more.npz", b"x")
    assert "samples/more.npz is not in the manifest" in refusal(command("publish", file.name))
    assert not (tmp_path / "site").exists()
