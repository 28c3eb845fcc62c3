"""Any pruning class of torch.nn.utils.prune, as a criterion."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

import harness

if TYPE_CHECKING:
    from torch import Tensor

METHODS = ("L1Unstructured", "RandomUnstructured", "LnStructured", "RandomStructured")


@dataclass(frozen=True)
class TorchPrune:
    """Whatever a class of torch.nn.utils.prune keeps of each layer (`torch_prune:L1Unstructured`).

    Its settings follow, as in `torch_prune:LnStructured+n=2+dim=0`. Structured ones leave zeros in
    place of whole slices: it is granularity channel that makes a model smaller.
    """

    method: str = METHODS[0]
    settings: tuple[tuple[str, int], ...] = ()
    name: str = "torch_prune"
    granularities: frozenset[harness.Granularity] = frozenset({"weight"})
    needs_argument: str = METHODS[0]

    @property
    def scopes(self) -> Mapping[harness.Granularity, harness.Scope]:
        """A class sees one layer at a time."""
        return {"weight": "local"}

    def configured(self, argument: str) -> Self:
        """A class by its name, and whole numbers for its settings."""
        method, *settings = argument.split("+")
        if method not in METHODS:
            raise harness.HarnessError(f"torch_prune takes one of {', '.join(METHODS)}, not {method!r}")
        pairs = [setting.partition("=") for setting in settings]
        for name, _, value in pairs:
            if not value.removeprefix("-").isdecimal():
                raise harness.HarnessError(f"torch_prune: {name} takes a whole number, not {value!r}")
        found = replace(
            self,
            method=method,
            settings=tuple((name, int(value)) for name, _, value in pairs),
            name=f"torch_prune:{argument}",
        )
        found.made(0.5)
        return found

    def made(self, amount: float) -> Any:  # noqa: ANN401 -- torch's classes share no annotated protocol
        """The pruning method for a fraction. Raises HarnessError where settings are wrong."""
        from torch.nn.utils import prune

        try:
            return getattr(prune, self.method)(amount, **dict(self.settings))
        except TypeError as error:
            raise harness.HarnessError(f"torch_prune: {self.method}: {error}") from None

    def score(self, evidence: harness.Evidence) -> harness.Scores:
        """At how many of nine sparsities the class keeps a weight, for n:m and blocks."""
        from torch import stack

        tenths = [self.masks(evidence, tenth / 10) for tenth in range(1, 10)]
        return {name: stack([masks[name] for masks in tenths]).float().sum(0) for name in tenths[0]}

    def masks(self, evidence: harness.Evidence, sparsity: float) -> Mapping[str, Tensor]:
        """What the class computes for each weight by itself."""
        from torch import ones_like, random

        method = self.made(sparsity)
        with random.fork_rng(devices=[]):
            random.manual_seed(evidence.generator.initial_seed())
            return {
                name: method.compute_mask(weight, ones_like(weight)).bool()
                for name, weight in evidence.weights.items()
            }


@harness.hookimpl
def harness_pruners() -> Iterable[harness.Pruner]:
    """Offer the classes of torch.nn.utils.prune; each must be asked for by name."""
    return [TorchPrune()]
