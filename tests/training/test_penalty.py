"""A penalty sees the live model, and what is to stay where that is chosen."""

import torch

from harness.training.penalty import penalty_on


class Listening:
    """Penalises the size of one weight, and remembers what it was shown."""

    least_steps, scores_after = 1, True

    def __init__(self):
        self.seen = []

    def penalty(self, trained):
        self.seen.append(trained)
        return trained.weights["third.weight"].square().sum()


def test_gradients_flow_into_the_model_that_trains(network):
    penalty = penalty_on(network, Listening(), keep={}, example=None)
    penalty(0.0).backward()
    torch.testing.assert_close(network.third.weight.grad, 2 * network.third.weight.detach())
    assert network.first.weight.grad is None


def test_it_is_told_how_far_training_is_and_what_is_to_stay(network):
    pruner, keep = Listening(), {"third.weight": network.third.weight > 0}
    penalty = penalty_on(network, pruner, keep=keep, example=None)
    for progress in (0.0, 0.5):
        penalty(progress)
    assert [trained.progress for trained in pruner.seen] == [0.0, 0.5]
    assert torch.equal(pruner.seen[0].keep["third.weight"], keep["third.weight"])
    assert pruner.seen[0].norm_scales == {}


def test_scales_of_norms_are_shown_where_an_example_finds_them(network):
    pruner = Listening()
    penalty_on(network, pruner, keep={}, example=torch.zeros(1, 3, 16, 16))(0.0)
    [trained] = pruner.seen
    assert trained.norm_scales["first.weight"] is network.norm1.weight
    assert set(trained.norm_scales) == {"first.weight", "second.weight", "third.weight"}
