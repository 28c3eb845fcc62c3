"""Keep weights that the loss pulls at."""

import harness


class Gradient:
    """Keep weights with a large gradient: |g| of the mean calibration loss."""

    name = "gradient"

    def score(self, evidence: harness.Evidence) -> harness.Scores:
        return {name: gradient.abs() for name, gradient in evidence.gradients.items()}


@harness.hookimpl
def harness_pruners():
    return [Gradient()]
