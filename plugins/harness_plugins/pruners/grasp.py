"""Gradient signal preservation."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import harness

if TYPE_CHECKING:
    from torch import Tensor

TEMPERATURE = 200.0


class Grasp:
    """Keep weights whose removal would weaken the flow of gradients: w Hg (Wang 2020, eq. 8)."""

    name = "grasp"
    granularities = frozenset({"weight"})

    def score(self, evidence: harness.Evidence) -> harness.Scores:
        """`w Hg` of a batch with as many images of each class, logits divided by 200.

        The paper prunes the largest `-w Hg`; evaluation mode, where the paper's network trains.
        """
        from torch.nn.functional import cross_entropy

        model = evidence.model
        parameters = dict(model.named_parameters())
        weights = {name: parameters[name] for name in evidence.weights}
        images, labels = balanced(evidence.batches)
        loss = cross_entropy(model(images) / TEMPERATURE, labels)
        products = hessian_gradients(loss, list(weights.values()))
        return {n: w.detach() * p for (n, w), p in zip(weights.items(), products, strict=True)}


def hessian_gradients(loss: Tensor, weights: Sequence[Tensor]) -> Sequence[Tensor]:
    """`Hg` for each of the weights: the gradient of `g . g` with one `g` held fixed."""
    from torch import autograd, stack

    gradients = autograd.grad(loss, weights, create_graph=True, materialize_grads=True)
    product = stack([(g * g.detach()).sum() for g in gradients]).sum()
    return autograd.grad(product, weights, materialize_grads=True)


def balanced(batches: Sequence[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    """As many images of each class as the rarest one has, the first of each."""
    from torch import cat

    images, labels = (cat(parts) for parts in zip(*batches, strict=True))
    fewest = int(labels.unique(return_counts=True)[1].min())
    chosen = cat([(labels == label).nonzero().flatten()[:fewest] for label in labels.unique()])
    return images[chosen], labels[chosen]


@harness.hookimpl
def harness_pruners() -> Iterable[harness.Pruner]:
    """Offer GraSP, applied to the trained model unless the schedule says otherwise."""
    return [Grasp()]
