"""timm architectures with the weights that timm has of them, as resnet18.a1_in1k."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import harness

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class PretrainedModel:
    """A timm architecture that starts from weights trained before; timm's tag says which."""

    name: str

    def build(self, dataset: harness.Dataset) -> nn.Module:
        """The architecture alone, with the dataset's classes and channels, and size where needed."""
        return self._created(dataset)

    def build_pretrained(self, dataset: harness.Dataset) -> nn.Module:
        """The same with timm's weights, which are downloaded where the hub's cache has none."""
        try:
            return self._created(dataset, pretrained=True)
        except (OSError, RuntimeError) as error:
            reason = " ".join(str(error).split())
            raise harness.HarnessError(f"the weights of {self.name} cannot be had: {reason}") from None

    def _created(self, dataset: harness.Dataset, **options: bool) -> nn.Module:
        import timm

        channels, height, width = dataset.shape
        sizes: dict[str, Any] = {"num_classes": dataset.classes, "in_chans": channels, **options}
        try:
            # Transformers need to know the image size; convolutional models refuse to be told.
            model: nn.Module = timm.create_model(self.name, img_size=(height, width), **sizes)
        except TypeError:
            model = timm.create_model(self.name, **sizes)
        return model


@harness.hookimpl
def harness_models(pattern: str) -> Iterable[harness.Model]:
    """Offer timm's pretrained models; a pattern without a tag means architectures, which are others."""
    if "." not in pattern:
        return []
    import timm

    return [PretrainedModel(name) for name in timm.list_pretrained() if fnmatchcase(name, pattern)]
