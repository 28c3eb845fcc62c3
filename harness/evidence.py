"""What a criterion looks at: computed on first touch, copied, and recorded."""

from __future__ import annotations

import copy
from functools import cached_property
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F

from harness.errors import HarnessError, UnsupportedError
from harness.masks import coupled_sums
from harness.surgery import prunable_weights

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from torch import Generator, Tensor, nn

    from harness.contracts import Granularity
    from harness.surgery import CoupledLayers


class RecordedEvidence:
    """The evidence of one scoring; `touched` names the parts that the criterion looked at."""

    def __init__(
        self,
        model: nn.Module,
        *,
        granularity: Granularity,
        batches: Sequence[tuple[Tensor, Tensor]],
        coupled: CoupledLayers | None,
        seed: int,
    ) -> None:
        self.granularity = granularity
        self.touched: set[str] = set()
        self._source = model
        self._batches = batches
        self._coupled = coupled
        self._norm_of = coupled.norm_of if coupled else {}
        self._seed = seed

    @cached_property
    def weights(self) -> Mapping[str, Tensor]:
        """Prunable weights by parameter name; at `channel`, the scales of norms besides."""
        self.touched.add("weights")
        return {name: value.detach().clone() for name, value in self._scored(self._source).items()}

    @cached_property
    def gradients(self) -> Mapping[str, Tensor]:
        """Gradients of the mean calibration loss, in evaluation mode, for each of `weights`."""
        self.touched.add("gradients")
        total: dict[str, Tensor] = {}
        images = 0
        for (inputs, _), grads in zip(self._batches, self._per_batch(), strict=True):
            images += len(inputs)
            for name, grad in grads.items():
                total[name] = total.get(name, torch.zeros_like(grad)) + grad * len(inputs)
        return {name: value / images for name, value in total.items()}

    @property
    def batch_gradients(self) -> Iterator[Mapping[str, Tensor]]:
        """`gradients`, one calibration batch at a time."""
        self.touched.add("batch_gradients")
        return self._per_batch()

    @cached_property
    def norm_scales(self) -> Mapping[str, Tensor]:
        """`(out,)` scales of the norm that directly follows each weight, by the weight's name."""
        self.touched.add("norm_scales")
        modules = dict(self._source.named_modules())
        scales = {key: getattr(modules[norm], "weight", None) for key, norm in self._norm_of.items()}
        found = {key: s.detach().clone() for key, s in scales.items() if s is not None}
        if not found:
            raise UnsupportedError("no layer of this model is followed by a norm with scales")
        return found

    def coupled_sums(self, values: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """`(out,)` sums of weight-shaped values over all slices that leave with each channel."""
        if self._coupled is None:
            raise HarnessError(
                f"layers are coupled at granularity channel only, not {self.granularity}"
            )
        self.touched.add("coupled_sums")
        return coupled_sums(values, self._coupled.groups)

    @property
    def batches(self) -> Sequence[tuple[Tensor, Tensor]]:
        """The calibration batches, images and labels, the same for every criterion."""
        self.touched.add("batches")
        return [(images.clone(), labels.clone()) for images, labels in self._batches]

    @cached_property
    def model(self) -> nn.Module:
        """A copy of the model in evaluation mode, for what the other parts do not offer."""
        self.touched.add("model")
        return copy.deepcopy(self._source).eval()

    @cached_property
    def generator(self) -> Generator:
        """The only randomness a criterion may use; seeded by the trial."""
        self.touched.add("generator")
        return torch.Generator().manual_seed(self._seed)

    def _scored(self, model: nn.Module) -> dict[str, Tensor]:
        found: dict[str, Tensor] = dict(prunable_weights(model))
        if self.granularity == "channel":
            parameters = dict(model.named_parameters())
            scales = (f"{norm}.weight" for norm in self._norm_of.values())
            found |= {name: parameters[name] for name in scales if name in parameters}
        return found

    def _per_batch(self) -> Iterator[Mapping[str, Tensor]]:
        # Evaluation mode: in training mode the scoring pass would move the norms' statistics.
        model = copy.deepcopy(self._source).eval()
        named = self._scored(model)
        for images, labels in self._batches:
            loss = F.cross_entropy(model(images), labels)
            grads = torch.autograd.grad(loss, list(named.values()), allow_unused=True)
            yield {
                name: torch.zeros_like(weight) if grad is None else grad
                for (name, weight), grad in zip(named.items(), grads, strict=True)
            }
