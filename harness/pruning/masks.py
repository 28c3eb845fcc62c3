"""Keep masks of weights from scores: single weights, n of m, and blocks.

Ties break by index, so that a mask has exactly the right number of zeros even where scores are
equal; comparing with a threshold would remove all of a tie or none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F

from harness.pruning._weighted_selection import lowest_masks

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor, nn

    from harness.contracts.evidence import Scope, Scores

    Masks = dict[str, Tensor]


def keep_all_but(count: int, scores: Tensor) -> Tensor:
    """Keep mask (bool, shaped like `scores`) that drops the `count` lowest, earlier index first."""
    if count <= 0:
        return torch.ones_like(scores, dtype=torch.bool)
    flat = scores.flatten()
    threshold = flat.kthvalue(count).values
    keep = flat > threshold
    spared = flat.numel() - count - int(keep.count_nonzero())
    if spared:
        keep[(flat == threshold).nonzero().flatten()[-spared:]] = True
    return keep.view(scores.shape)


def pin_best(scores: Tensor, count: int) -> Tensor:
    """Scores in which the `count` best are infinite, later index first, so that they stay."""
    if count <= 0:
        return scores
    return scores.masked_fill(keep_all_but(scores.numel() - count, scores), torch.inf)


def scores_removed_first(scores: Scores, masks: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Scores in which what keep masks dropped before goes first, so that masks only grow."""
    return {
        name: score.masked_fill(~masks[name], -torch.inf) if name in masks else score
        for name, score in scores.items()
    }


def weight_masks(scores: Scores, sparsity: float, *, scope: Scope) -> Masks:
    """Keep masks with `round(sparsity * n)` zeros over the network, in each layer, or in each row.

    `erk` gives each layer the density of `erk_densities`.
    """
    if scope == "global":
        return _network_masks(scores, sparsity)
    counts = dropped_counts({n: s.shape for n, s in scores.items()}, sparsity, scope=scope)
    drop = _keep_in_rows if scope == "row" else keep_all_but
    return {name: drop(counts[name], score) for name, score in scores.items()}


def dropped_counts(
    shapes: Mapping[str, torch.Size], sparsity: float, *, scope: Scope
) -> dict[str, int]:
    """Weights that each layer loses at a sparsity, whatever their scores, by any scope but `global`."""
    if scope == "row":
        rows = {name: (shape[0], shape.numel() // shape[0]) for name, shape in shapes.items()}
        return {name: count * round(sparsity * size) for name, (count, size) in rows.items()}
    densities = dict.fromkeys(shapes, 1.0 - sparsity)
    if scope == "erk":
        densities = erk_densities(shapes, 1.0 - sparsity)
    return {name: round((1.0 - densities[name]) * shape.numel()) for name, shape in shapes.items()}


def _network_masks(scores: Scores, sparsity: float) -> Masks:
    count = round(sparsity * sum(score.numel() for score in scores.values()))
    return lowest_masks(scores, dict.fromkeys(scores, 1.0), count)


def _keep_in_rows(count: int, score: Tensor) -> Tensor:
    rows = score.flatten(1)
    return _keep_highest(rows, rows.shape[1] - count // len(rows)).view(score.shape)


def _keep_highest(scores: Tensor, count: int) -> Tensor:
    """The `count` highest along the last dimension, later index first."""
    order = scores.argsort(dim=-1, stable=True)
    lowest = order[..., : scores.shape[-1] - count]
    return torch.ones_like(scores, dtype=torch.bool).scatter_(-1, lowest, value=False)


def erk_densities(shapes: Mapping[str, torch.Size], density: float) -> dict[str, float]:
    """ERK densities, in proportion to (sum of dims) / (product of dims) (Mocanu 2018, Evci 2020).

    A layer that would exceed 1 is dense, and the factor is solved again over the others.
    """
    raw = {name: sum(shape) / shape.numel() for name, shape in shapes.items()}
    full: set[str] = set()
    while True:
        rest = [name for name in shapes if name not in full]
        spare = density * sum(s.numel() for s in shapes.values()) - sum(shapes[n].numel() for n in full)
        factor = spare / sum(raw[name] * shapes[name].numel() for name in rest) if rest else 0.0
        over = {name for name in rest if factor * raw[name] > 1.0}
        if not over:
            return {name: 1.0 if name in full else factor * raw[name] for name in shapes}
        full |= over


def n_of_m_masks(scores: Scores, *, n: int, m: int) -> Masks:
    """N:M masks: the `n` highest of every `m` consecutive inputs stay, at each kernel position.

    That is what sparse tensor cores read (Mishra 2021). A layer whose inputs are no multiple of `m`
    stays as it is, and has no mask.
    """
    masks = {}
    for name, score in scores.items():
        if score.shape[1] % m == 0:
            by_position = _by_position(score)
            keep = _keep_highest(by_position.reshape(*by_position.shape[:2], -1, m), n)
            masks[name] = _from_positions(keep.reshape(by_position.shape), score.shape)
    return masks


def block_masks(scores: Scores, sparsity: float, *, size: tuple[int, int], scope: Scope) -> Masks:
    """Block masks: blocks of `(outputs, inputs)`, at each kernel position, go by their mean score.

    The lowest go until `sparsity` of the weights, over the network or in each layer, are as near as
    whole blocks come; a block at the edge of a layer is smaller where the layer is no multiple.
    """
    means = {name: _block_means(score, size) for name, score in scores.items()}
    weight_counts = {
        name: _block_means(torch.ones_like(score), size, total=True) for name, score in scores.items()
    }
    compared = [list(scores)] if scope == "global" else [[name] for name in scores]
    masks: Masks = {}
    for names in compared:
        joined = torch.cat([means[name].flatten() for name in names])
        weights = torch.cat([weight_counts[name].flatten() for name in names])
        gone = weights[joined.argsort(stable=True)].cumsum(0)
        count = int((gone <= sparsity * float(weights.sum()) + 0.5).sum())
        chunks = keep_all_but(count, joined).split([means[name].numel() for name in names])
        for name, chunk in zip(names, chunks, strict=True):
            masks[name] = _spread(chunk.view(means[name].shape), size, scores[name].shape)
    return masks


def _block_means(score: Tensor, size: tuple[int, int], *, total: bool = False) -> Tensor:
    """Block means `(positions, blocks down, blocks across)`, or totals."""
    by_position = _by_position(score).double()
    means = F.avg_pool2d(by_position[:, None], size, ceil_mode=True)[:, 0]
    if not total:
        return means
    return F.avg_pool2d(by_position[:, None], size, ceil_mode=True, divisor_override=1)[:, 0]


def _spread(blocks: Tensor, size: tuple[int, int], shape: torch.Size) -> Tensor:
    """Spread each block's value over all of its weights."""
    wide = blocks.repeat_interleave(size[0], dim=1).repeat_interleave(size[1], dim=2)
    return _from_positions(wide[:, : shape[0], : shape[1]], shape)


def _by_position(score: Tensor) -> Tensor:
    """Scores as `(positions of the kernel, outputs, inputs)`."""
    return score.flatten(2).permute(2, 0, 1) if score.dim() > 2 else score[None]


def _from_positions(by_position: Tensor, shape: torch.Size) -> Tensor:
    return by_position.permute(1, 2, 0).reshape(shape)


def apply_masks(model: nn.Module, masks: Mapping[str, Tensor] | None) -> None:
    """Set what the keep masks drop to exactly zero, in place."""
    if masks:
        with torch.no_grad():
            parameters = dict(model.named_parameters())
            for name, keep in masks.items():
                parameters[name].masked_fill_(~keep, 0.0)
