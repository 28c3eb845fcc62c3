"""What `harness doctor` shows, and that it fails where the clock does."""

import pytest
from click.testing import CliRunner
from test_experiments import process

from harness import doctor as module
from harness.experiments import COPIES


def diagnosed(monkeypatch, *, slower):
    """`harness doctor --clock` on recorded times of a model made `slower`."""
    recorded = [process(slower=slower, seed=n) for n in range(30)]
    monkeypatch.setattr(module, "_timed", lambda *_, count: recorded)
    return CliRunner().invoke(module.doctor, ["--clock", "--cases", "16"])


def test_a_sound_clock_passes(monkeypatch):
    done = diagnosed(monkeypatch, slower=0.03)
    assert done.exit_code == 0, done.output
    assert "of 80 cases seem to save time" in done.output
    assert (
        f"3% slower: {10 * COPIES} of {10 * COPIES} cases are found slower, 3.00% on average"
        in done.output
    )


@pytest.mark.parametrize("slower", [0.0, 0.08])
def test_a_clock_that_misjudges_what_was_injected_fails(monkeypatch, slower):
    assert diagnosed(monkeypatch, slower=slower).exit_code == 1


def test_the_real_clock_is_really_asked(command):
    done = command("doctor", "--clock", "--cases", "1", "--model", "test_resnet")
    assert "processor" in done.stdout
    assert "of 8 cases seem to save time" in done.stdout
    assert done.returncode in (0, 1)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--backend", "cuda"], "no backend is called 'cuda'"),
        (["--model", "resnet81"], "did you mean 'resnet"),
        (["--cases", "0"], "0 is not in the range"),
    ],
)
def test_a_wrong_request_is_one_line(command, arguments, sentence):
    done = command("doctor", "--clock", *arguments)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert len(done.stderr.splitlines()) == 1
