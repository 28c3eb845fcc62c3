"""Types of the harness and its plugins, as mypy reads them in strict mode."""

import subprocess
import sys

import pytest

from tests.doubles import ROOT


@pytest.mark.long(45)
def test_types_are_sound():
    """Beside the other tests, since it keeps one core busy for most of its time."""
    done = subprocess.run(
        [sys.executable, "-m", "mypy"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
