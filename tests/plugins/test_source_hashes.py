"""The files whose bytes are in the keys of trials: a changed one runs finished trials again."""

from pathlib import Path

import pytest

import harness_plugins
from harness.storage.file_hash import file_hash

PLUGINS = Path(harness_plugins.__path__[0])
RELEASED = {
    "datasets/digits": "14b29efed996",
    "datasets/folder": "e6fe85b25bec",
    "datasets/timm": "4b97f0288e1e",
    "models/cifar_resnets": "5fe73ddfd5a2",
    "models/pretrained": "28fb1cb3798c",
    "models/timm": "3aca1b6abe5a",
    "pruners/activation_mean": "e724abbfa2ea",
    "pruners/apoz": "3a214c7c03c8",
    "pruners/batch_norm_scale": "aca4b5f78c90",
    "pruners/fpgm": "53bae2f6ba58",
    "pruners/grasp": "fc0734246cbd",
    "pruners/hrank": "d27376d8680e",
    "pruners/lamp": "6cc71ee6b13c",
    "pruners/magnitude": "b015c05fb354",
    "pruners/obd": "1ebeea623c14",
    "pruners/obs": "3d368d169430",
    "pruners/penalised": "2c0f61a734bd",
    "pruners/random": "0ee6e404806e",
    "pruners/snip": "1037632b55f8",
    "pruners/synflow": "d2c5a600004a",
    "pruners/taylor": "1e24e12f18b5",
    "pruners/taylor_activation": "951151cd92c6",
    "pruners/taylor_gate": "5056669b837b",
    "pruners/thinet": "fd36a5b00750",
    "pruners/torch_prune": "446762ee6970",
    "pruners/wanda": "9c196f9dfb7f",
    "schedules/at_init": "85832c2a7456",
    "schedules/gradual": "b4ec83a6efbe",
    "schedules/iterative": "f80792459a41",
    "schedules/lottery": "261e2048fc6b",
    "schedules/one_shot": "8a0064e5f3b8",
    "schedules/rewinding": "870a69ab7c1f",
    "schedules/scratch": "d61152eb1bcc",
}
"""As in the keys of runs that there are. Where results change, change the hash with the file."""


@pytest.mark.parametrize("module", RELEASED)
def test_a_file_has_the_bytes_that_keys_of_earlier_runs_were_made_of(module):
    assert file_hash(PLUGINS / f"{module}.py") == RELEASED[module], (
        f"{module}.py is in the keys of trials: with other bytes, trials that are done train anew"
    )


def test_every_file_that_is_in_keys_is_held_here():
    kinds = {module.partition("/")[0] for module in RELEASED}
    files = {f"{kind}/{path.stem}" for kind in kinds for path in (PLUGINS / kind).glob("*.py")}
    assert {file for file in files if not file.endswith("__init__")} == set(RELEASED)
