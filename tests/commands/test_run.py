"""`harness run` as it is typed: every option says what it does, and a plan writes nothing."""

from click.testing import CliRunner

from harness.commands.run import run


def test_help_names_every_option_with_what_it_does():
    done = CliRunner().invoke(run, ["--help"])
    assert done.exit_code == 0
    for option in run.params:
        assert option.help, option.name
        assert option.opts[0] in done.output


def test_a_plan_writes_nothing(command, tmp_path):
    done = command("run", "--models", "resnet18", "--dry-run")
    assert done.returncode == 0
    assert "skipped: wanda is defined at granularity weight only" in done.stdout
    assert "at granularity weight, magnitude_l1 alone" in done.stdout
    assert list(tmp_path.iterdir()) == []
