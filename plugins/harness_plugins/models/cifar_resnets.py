"""The ResNets of He et al. (2016, sec. 4.2) for small images: cifar_resnet20 to cifar_resnet110."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

import harness

if TYPE_CHECKING:
    from torch import Tensor, nn

DEPTHS = (20, 32, 44, 56, 110)


@dataclass(frozen=True)
class CifarResNet:
    """`6n + 2` layers with shortcuts that have no weights (option A)."""

    depth: int

    @property
    def name(self) -> str:
        """With its depth."""
        return f"cifar_resnet{self.depth}"

    def build(self, dataset: harness.Dataset) -> nn.Module:
        """Fresh weights, Kaiming normal as published; names as in the usual checkpoints."""
        return network((self.depth - 2) // 6, channels=dataset.shape[0], classes=dataset.classes)


def network(blocks: int, *, channels: int, classes: int) -> nn.Module:
    """Three stages of so many blocks, 16, 32 and 64 channels wide."""
    # The classes are made here, since listing plugins must not wait for torch.
    from torch import nn
    from torch.nn.functional import pad, relu

    class Block(nn.Module):
        def __init__(self, inputs: int, outputs: int, stride: int) -> None:
            super().__init__()
            self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
            self.bn1 = nn.BatchNorm2d(outputs)
            self.act1 = nn.ReLU()
            self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
            self.bn2 = nn.BatchNorm2d(outputs)
            self.stride, self.more = stride, outputs - inputs

        def forward(self, x: Tensor) -> Tensor:
            out = self.bn2(self.conv2(self.act1(self.bn1(self.conv1(x)))))
            if self.stride > 1:
                before = self.more // 2
                x = pad(x[:, :, ::2, ::2], (0, 0, 0, 0, before, self.more - before))
            return relu(out + x)

    class ResNet(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv1 = nn.Conv2d(channels, 16, 3, padding=1, bias=False)
            self.bn1 = nn.BatchNorm2d(16)
            self.act1 = nn.ReLU()
            self.layer1 = stage(16, 16, stride=1)
            self.layer2 = stage(16, 32, stride=2)
            self.layer3 = stage(32, 64, stride=2)
            self.linear = nn.Linear(64, classes)

        def forward(self, x: Tensor) -> Tensor:
            x = self.layer3(self.layer2(self.layer1(self.act1(self.bn1(self.conv1(x))))))
            logits: Tensor = self.linear(x.mean((2, 3)))
            return logits

    def stage(inputs: int, outputs: int, *, stride: int) -> nn.Sequential:
        rest = [Block(outputs, outputs, 1) for _ in range(blocks - 1)]
        return nn.Sequential(Block(inputs, outputs, stride), *rest)

    model = ResNet()
    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(module.weight)
    return model


@harness.hookimpl
def harness_models(pattern: str) -> Iterable[harness.Model]:
    """Offer the five depths of the paper."""
    models = [CifarResNet(depth) for depth in DEPTHS]
    return [model for model in models if fnmatchcase(model.name, pattern)]
