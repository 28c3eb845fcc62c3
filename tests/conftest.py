"""Small real inputs that many tests share."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import harness
from harness.artifacts import ArtifactStore
from harness.grid import Dense, Trial
from harness.recipe import Recipe
from harness_plugins.datasets.digits import Digits
from harness_plugins.models.timm_models import TimmModel
from harness_plugins.pruners.magnitude import Magnitude
from harness_plugins.schedules.one_shot import OneShot


class TwoConvolutions(nn.Module):
    """Two convolutions with norms, a residual sum and a classifier: every kind of coupling."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 8, 3, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(8)
        self.second = nn.Conv2d(8, 8, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(8)
        self.third = nn.Conv2d(8, 16, 3, stride=2, padding=1, bias=False)
        self.norm3 = nn.BatchNorm2d(16)
        self.classifier = nn.Linear(16, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.relu(self.norm1(self.first(x)))
        x = F.relu(self.norm2(self.second(x)) + x)
        x = F.relu(self.norm3(self.third(x)))
        return self.classifier(x.mean((2, 3)))


@dataclass(frozen=True)
class SmallModel:
    """The network above as a model plugin."""

    name: str = "two_convolutions"

    def build(self, dataset: harness.Dataset) -> nn.Module:
        return TwoConvolutions()


@pytest.fixture
def network() -> nn.Module:
    torch.manual_seed(0)
    model = TwoConvolutions()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.uniform_(module.running_mean, -0.1, 0.1)
    return model.eval()


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
