"""Reach: the largest level that a network can be pruned to, known before it is trained."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from harness.networks.layers import exempt_unreached
from harness.pruning.floor import model_at_floor
from harness.training.sampling import example_batch
from harness.trials.spared_layers import spared_weights
from harness.trials.target_search import TargetSearch

if TYPE_CHECKING:
    from harness.trials.spec import Trial


def measure_reach(trial: Trial) -> float:
    """Reach: which fraction of the target leaves where every layer is pruned to its floor.

    Of fresh weights, and as if the criterion scored every layer: where it scores fewer, less can leave.
    Raises UnsupportedError where nothing can.
    """
    torch.set_num_threads(1)
    torch.manual_seed(trial.dense.seed)
    example = example_batch(trial.dense.dataset, 2)
    model = exempt_unreached(trial.dense.model.build(trial.dense.dataset).eval(), example)
    search = TargetSearch(
        model,
        example=example,
        target=trial.target,
        pattern=trial.pattern,
        scope=trial.scope,
        floor=trial.layer_floor,
        spared=spared_weights(model, keep=trial.keep, only=trial.only),
    )
    return 1.0 - search.fraction_left(model_at_floor(model, example, search.budget(0.0)))
