"""Whoever shows the progress hears all that a run tells."""

import pytest

from harness.console.progress import ConsoleProgress
from harness.engines.observer import Observer
from tests.doubles import Notes


@pytest.mark.parametrize("observer", [ConsoleProgress, Notes])
def test_those_who_listen_have_an_ear_for_everything(observer):
    told = {name for name in vars(Observer) if not name.startswith("_")}
    assert told == {"phase", "running", "done", "rows", "note"}
    assert told <= set(dir(observer))


def test_the_console_tells_each_end_in_a_line_on_stderr(capsys):
    with ConsoleProgress(2) as progress:
        progress.phase("training", 3.0)
        progress.running(["one", "two"])
        progress.done("one: done", 1.0)
        progress.rows(1)
        progress.note("[a] note with brackets")
    captured = capsys.readouterr()
    assert captured.out == ""
    for line in ("one: done", "[a] note with brackets"):
        assert line in captured.err
