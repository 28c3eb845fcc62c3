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
        weights, factors = evidence.weights, evidence.inverse_factors
        return {name: corrected(weights[name], mask, factors[name]) for name, mask in keep.items()}


def saliencies(weight: Tensor, inverse: Tensor) -> Tensor:
    """Shaped like the weight."""
    diagonal = inverse.diagonal(dim1=-2, dim2=-1)[:, None]
    rows = weight.to(inverse).reshape(len(inverse), -1, diagonal.shape[-1])
    return (rows.square() / (2 * diagonal)).reshape(weight.shape)


def corrected(weight: Tensor, keep: Tensor, upper: Tensor) -> Tensor:
    """The weight after the sweep, by the factor of its inverse; what `keep` drops is zero."""
    shape = (len(upper), -1, upper.shape[-1])
    rows, gone = weight.to(upper).reshape(shape).clone(), ~keep.reshape(shape)
    inputs = rows.shape[-1]
    for start in range(0, inputs, BLOCK):
        end = min(start + BLOCK, inputs)
        # By input, so that what an input takes along lies together in memory.
        block, errors = rows[..., start:end].mT.contiguous(), gone[..., start:end].mT.to(rows)
        for q in range(end - start):
            row = upper[:, start + q, start + q : end, None]
            errors[:, q] *= block[:, q] / row[:, 0]
            block[:, q:] -= row * errors[:, q, None]
        rows[..., start:end] = block.mT
        # Inputs beyond the block wait for all of its errors at once.
        rows[..., end:] -= errors.mT @ upper[:, start:end, end:]
    rows.masked_fill_(gone, 0.0)
    return rows.reshape(weight.shape).to(weight.dtype)


@harness.hookimpl
def harness_pruners() -> Iterable[harness.Pruner]:
    """Offer OBS."""
    return [Obs()]
