"""`harness submit` from the command line."""

from click.testing import CliRunner

from harness.commands.submit import submit
from harness.exchange.submission import read_submission
from tests.doubles import ROOT, refusal

RUN = ROOT / "results" / "resnet18-rivals-epyc"


def test_a_run_becomes_a_file_of_its_name(command, tmp_path):
    done = command("submit", str(RUN), "--by", "somebody")
    assert done.returncode == 0, done.stderr
    submission = read_submission(tmp_path / "resnet18-rivals-epyc.harness.zip")
    assert submission.manifest["submitter"] == "somebody"
    assert submission.findings == ()


def test_a_folder_that_is_no_run_is_named(command, tmp_path):
    assert "no run folder is called 'nowhere'" in refusal(command("submit", "nowhere"))
    assert list(tmp_path.iterdir()) == []


def test_help_says_what_is_in_it():
    assert "Models are not in it" in " ".join(CliRunner().invoke(submit, ["--help"]).output.split())
