"""Backends from files, as a baseline keeps them."""

import shutil
from pathlib import Path

import pytest

from harness.discovery.backend_file import BackendFile, backend_files
from harness.errors import HarnessError

BACKENDS = Path(__file__).parents[2] / "plugins" / "harness_plugins" / "backends"


def test_a_folder_of_plugins_may_hold_files_that_offer_no_backend(tmp_path):
    for source in BACKENDS.glob("*.py"):
        shutil.copy(source, tmp_path)
    assert (tmp_path / "__init__.py").exists()
    found = backend_files(tmp_path)
    assert {"eager_cpu", "onnxruntime_cpu", "ethos_u55"} <= set(found)
    assert found["eager_cpu"].open().name == "eager_cpu"


OFFER = "class Mine:\n    name = {}\n\ndef harness_backends():\n    return {}\n"
BROKEN = {
    "no Python": "def f(:",
    "no text": "\0",
    "one that raises": "raise ValueError('oops')",
    "one that exits": "raise SystemExit",
    "no hook": "harness_backends = 5",
    "a number": OFFER.format("'mine'", "5"),
    "numbers": OFFER.format("'mine'", "[5]"),
    "no name": OFFER.format("5", "[Mine]"),
    "a name that is taken": OFFER.format("'dense'", "[Mine]"),
}


@pytest.mark.parametrize("source", BROKEN.values(), ids=BROKEN)
def test_a_file_that_offers_anything_else_is_named(tmp_path, source):
    (tmp_path / "mine.py").write_text(source)
    for _ in range(2):
        with pytest.raises(HarnessError, match=r"mine\.py"):
            backend_files(tmp_path)
        with pytest.raises(HarnessError, match=r"mine\.py"):
            BackendFile(path=tmp_path / "mine.py", name="mine").open()


def test_a_name_that_a_file_does_not_offer_is_named(tmp_path):
    (tmp_path / "mine.py").write_text(OFFER.format("'mine'", "[Mine]"))
    assert [*backend_files(tmp_path)] == ["mine"]
    with pytest.raises(HarnessError, match="offers no backend called 'other'"):
        BackendFile(path=tmp_path / "mine.py", name="other").open()
