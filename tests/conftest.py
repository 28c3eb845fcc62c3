"""Small real inputs that many tests share."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import harness
from harness.storage.artifacts import ArtifactStore
from harness.storage.bits import encode_bits
from harness.storage.row import Row
from harness.training.recipe import Recipe
from harness.training.synthetic import ResidualNetwork, residual_network
from harness.trials.spec import Dense, Trial
from harness_plugins.datasets.digits import Digits
from harness_plugins.models.timm import TimmModel
from harness_plugins.pruners.magnitude import Magnitude
from harness_plugins.schedules.one_shot import OneShot


@dataclass(frozen=True)
class SmallModel:
    """The small residual network as a model plugin."""

    name: str = "residual_network"

    def build(self, dataset: harness.Dataset) -> nn.Module:
        return ResidualNetwork()


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Of these tests alone; what is measured once on a machine is measured once for them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HARNESS_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture
def network() -> nn.Module:
    return residual_network()


@pytest.fixture
def recipe() -> Recipe:
    return Recipe(dense_epochs=1.0, finetune_epochs=0.5)


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(tmp_path / "artifacts")


@pytest.fixture
def dense(recipe: Recipe) -> Dense:
    return Dense(model=SmallModel(), dataset=Digits(), data_hash="abc", seed=0, recipe=recipe)


@pytest.fixture
def trial(dense: Dense) -> Trial:
    return Trial(
        dense=dense,
        pruner=Magnitude("magnitude_l2", 2),
        granularity="weight",
        scope="global",
        schedule=OneShot(),
        levels=(0.5, 0.9),
    )


@pytest.fixture
def resnet18() -> nn.Module:
    torch.manual_seed(0)
    model = TimmModel("resnet18").build(Digits())
    for module in model.modules():
        # timm starts the last norm of each block at zero, which would hide its branch.
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
    return model.eval()


@pytest.fixture
def command(tmp_path: Path):
    """Run `harness ARGUMENTS` as a user would, in an empty folder."""

    def run(*arguments: str, timeout: float = 600, path: str = "") -> subprocess.CompletedProcess:
        places = [place for place in (path, os.environ.get("PYTHONPATH")) if place]
        return subprocess.run(
            [sys.executable, "-m", "harness", *arguments],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(places), "COLUMNS": "200"},
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    return run


@pytest.fixture
def image_folder(tmp_path: Path) -> Path:
    """Real digits as PNG files: three classes, twelve images each to train on and six to test."""
    from torchvision.transforms.functional import to_pil_image

    taken: dict[tuple[str, int], int] = {}
    for part, most in (("train", 12), ("test", 6)):
        for image, label in Digits().split(part):
            count = taken.get((part, int(label)), 0)
            if int(label) < 3 and count < most:
                folder = tmp_path / "images" / part / f"digit{int(label)}"
                folder.mkdir(parents=True, exist_ok=True)
                scaled = (image - image.min()) / (image.max() - image.min())
                to_pil_image(scaled).save(folder / f"{count}.png")
                taken[part, int(label)] = count + 1
    return tmp_path / "images"


def made_row(**columns: object) -> dict:
    """A measured row with believable columns, any of them replaced."""
    bits = np.arange(100) < 90
    row = Row(
        key="k", model="resnet18", dataset="digits", pruner="magnitude_l2", granularity="channel",
        scope="local", schedule="one_shot", sparsity=0.5, backend="eager_cpu", top1=0.9,
        dense_top1=1.0, retained=0.9, images=100, latency_ms=6.0, latency_low_ms=5.9,
        latency_high_ms=6.1, dense_latency_ms=10.0, fps=166.7, ms_saved=4.0, ms_saved_low=3.9,
        ms_saved_high=4.1, ms_saved_error=0.05, noise_ms=0.2, saves_time=True,
        retained_per_ms_saved=0.225, rounds=50, size_mb=10.0, compressed_mb=9.0, params=1000,
        params_nonzero=1000, dense_params=2000, macs=500, dense_macs=1000, device="a processor",
        runtime="torch 2", dense_epochs=12.0, correct=encode_bits(bits),
        dense_correct=encode_bits(np.ones(100, dtype=bool)),
    )  # fmt: skip
    return {**asdict(row), **columns}


@pytest.fixture
def rows() -> list[dict]:
    """Dense, two methods that save time at two levels, one that does not, one skipped cell."""
    nothing = {"ms_saved": 0.0, "saves_time": False, "retained_per_ms_saved": None}
    found = [made_row(pruner="dense", granularity="", scope="", schedule="", sparsity=0.0, **nothing)]
    for pruner, share in (("random", 0.8), ("magnitude_l2", 0.9)):
        for level, saved in ((0.5, 4.0), (0.9, 8.0)):
            bits = encode_bits(np.arange(100) < 100 * (share - level / 10))
            found.append(made_row(pruner=pruner, sparsity=level, ms_saved=saved, correct=bits))
    found.append(made_row(pruner="magnitude_l2", granularity="weight", scope="global", **nothing))
    empty = dict.fromkeys(asdict(Row()), None) | {"status": "skipped", "reason": "not defined here"}
    names = ("model", "dataset", "schedule", "backend", "batch", "threads")
    found.append(
        {**empty, **{n: found[1][n] for n in names}, "pruner": "fpgm", "granularity": "weight"}
    )
    return [{**row, "key": f"key {place}"} for place, row in enumerate(found)]
