"""Backends from files, as a baseline keeps them."""

import shutil
from pathlib import Path

from harness.discovery.backend_file import backend_files

BACKENDS = Path(__file__).parents[2] / "plugins" / "harness_plugins" / "backends"


def test_a_folder_of_plugins_may_hold_files_that_offer_no_backend(tmp_path):
    for source in BACKENDS.glob("*.py"):
        shutil.copy(source, tmp_path)
    assert (tmp_path / "__init__.py").exists()
    found = backend_files(tmp_path)
    assert {"eager_cpu", "onnxruntime_cpu", "ethos_u55"} <= set(found)
    assert found["eager_cpu"].open().name == "eager_cpu"
