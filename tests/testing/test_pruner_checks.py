"""Each check of a pruner refuses one that is wrong in that way alone."""

from dataclasses import dataclass
from types import MappingProxyType

import pytest
import torch

import harness
from harness.testing.pruners import check_pruner


@dataclass(frozen=True)
class Magnitude:
    """Correct; what the broken ones below start from."""

    name: str = "magnitude"

    def score(self, evidence):
        return {name: weight.abs() for name, weight in evidence.weights.items()}


class Forgetful(Magnitude):
    def score(self, evidence):
        return dict(list(super().score(evidence).items())[1:])


class Undefined(Magnitude):
    def score(self, evidence):
        return {name: score / 0.0 - score / 0.0 for name, score in super().score(evidence).items()}


class Restless(Magnitude):
    def score(self, evidence):
        return {name: torch.rand_like(score) for name, score in super().score(evidence).items()}


class Transposed(Magnitude):
    def score(self, evidence):
        return {name: score.transpose(0, -1) for name, score in super().score(evidence).items()}


class Counting(Magnitude):
    def score(self, evidence):
        return {name: (score * 1e6).long() for name, score in super().score(evidence).items()}


class HeadAlone(Magnitude):
    granularities = ("channel",)

    def score(self, evidence):
        scores = super().score(evidence)
        return {"classifier.weight": scores["classifier.weight"]}


class Inventive(Magnitude):
    def score(self, evidence):
        return {**super().score(evidence), "zeroth.weight": torch.ones(1)}


class Vandal(Magnitude):
    """Reaches past its evidence's copies."""

    def score(self, evidence):
        evidence._source.first.weight.data.zero_()
        return super().score(evidence)


class Fine(Magnitude):
    granularities = ("weight", "kernel")


class Nowhere(Magnitude):
    granularities = ()


class RowsOfChannels(Magnitude):
    scopes = MappingProxyType({"channel": "row"})


class UnknownGranularity(Magnitude):
    scopes = MappingProxyType({"filter": "local"})


@pytest.mark.parametrize(
    ("broken", "sentence"),
    [
        (Forgetful(), "'first.weight' needs one of"),
        (Undefined(), "hold NaN"),
        (Restless(), "the same evidence must give the same scores"),
        (Transposed(), "'first.weight' needs one of"),
        (Counting(), "scores must be floating-point numbers"),
        (HeadAlone(), "scores no layer of"),
        (Inventive(), "scores .*'zeroth.weight'.*, which are no parameters"),
        (Vandal(), "must leave the model as it is"),
        (Fine(), "granularities must be of .*, not .*'kernel'"),
        (Nowhere(), "granularities must be of"),
        (RowsOfChannels(), "scope 'row' is none of"),
        (UnknownGranularity(), "scopes must be by granularity, and .*'filter'.* are none"),
    ],
)
def test_a_broken_pruner_is_told_what_is_wrong(broken, sentence):
    assert check_pruner(Magnitude()) == ()
    with pytest.raises((AssertionError, harness.HarnessError), match=sentence):
        check_pruner(broken)


def test_a_pruner_that_cannot_travel_to_a_worker_is_told_so():
    class Local(Magnitude):
        pass

    with pytest.raises(AssertionError, match="must be picklable"):
        check_pruner(Local())


class Doubling(Magnitude):
    """Doubles the first layer's weights that stay."""

    def rewrite(self, evidence, keep):
        return {"first.weight": 2.0 * evidence.weights["first.weight"]}


class Cutting(Magnitude):
    """Removes channels itself, which is for the core to do."""

    def rewrite(self, evidence, keep):
        return {"first.weight": evidence.weights["first.weight"][1:]}


class RewritingMore(Magnitude):
    def rewrite(self, evidence, keep):
        return {"zeroth.weight": torch.ones(1)}


class Exploding(Magnitude):
    def rewrite(self, evidence, keep):
        return {"first.weight": evidence.weights["first.weight"] / 0.0}


@pytest.mark.parametrize(
    ("broken", "sentence"),
    [
        (Cutting(), r"the rewritten 'first.weight' is shaped \(7, 3, 3, 3\), not \(8, 3, 3, 3\)"),
        (RewritingMore(), "no parameter that magnitude rewrites is called 'zeroth.weight'"),
        (Exploding(), "the rewritten 'first.weight' holds NaN or infinity"),
    ],
)
def test_rewritten_weights_are_finite_and_whole(broken, sentence):
    assert check_pruner(Doubling()) == (harness.Rewrites,)
    with pytest.raises(AssertionError, match=sentence):
        check_pruner(broken)


class Thresholds(Magnitude):
    """Keeps what is above each layer's own quantile."""

    def masks(self, evidence, sparsity):
        scores = self.score(evidence)
        return {name: score > score.quantile(sparsity) for name, score in scores.items()}


class SoftMasks(Thresholds):
    def masks(self, evidence, sparsity):
        return {name: keep.float() for name, keep in super().masks(evidence, sparsity).items()}


class FlatMasks(Thresholds):
    def masks(self, evidence, sparsity):
        return {name: keep.flatten() for name, keep in super().masks(evidence, sparsity).items()}


class StubbornMasks(Thresholds):
    def masks(self, evidence, sparsity):
        return super().masks(evidence, 0.5)


class IdleMasks(Thresholds):
    def masks(self, evidence, sparsity):
        return {name: torch.ones_like(w) > 0 for name, w in evidence.weights.items()}


class RandomMasks(Thresholds):
    def masks(self, evidence, sparsity):
        return {name: torch.rand_like(w) > sparsity for name, w in evidence.weights.items()}


@pytest.mark.parametrize(
    ("broken", "sentence"),
    [
        (SoftMasks(), "the mask of 'first.weight' must be bool and shaped"),
        (FlatMasks(), "the mask of 'first.weight' must be bool and shaped"),
        (IdleMasks(), "magnitude: its masks remove 0.0%, and 50.0% is asked"),
        (StubbornMasks(), "masks at sparsity 0.75 keep no fewer than at 0.5"),
        (RandomMasks(), "the same evidence, other masks"),
    ],
)
def test_masks_are_bool_shaped_repeatable_and_follow_the_sparsity(broken, sentence):
    assert check_pruner(Thresholds()) == (harness.MakesMasks,)
    with pytest.raises(AssertionError, match=sentence):
        check_pruner(broken)


class Patient(Magnitude):
    steps = 100


class Impatient(Magnitude):
    steps = 0.5


class Fragile(Magnitude):
    """Divides by what the first step has set to zero."""

    steps = 2

    def score(self, evidence):
        return {name: 1.0 / weight for name, weight in evidence.weights.items()}


@pytest.mark.parametrize(
    ("broken", "sentence"),
    [
        (Impatient(), "steps are a whole number above 0, not 0.5"),
        (Fragile(), "hold NaN or infinity"),
    ],
)
def test_scoring_in_steps_goes_on_from_a_pruned_model(broken, sentence):
    assert check_pruner(Patient()) == (harness.Steps,)
    with pytest.raises((AssertionError, harness.HarnessError), match=sentence):
        check_pruner(broken)


class Shrinking(Magnitude):
    """Pulls all weights to zero."""

    least_steps, scores_after = 10, True

    def penalty(self, trained):
        return torch.stack([weight.square().sum() for weight in trained.weights.values()]).sum()


class Unmoved(Shrinking):
    def penalty(self, trained):
        return super().penalty(trained).detach()


class Flat(Shrinking):
    def penalty(self, trained):
        return 0.0 * super().penalty(trained)


class PerLayer(Shrinking):
    def penalty(self, trained):
        return torch.stack([weight.square().sum() for weight in trained.weights.values()])


class Infinite(Shrinking):
    def penalty(self, trained):
        return super().penalty(trained) / trained.progress


class Fading(Shrinking):
    """What is to go alone, which is known before it trains."""

    scores_after = False

    def penalty(self, trained):
        gone = [trained.weights[name][~keep].square().sum() for name, keep in trained.keep.items()]
        return torch.stack(gone).sum()


class Endless(Shrinking):
    least_steps = 0


@pytest.mark.parametrize(
    ("broken", "sentence"),
    [
        (Unmoved(), "the penalty has no gradient: make it of live tensors"),
        (Flat(), "the penalty's gradient is zero when training ends"),
        (PerLayer(), "the penalty at progress 0 is no finite scalar"),
        (Infinite(), "the penalty at progress 0 is no finite scalar"),
        (Endless(), "least_steps must be a whole number above 0, not 0"),
    ],
)
def test_a_penalty_is_a_finite_scalar_with_a_gradient(broken, sentence):
    assert check_pruner(Shrinking()) == (harness.Penalises,)
    assert check_pruner(Fading()) == (harness.Penalises,)
    with pytest.raises(AssertionError, match=sentence):
        check_pruner(broken)


class Compared(Magnitude):
    """Scores the first layer alone, and offers random removal from it."""

    granularities = frozenset({"channel"})

    def score(self, evidence):
        return {"first.weight": evidence.weights["first.weight"].abs()}

    @property
    def control(self):
        return Chance()


class Chance:
    name = "random:magnitude"
    granularities = frozenset({"channel"})
    scored = ("first.weight",)

    def score(self, evidence):
        weights = evidence.weights
        return {
            name: torch.rand(len(weights[name]), generator=evidence.generator) for name in self.scored
        }


class Renamed(Chance):
    name = "luck"


class Wider(Chance):
    scored = ("first.weight", "third.weight")


class Misnamed(Compared):
    @property
    def control(self):
        return Renamed()


class Misplaced(Compared):
    @property
    def control(self):
        return Wider()


@pytest.mark.parametrize(
    ("broken", "sentence"),
    [
        (Misnamed(), "its control is called random:magnitude, not luck"),
        (Misplaced(), r"random:magnitude scores \['first.weight', 'third.weight'\]"),
    ],
)
def test_a_control_removes_from_the_layers_that_its_criterion_does(broken, sentence):
    assert check_pruner(Compared()) == (harness.PrunesOnly, harness.ComparedWith)
    with pytest.raises(AssertionError, match=sentence):
        check_pruner(broken)
