"""Synthetic model and data, for checks that must not depend on data that may be absent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import TensorDataset

if TYPE_CHECKING:
    from torch import Tensor
    from torch.utils.data import Dataset as TorchDataset

    from harness.contracts.data import Part

NOISE_IMAGES = 64


@dataclass(frozen=True)
class NoiseImages:
    """Synthetic dataset: seeded noise with random labels."""

    name: str = "noise"
    classes: int = 10
    shape: tuple[int, int, int] = (3, 16, 16)

    @property
    def tensors(self) -> tuple[Tensor, Tensor]:
        """`(64, 3, 16, 16)` images and `(64,)` labels, the same at every call."""
        generator = torch.Generator().manual_seed(0)
        images = torch.randn(NOISE_IMAGES, *self.shape, generator=generator)
        return images, torch.randint(0, self.classes, (NOISE_IMAGES,), generator=generator)

    def split(self, part: Part) -> TorchDataset[tuple[Tensor, int]]:  # noqa: ARG002 -- both are noise
        """Split of the dataset: the same pairs for training and test."""
        return cast("TorchDataset[tuple[Tensor, int]]", TensorDataset(*self.tensors))

    def fingerprint(self) -> str:
        """Constant."""
        return "noise"


class ResidualNetwork(nn.Module):
    """Synthetic model: three convolutions with norms, a residual sum and a classifier."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 8, 3, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(8)
        self.relu1 = nn.ReLU(inplace=True)
        self.second = nn.Conv2d(8, 8, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(8)
        self.third = nn.Conv2d(8, 16, 3, stride=2, padding=1, bias=False)
        self.norm3 = nn.BatchNorm2d(16)
        self.relu3 = nn.ReLU()
        self.classifier = nn.Linear(16, 10)

    def forward(self, x: Tensor) -> Tensor:
        """`(n, 3, h, w)` images to `(n, 10)` logits."""
        x = self.relu1(self.norm1(self.first(x)))
        x = F.relu(self.norm2(self.second(x)) + x)
        x = self.relu3(self.norm3(self.third(x)))
        logits: Tensor = self.classifier(x.mean((2, 3)))
        return logits


def residual_network() -> nn.Module:
    """Residual network with the same weights at every call, norms away from their start."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = ResidualNetwork()
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                nn.init.uniform_(module.weight, 0.5, 1.5)
                nn.init.uniform_(module.running_mean, -0.1, 0.1)  # type: ignore[arg-type]  # set, as it tracks
    return network.eval()
