"""Any timm architecture, by name or shell pattern: resnet18, vit_tiny*, mobilenetv3_small_100."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import harness

if TYPE_CHECKING:
    from torch import nn

REGISTERED = re.compile(r"^@register_model\n(?:@[^\n]*\n)*def (\w+)", re.MULTILINE)


@dataclass(frozen=True)
class TimmModel:
    """A timm architecture with fresh weights, sized for the dataset."""

    name: str

    def build(self, dataset: harness.Dataset) -> nn.Module:
        """`timm.create_model` with the dataset's classes and channels, and size where it matters."""
        import timm

        channels, height, width = dataset.shape
        sizes: dict[str, Any] = {"num_classes": dataset.classes, "in_chans": channels}
        try:
            # Transformers need to know the image size; convolutional models refuse to be told.
            model: nn.Module = timm.create_model(self.name, img_size=(height, width), **sizes)
        except TypeError:
            model = timm.create_model(self.name, **sizes)
        return model


def registered_names() -> Iterator[str]:
    """What `timm.list_models()` lists, read from its sources: importing timm takes seconds."""
    package = find_spec("timm")
    if package is None or package.origin is None:
        return
    for source in sorted((Path(package.origin).parent / "models").glob("*.py")):
        yield from REGISTERED.findall(source.read_text(encoding="utf-8"))


@harness.hookimpl
def harness_models(pattern: str) -> Iterable[harness.Model]:
    """Offer timm's architectures."""
    return [TimmModel(name) for name in sorted(registered_names()) if fnmatchcase(name, pattern)]
