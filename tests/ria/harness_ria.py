"""Relative importance and activations: weights that matter in their row and their column."""

import harness


class Ria:
    """Keep |w| relative to its row's and its column's sum, times its input's norm ** 0.5 (Zhang 2024).

    "Plug-and-Play", ICLR 2024, where linear layers of language models are not retrained; here a column
    of a convolution is one input channel at one position of the kernel.
    """

    name = "ria"
    granularities = ("weight",)
    scopes = {"weight": "local"}  # noqa: RUF012 -- nothing changes it

    def score(self, evidence: harness.Evidence) -> harness.Scores:
        """Scores of the weights' shapes."""
        norms = evidence.input_norms
        return {n: relative(w.abs()) * norms[n] ** 0.5 for n, w in evidence.weights.items()}


def relative(weight):
    """Each |w| over the sum of its row, plus over the sum of its column; 0 where those are zeros."""
    row, column = weight.flatten(1).sum(1), weight.sum(0)
    by_row = weight / row.clamp(min=1e-12).view(-1, *[1] * (weight.dim() - 1))
    return by_row + weight / column.clamp(min=1e-12)


@harness.hookimpl
def harness_pruners() -> list[harness.Pruner]:
    """What this module offers."""
    return [Ria()]
