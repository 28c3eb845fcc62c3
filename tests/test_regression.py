"""The regression check goes red on a deliberate fault, and stays green without one.

The same two commands as `tox -e regression`, on a part of its grid; faults are made in a copy of the
plugins that stands before the installed ones.
"""

import shutil

import pytest

from tests.doubles import ROOT, typed

pytestmark = [pytest.mark.xdist_group("regression"), pytest.mark.long(90)]
BASELINE = ROOT / "results" / "regression"
PART = ("--pruners", "magnitude_l2", "--granularities", "weight", "--backends", "eager_cpu")
HURRIED = ("--timing-seconds", "0", "--quick")
OF_A_PART = ("--fail-on", "lost=off,unsteady=off")


@pytest.fixture
def plugins(tmp_path):
    """A copy of the built-in plugins, and how to change one."""
    copy = tmp_path / "plugins"
    shutil.copytree(ROOT / "plugins", copy)

    def changed(module, before, after):
        path = copy / "harness_plugins" / module
        source = path.read_text()
        assert before in source
        path.write_text(source.replace(before, after))
        return str(copy)

    return changed


RUN = ("--config", str(BASELINE / "grid.toml"), "--dense-from", str(BASELINE), *PART, *HURRIED)


def is_taken_over(done):
    return done.returncode == 0 and "1 of 1 dense models are taken over" in done.stderr


@pytest.fixture(scope="module")
def unchanged(tmp_path_factory):
    """Part of the baseline's grid from its dense model, with the plugins as they are; to read."""
    place = tmp_path_factory.mktemp("unchanged")
    done = typed(place, "run", *RUN, "--out=new")
    assert is_taken_over(done), done.stderr
    return place / "new"


def test_nothing_changed_and_nothing_regressed(unchanged, command):
    done = command("compare", str(BASELINE), str(unchanged), *OF_A_PART)
    assert done.returncode == 0, done.stdout
    assert "Nothing certainly regressed" in done.stdout


def test_a_pruner_that_became_worse_turns_it_red(process, command, plugins):
    worse = plugins("pruners/magnitude.py", "weight.abs() ** self.power", "-weight.abs()")
    done = process("run", *RUN, "--out=new", path=worse)
    assert is_taken_over(done), done.stderr
    done = command("compare", str(BASELINE), "new", "--all")
    assert done.returncode == 1
    regressed = done.stdout.split("Regressed")[1]
    assert "accuracy" in regressed
    assert "changed" in regressed
    assert "magnitude_l2 weight" in regressed
    assert "2 regressions" in done.stderr


def test_a_backend_that_became_slower_turns_it_red(unchanged, process, plugins, tmp_path):
    """It runs every model twice: the base's models run on the base's backend, so the pair shows it."""
    shutil.copytree(unchanged, tmp_path / "new")
    slower = plugins(
        "backends/eager.py",
        "            return torch.inference_mode()(model)",
        "            once = torch.inference_mode()(model)\n"
        "            return lambda images: (once(images), once(images))[1]",
    )
    again = ("--remeasure", "--base-backends", str(BASELINE / "backends"), "--timing-seconds", "6")
    done = process("compare", str(BASELINE), "new", *again, path=slower)
    assert done.returncode == 1, done.stdout
    assert "slower" in done.stdout.split("Regressed")[1]
    assert "reported only" not in done.stdout
