"""Evidence of a criterion: computed on first access, copied, and recorded."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import torch
import torch.nn.functional as F

from harness.errors import HarnessError, UnsupportedError
from harness.networks.channel_groups import coupled_sums
from harness.networks.layers import forget_caches, prunable_weights, require_gradients
from harness.pruning import _activations as activations
from harness.pruning import _layer_inputs as layer_inputs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from torch import Generator, Tensor, nn

    from harness.contracts.evidence import Batches, Granularity, Reader
    from harness.networks.channel_groups import ChannelGroup, CoupledLayers

DAMPING_FRACTION = 0.01


class CachedEvidence(Protocol):
    """Tensors by name that were computed before, or just now."""

    @property
    def tensors(self) -> Mapping[str, Tensor]:
        """As the evidence computes them."""


class EvidenceCache(Protocol):
    """Keeps evidence of one model for other criteria, as `TensorCache` does on disk."""

    def get(
        self,
        name: str,
        compute: Callable[[], tuple[Mapping[str, Tensor], Sequence[str]]],
        *,
        by: Sequence[Any] = (),
    ) -> CachedEvidence:
        """What is kept under the name and what it is computed `by`, or is computed now."""


class _Watched(Mapping[str, "Tensor"]):
    """Tensors by name, and which of them was looked at last."""

    def __init__(self, tensors: Mapping[str, Tensor], looked_at: dict[str, Tensor]) -> None:
        self._tensors = tensors
        self._looked_at = looked_at

    def __getitem__(self, name: str) -> Tensor:
        tensor = self._tensors[name]
        self._looked_at.clear()
        self._looked_at[name] = tensor
        return tensor

    def __iter__(self) -> Iterator[str]:
        return iter(self._tensors)

    def __len__(self) -> int:
        return len(self._tensors)


class RecordedEvidence:
    """Evidence of one scoring; `touched` names what the criterion looked at.

    `cache` keeps what other criteria look at too.
    """

    def __init__(
        self,
        model: nn.Module,
        *,
        granularity: Granularity,
        batches: Batches,
        coupled: CoupledLayers | None,
        seed: int,
        cache: EvidenceCache | None = None,
    ) -> None:
        self.granularity = granularity
        self.image_shape = _image_shape(batches)
        self.touched: set[str] = set()
        self._looked_at: dict[str, Tensor] = {}
        self._source = model
        self._batches = batches
        self._coupled = coupled
        self._norm_of = coupled.norm_of if coupled else {}
        self._seed = seed
        self._cache = cache

    @cached_property
    def weights(self) -> Mapping[str, Tensor]:
        """Prunable weights by parameter name; at `channel`, the scales of norms besides."""
        self.touched.add("weights")
        copies = {
            name: value.detach().clone()
            for name, value in self._scored_parameters(self._source).items()
        }
        return _Watched(copies, self._looked_at)

    @cached_property
    def gradients(self) -> Mapping[str, Tensor]:
        """Gradients of the mean calibration loss, in evaluation mode, for each of `weights`."""
        self.touched.add("gradients")
        return _Watched(self._cached("gradients", self._gradients), self._looked_at)

    def _gradients(self) -> dict[str, Tensor]:
        total = self._zeros()
        count = sum(len(images) for images, _ in self._batches)
        for (images, _), grads in zip(self._batches, self._gradients_by_batch(), strict=True):
            for name, grad in grads.items():
                total[name] += grad * len(images)
        return {name: value / count for name, value in total.items()}

    @property
    def batch_gradients(self) -> Iterator[Mapping[str, Tensor]]:
        """Gradients of each calibration batch's loss, one batch at a time."""
        self.touched.add("batch_gradients")
        return self._gradients_by_batch()

    @cached_property
    def squared_gradients(self) -> Mapping[str, Tensor]:
        """Empirical Fisher: mean over images of the squared gradient of each image's loss."""
        self.touched.add("squared_gradients")
        squared = self._cached("squared_gradients", self._squared_gradients)
        return _Watched(squared, self._looked_at)

    def _squared_gradients(self) -> dict[str, Tensor]:
        singles = [
            (image[None], label[None])
            for images, labels in self._batches
            for image, label in zip(images, labels, strict=True)
        ]
        total = self._zeros()
        for grads in self._gradients_by_batch(singles):
            for name, grad in grads.items():
                total[name].addcmul_(grad, grad)
        return {name: value / len(singles) for name, value in total.items()}

    @property
    def gate_gradients(self) -> Iterator[Mapping[str, Tensor]]:
        """Gate gradients `(out,)` for a gate of one on each channel after its norm, batch by batch."""
        self.touched.add("gate_gradients")
        return activations.gate_gradients(self._copied_model(), self._norm_of, self._batches)

    @property
    def activations(self) -> Iterator[Mapping[str, Tensor]]:
        """Activations `(images, out, ...)` by weight name and batch, after norm and activation."""
        self.touched.add("activations")
        return activations.activations(self._copied_model(), self._batches)

    @property
    def activation_gradients(self) -> Iterator[Mapping[str, Tensor]]:
        """Activation gradients of each image's loss, in step with `activations`."""
        self.touched.add("activation_gradients")
        return activations.activation_gradients(self._copied_model(), self._batches)

    @cached_property
    def input_norms(self) -> Mapping[str, Tensor]:
        """Input norms, L2 over images and positions, shaped to broadcast to the weight."""
        self.touched.add("input_norms")
        return layer_inputs.input_norms(self._copied_model(), self._batches)

    @cached_property
    def input_moments(self) -> Mapping[str, Tensor]:
        """Input moments `(groups, in, in)`: means of x xT, x being what an output reads."""
        self.touched.add("input_moments")
        return layer_inputs.input_moments(self._copied_model(), self._batches)

    @cached_property
    def inverse_moments(self) -> Mapping[str, Tensor]:
        """Inverse input moments, 1 % of the mean diagonal added first."""
        self.touched.add("inverse_moments")
        moments = layer_inputs.input_moments(self._copied_model(), self._batches)
        return {
            n: layer_inputs.inverse_moments(moments.pop(n), damping=DAMPING_FRACTION)
            for n in [*moments]
        }

    @cached_property
    def inverse_factors(self) -> Mapping[str, Tensor]:
        """Upper Cholesky factors of the inverse input moments, for sweeps (Frantar 2023)."""
        self.touched.add("inverse_factors")
        return {
            name: torch.linalg.cholesky(inverse, upper=True)
            for name, inverse in self.inverse_moments.items()
        }

    @cached_property
    def readers(self) -> Mapping[str, Reader]:
        """Sole consumers by weight name: the one ungrouped layer that reads a layer's channels."""
        self.touched.add("readers")
        return layer_inputs.sole_consumers(self._coupled_groups("readers"), self._source)

    @cached_property
    def contributions(self) -> Mapping[str, Tensor]:
        """Contributions `(samples, out)` of channels to sampled outputs of each of `readers`."""
        self.touched.add("contributions")
        consumers = layer_inputs.sole_consumers(self._coupled_groups("contributions"), self._source)
        return layer_inputs.contributions(
            self._copied_model(), consumers, self._batches, seed=self._seed
        )

    @cached_property
    def norm_scales(self) -> Mapping[str, Tensor]:
        """Norm scales `(out,)` by weight name, of the norm that directly follows each layer."""
        self.touched.add("norm_scales")
        modules = dict(self._source.named_modules())
        scales = {key: getattr(modules[norm], "weight", None) for key, norm in self._norm_of.items()}
        copies = {key: scale.detach().clone() for key, scale in scales.items() if scale is not None}
        if not copies:
            raise UnsupportedError("no layer of this model is followed by a norm with scales")
        return copies

    def coupled_sums(self, values: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """Coupled sums `(out,)`: weight-shaped values over all slices that leave with each channel."""
        self.touched.add("coupled_sums")
        return coupled_sums(values, self._coupled_groups("coupled_sums"))

    @property
    def batches(self) -> Batches:
        """Calibration batches, images and labels, the same for every criterion."""
        self.touched.add("batches")
        return [(images.clone(), labels.clone()) for images, labels in self._batches]

    @cached_property
    def model(self) -> nn.Module:
        """A copy of the model in evaluation mode, for what the rest does not offer."""
        self.touched.add("model")
        return self._copied_model()

    @cached_property
    def generator(self) -> Generator:
        """Random generator, the only one that a criterion may use; seeded by the trial."""
        self.touched.add("generator")
        return torch.Generator().manual_seed(self._seed)

    def last_looked_at(self) -> str:
        """Name and shape of the weight, or of its gradient, that the criterion asked for last."""
        return "".join(f"{name!r}, shape {tuple(t.shape)}" for name, t in self._looked_at.items())

    def forget(self) -> None:
        """Free what was computed; it is computed again on the next access."""
        for name in self.touched:
            self.__dict__.pop(name, None)

    def _cached(self, name: str, compute: Callable[[], dict[str, Tensor]]) -> Mapping[str, Tensor]:
        if self._cache is None:
            return compute()
        return self._cache.get(name, lambda: (compute(), ()), by=[self.granularity]).tensors

    def _scored_parameters(self, model: nn.Module) -> dict[str, Tensor]:
        scored: dict[str, Tensor] = dict(prunable_weights(model))
        if self.granularity == "channel":
            parameters = dict(model.named_parameters())
            scales = (f"{norm}.weight" for norm in self._norm_of.values())
            scored |= {name: parameters[name] for name in scales if name in parameters}
        return scored

    def _zeros(self) -> dict[str, Tensor]:
        scored = self._scored_parameters(self._source)
        return {name: torch.zeros_like(value.detach()) for name, value in scored.items()}

    def _copied_model(self) -> nn.Module:
        # Evaluation mode: in training mode the scoring pass would move the norms' statistics.
        model = copy.deepcopy(self._source).eval()
        require_gradients(model)
        return model

    def _coupled_groups(self, evidence_name: str) -> tuple[ChannelGroup, ...]:
        if self._coupled is None:
            raise HarnessError(f"{evidence_name}: layers are coupled at granularity channel only")
        return self._coupled.groups

    def _gradients_by_batch(self, batches: Batches | None = None) -> Iterator[Mapping[str, Tensor]]:
        model = self._copied_model()
        named = self._scored_parameters(model)
        for images, labels in batches or self._batches:
            forget_caches(model)
            loss = F.cross_entropy(model(images), labels)
            grads = torch.autograd.grad(loss, list(named.values()), allow_unused=True)
            yield {
                name: torch.zeros_like(weight) if grad is None else grad
                for (name, weight), grad in zip(named.items(), grads, strict=True)
            }


def _image_shape(batches: Batches) -> tuple[int, int, int]:
    channels, height, width = batches[0][0].shape[1:]
    return channels, height, width
