"""`harness convert` from the command line; what other tools read is in tests/exchange."""

from click.testing import CliRunner

from harness.commands.convert import convert
from tests.doubles import ROOT, refusal


def test_the_tools_are_named():
    told = CliRunner().invoke(convert, ["run", "--to", "csv", "--out", "x"]).output
    assert "'mlflow', 'datasets'" in told


def test_a_folder_that_holds_files_is_left_as_it_is(command, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "README.md").write_text("mine")
    run = str(ROOT / "results" / "resnet18-rivals-epyc")
    assert "holds files already" in refusal(
        command("convert", run, "--to", "datasets", "--out", "full")
    )
    assert (tmp_path / "full" / "README.md").read_text() == "mine"
