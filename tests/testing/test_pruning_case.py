"""The small problem that the kit tries pruners on."""

import torch

from harness.testing.pruning_case import SPARSITY, PruningCase, ScoresAlone
from harness_plugins.pruners.magnitude import Magnitude
from harness_plugins.pruners.obs import Obs


def test_what_is_removed_is_a_quarter_of_the_weights():
    case = PruningCase.of(Magnitude("magnitude_l1", 1), "weight")
    keep = case.removal(case.pruner, case.scoring()).keep
    left = sum(int(mask.sum()) for mask in keep.values()) / sum(mask.numel() for mask in keep.values())
    assert abs(left - (1.0 - SPARSITY)) < 0.01


def test_a_pruner_that_rewrites_is_held_to_what_its_scores_alone_remove():
    case = PruningCase.of(Obs(), "weight")
    scoring = case.scoring()
    alone = case.removal(ScoresAlone("obs", scoring.scores), scoring)
    rewritten = case.removal(case.pruner, scoring)
    assert all(torch.equal(mask, rewritten.keep[name]) for name, mask in alone.keep.items())
    assert not torch.equal(alone.model.first.weight, rewritten.model.first.weight)
