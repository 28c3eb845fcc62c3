"""Speed is held to a baseline of ratios: what passes, what fails, and in which words."""

import ast
from pathlib import Path

import pytest

from tests.benchmarks.ratios import BASELINE, complaint, read, reference_seconds, write

BENCHMARKS = Path(__file__).parent / "benchmarks"


@pytest.mark.parametrize("times", [0.1, 1.0, 1.5, 2.0])
def test_up_to_twice_the_baseline_passes(times):
    assert complaint("test_x", 10.0 * times, {"test_x": 10.0}) is None


def test_three_times_the_baseline_fails_in_one_line_with_both_ratios():
    words = complaint("test_x", 30.0, {"test_x": 10.0, "test_y": 1.0})
    assert words.startswith("test_x takes 30 times the reference, 3.0 times the baseline's 10:")
    assert "\n" not in words


def test_a_benchmark_without_a_baseline_says_how_to_add_it():
    assert "pytest --dist=no tests/benchmarks --update-baseline" in complaint(
        "test_new", 1.0, {"test_x": 10.0}
    )


def test_an_update_of_some_keeps_the_others(tmp_path):
    path = tmp_path / "baseline.json"
    write(path, {"test_x": 1.0, "test_y": 2.0})
    write(path, {"test_y": 3.14159})
    assert read(path) == {"test_x": 1.0, "test_y": 3.14}


def test_without_a_file_nothing_is_known(tmp_path):
    assert read(tmp_path / "none.json") == {}


def test_the_reference_takes_time():
    assert reference_seconds() > 0.0


def test_every_benchmark_has_its_baseline():
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in BENCHMARKS.glob("test_*.py")]
    functions = [f for tree in trees for f in ast.walk(tree) if isinstance(f, ast.FunctionDef)]
    assert set(read(BASELINE)) == {f.name for f in functions if is_timed(f)}


def is_timed(function):
    return function.name.startswith("test_") and "timed" in {a.arg for a in function.args.args}
