"""`harness publish` from the command line."""

import shutil

from tests.doubles import ROOT, refusal

RUN = "resnet18-digits-epyc"


def test_a_run_becomes_a_site_with_commands_that_hold_its_own_options(command, tmp_path):
    shutil.copytree(ROOT / "results" / "resnet18-rivals-epyc", tmp_path / "run")
    done = command("publish", "run")
    assert done.returncode == 0, done.stderr
    assert "open site/index.html" in done.stderr
    page = (tmp_path / "site" / "index.html").read_text()
    # What is a default of `harness run` is left out of its command.
    assert "harness run --models resnet18 --pruners taylor" in page
    assert "--dense-epochs" not in page


def test_a_folder_that_is_no_run_is_named_and_nothing_written(command, tmp_path):
    assert "no run folder is called 'nowhere'" in refusal(command("publish", "nowhere"))
    assert list(tmp_path.iterdir()) == []
