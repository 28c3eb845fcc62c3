"""Optimal brain surgeon, layer by layer, in SparseGPT's single sweep."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

import harness

if TYPE_CHECKING:
    from torch import Tensor

BLOCK = 128


class Obs:
    """Keep weights whose loss the others of their row cannot make up for, then let them (Hassibi 1993).

    The Hessian is that of the layer's own squared error, the second moments of its inputs; masks are
    chosen once, and survivors corrected in one sweep over the inputs (Frantar 2023, alg. 1).
    """

    name = "obs"
    granularities = frozenset({"weight"})
    scopes: Mapping[harness.Granularity, harness.Scope] = MappingProxyType({"weight": "row"})

    def score(self, evidence: harness.Evidence) -> harness.Scores:
        """`w^2 / (2 [H^-1]_qq)`, H damped as the evidence says."""
        inverses = evidence.inverse_moments
        return {name: saliencies(w, inverses[name]) for name, w in evidence.weights.items()}

    def rewrite(self, evidence: harness.Evidence, keep: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """Survivors minus `w_q / [H^-1]_qq * [H^-1]_:q` for each removed weight in turn."""
        weights, inverses = evidence.weights, evidence.inverse_moments
        return {name: corrected(weights[name], mask, inverses[name]) for name, mask in keep.items()}


def saliencies(weight: Tensor, inverse: Tensor) -> Tensor:
    """Shaped like the weight."""
    diagonal = inverse.diagonal(dim1=-2, dim2=-1)[:, None]
    rows = weight.to(inverse).reshape(len(inverse), -1, diagonal.shape[-1])
    return (rows.square() / (2 * diagonal)).reshape(weight.shape)


def corrected(weight: Tensor, keep: Tensor, inverse: Tensor) -> Tensor:
    """The weight after the sweep; what `keep` drops is zero."""
    from torch.linalg import cholesky

    shape = (len(inverse), -1, inverse.shape[-1])
    rows, gone = weight.to(inverse).reshape(shape).clone(), ~keep.reshape(shape)
    upper = cholesky(inverse, upper=True)
    inputs = rows.shape[-1]
    for start in range(0, inputs, BLOCK):
        end = min(start + BLOCK, inputs)
        errors = rows.new_zeros(*rows.shape[:2], end - start)
        for q in range(start, end):
            error = (rows[..., q] * gone[..., q]) / upper[:, None, q, q]
            rows[..., q:end] -= error[..., None] * upper[:, None, q, q:end]
            errors[..., q - start] = error
        # Inputs beyond the block wait for all of its errors at once.
        rows[..., end:] -= errors @ upper[:, start:end, end:]
    rows.masked_fill_(gone, 0.0)
    return rows.reshape(weight.shape).to(weight.dtype)


@harness.hookimpl
def harness_pruners() -> Iterable[harness.Pruner]:
    """Offer OBS."""
    return [Obs()]
