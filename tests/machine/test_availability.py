"""What is said of libraries that are missing or do not fit."""

from importlib.metadata import version

from harness.machine.availability import unmet


def test_libraries_that_are_there_are_no_problem():
    assert unmet("torch", "numpy>=1.0") is None


def test_a_missing_library_comes_with_the_command_that_brings_all():
    assert unmet("numpy", "no-such-runtime") == (
        "no-such-runtime is not installed: pip install numpy no-such-runtime"
    )


def test_an_old_library_is_named_with_its_version():
    assert unmet("numpy>=99") == f"numpy {version('numpy')} is installed: pip install 'numpy>=99'"


def test_what_a_library_asks_for_itself_counts(installed):
    installed("picky-runtime", version="2.0", requires=["torch<2", "absent; extra == 'all'"])
    assert unmet("picky-runtime") == (
        f"picky-runtime 2.0 asks for torch<2, but torch {version('torch')} is installed: "
        "pip install picky-runtime"
    )
