"""Dynamic sparse training: masks drop small weights and grow where the gradient is large."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from harness.pruning.masks import keep_all_but

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor, nn
    from torch.optim import Optimizer

    from harness.contracts.schedules import Regrowth


class MovingMasks:
    """Keep masks in force while a model trains; without a regrowth they stay as they are."""

    def __init__(
        self,
        model: nn.Module,
        masks: Mapping[str, Tensor],
        optimizer: Optimizer,
        regrowth: Regrowth | None,
        *,
        steps: int,
    ) -> None:
        parameters = dict(model.named_parameters())
        self.masks = dict(masks)
        self._weights = {name: parameters[name] for name in masks}
        self._optimizer = optimizer
        self._regrowth = regrowth
        self._steps = steps

    def move_masks(self, step: int) -> bool:
        """Move the masks if it is time to, from the gradients of a step that then makes no update."""
        rule = self._regrowth
        if rule is None or step == 0 or step % rule.every or step >= rule.until * self._steps:
            return False
        fraction = drop_fraction(rule, step / self._steps)
        for name, weight in self._weights.items():
            if weight.grad is not None:
                before = self.masks[name]
                self.masks[name] = regrown_mask(weight.detach(), weight.grad, before, fraction=fraction)
                self._start_at_zero(weight, grown=self.masks[name] & ~before)
        return True

    def _start_at_zero(self, weight: Tensor, *, grown: Tensor) -> None:
        for value in self._optimizer.state[weight].values():
            if isinstance(value, torch.Tensor) and value.shape == weight.shape:
                value.masked_fill_(grown, 0.0)


def drop_fraction(rule: Regrowth, progress: float) -> float:
    """Drop fraction `drop / 2 (1 + cos(pi t / T_end))` of a layer's weights (Evci 2020, sec. 3)."""
    return rule.drop / 2.0 * (1.0 + math.cos(math.pi * progress / rule.until))


def regrown_mask(weight: Tensor, gradient: Tensor, keep: Tensor, *, fraction: float) -> Tensor:
    """Regrown mask, as large as `keep`: the smallest are dropped, the largest gradients grow.

    What was just dropped may grow again (Evci 2020, eq. 1).
    """
    count = int(fraction * int(keep.sum()))
    count = min(count, int((~keep).sum()))
    staying = keep & keep_all_but(int((~keep).sum()) + count, weight.abs().masked_fill(~keep, -1.0))
    growth_scores = gradient.abs().masked_fill(staying, -1.0)
    return staying | keep_all_but(growth_scores.numel() - count, growth_scores)
