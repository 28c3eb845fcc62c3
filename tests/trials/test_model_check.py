"""Models that cannot be pruned honestly are refused before they are trained; the others are kept."""

import random
from dataclasses import dataclass, replace
from functools import partial

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load
from torch import nn
from torch.nn.utils import parametrizations, weight_norm
from zstandard import decompress

from harness.errors import HarnessError
from harness.networks.layers import exempt_weights, prunable_weights, tied_parameters
from harness.networks.no_random_fill import NoRandomFill
from harness.storage.files import WEIGHTS
from harness.trials._model_check import check_model
from harness.trials.snapshot import load_model, read_facts, rebuild, save_snapshot, state_of
from harness.trials.trained_models import train_dense
from tests.doubles import run_trial


@dataclass(frozen=True)
class Built:
    """A model that is whatever `make` returns."""

    make: type[nn.Module]
    name: str = "built"

    def build(self, dataset):
        return self.make()


class Plain(nn.Module):
    """Two convolutions and a classifier, for the digits."""

    def __init__(self):
        super().__init__()
        self.one = nn.Conv2d(3, 8, 3, stride=2, padding=1)
        self.two = nn.Conv2d(8, 8, 3, stride=2, padding=1)
        self.head = nn.Linear(8, 10)

    def forward(self, images):
        features = self.two(self.one(images).relu()).relu()
        return self.head(features.mean((2, 3)))


class Shifted(Plain):
    """What is added to the images is drawn at every build, and in no state dict."""

    def __init__(self):
        super().__init__()
        self.register_buffer("shift", torch.randn(3, 1, 1), persistent=False)

    def forward(self, images):
        return super().forward(images + self.shift)


class Shuffled(Plain):
    """The order of channels is a list that is drawn at every build."""

    def __init__(self):
        super().__init__()
        self.order = random.sample(range(8), 8)

    def forward(self, images):
        features = self.one(images).relu()[:, self.order]
        return self.head(self.two(features).mean((2, 3)))


@pytest.mark.parametrize("make", [Shifted, Shuffled])
def test_what_is_not_in_the_state_dict_is_found_out_before_training(make, dense, store):
    with pytest.raises(HarnessError, match=r"built, read back from its state dict, computes outputs"):
        train_dense(replace(dense, model=Built(make)), store)
    assert not store.root.exists() or not [*store.root.iterdir()]


class Pair(Plain):
    """Returns features besides."""

    def forward(self, images):
        logits = super().forward(images)
        return logits, images


class PairInTraining(Plain):
    """Returns auxiliary logits besides, while it is trained."""

    def forward(self, images):
        logits = super().forward(images)
        return {"logits": logits, "auxiliary": logits} if self.training else logits


class Wide(Plain):
    """Has a class too many."""

    def __init__(self):
        super().__init__()
        self.head = nn.Linear(8, 11)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (Pair, "built returns a tuple"),
        (PairInTraining, "built returns a dict"),
        (Wide, r"outputs of built are \(8, 11\) for 8 images of 10 classes"),
    ],
)
def test_what_returns_no_logits_is_refused(make, said, dense):
    with pytest.raises(HarnessError, match=said):
        check_model(make(), name="built", dataset=dense.dataset)


class Weighted(Plain):
    """Old weight norm, by hooks."""

    def __init__(self):
        super().__init__()
        with pytest.warns(FutureWarning, match="deprecated"):
            self.two = weight_norm(self.two)


class Normed(Plain):
    """Weight norm, as a parametrization."""

    def __init__(self):
        super().__init__()
        self.two = parametrizations.weight_norm(self.two)


class Spectral(Plain):
    """Spectral norm of the classifier."""

    def __init__(self):
        super().__init__()
        self.head = parametrizations.spectral_norm(self.head)


@pytest.mark.parametrize(
    ("make", "weight"),
    [(Weighted, "two.weight"), (Normed, "two.weight"), (Spectral, "head.weight")],
)
def test_a_weight_that_is_computed_is_named_with_the_way_out(make, weight, dense, store):
    with pytest.raises(HarnessError, match=rf"{weight} of built is computed .* fold it in build\(\)"):
        train_dense(replace(dense, model=Built(make)), store)


class Tied(Plain):
    """The second and a third convolution share their weight."""

    def __init__(self):
        super().__init__()
        self.three = nn.Conv2d(8, 8, 3, padding=1)
        self.three.weight = self.two.weight

    def forward(self, images):
        features = self.three(self.two(self.one(images).relu()).relu()).relu()
        return self.head(features.mean((2, 3)))


def test_tied_weights_are_kept_once_and_stay_tied(trial, store):
    trial = replace(trial, dense=replace(trial.dense, model=Built(Tied)), levels=(0.5,))
    [level] = run_trial(trial, store)
    assert level.status == "ok", level.reason
    folder = store.folder(level.snapshot)
    state = load(decompress((folder / WEIGHTS).read_bytes()))
    assert "two.weight" in state
    assert "three.weight" not in state
    network = load_model(folder, trial.dense.model, trial.dense.dataset)
    assert network.three.weight is network.two.weight
    assert [*prunable_weights(network)] == ["one.weight", "two.weight", "head.weight"]
    facts = read_facts(folder)
    assert facts.params == sum(own.numel() for own in network.parameters())
    assert facts.prunable == 8 * 3 * 9 + 8 * 8 * 9 + 8 * 10
    assert level.sparsity_reached == pytest.approx(0.5, abs=0.01)


def test_channels_of_tied_layers_stay(channel_trial, store):
    dense = replace(channel_trial.dense, model=Built(Tied))
    [level] = run_trial(replace(channel_trial, dense=dense, levels=(0.1,)), store)
    assert level.status == "skipped"
    assert "dependency graph finds no channels" in level.reason
    assert tied_parameters(Tied()) == {"two.weight", "three.weight"}


def test_what_is_built_to_be_filled_draws_nothing():
    torch.manual_seed(0)
    before = torch.random.get_rng_state()
    with NoRandomFill():
        Plain()
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.parametrize(
    ("fill", "value"),
    [
        (partial(nn.init.trunc_normal_, std=0.02), 0.0),
        (partial(nn.init.trunc_normal_, mean=1.0, std=0.2, a=0.5, b=1.5), 1.0),
        (partial(nn.init.uniform_, a=2.0, b=3.0), 2.0),
        (nn.init.kaiming_normal_, 0.0),
        (torch.Tensor.normal_, 0.0),
    ],
)
def test_a_fill_that_is_drawn_until_it_is_within_bounds_ends_whatever_memory_holds(fill, value):
    tensor = torch.full((4, 4), 9.0)
    with NoRandomFill():
        assert fill(tensor) is tensor
    assert tensor.eq(value).all()


def test_a_rebuild_is_the_model(dense):
    network = Tied().eval()
    again = rebuild(Built(Tied), dense.dataset, state_of(network), history=[])
    images = torch.randn(2, *dense.dataset.shape)
    assert torch.equal(again(images), network(images))


class Frozen(Plain):
    """The first convolution is not trained."""

    def __init__(self):
        super().__init__()
        self.one.requires_grad_(False)


def test_channels_leave_a_frozen_layer_which_stays_frozen(channel_trial, store):
    dense = replace(channel_trial.dense, model=Built(Frozen))
    [level] = run_trial(replace(channel_trial, dense=dense, levels=(0.3,)), store)
    assert level.status == "ok", level.reason
    before, after = (
        load_model(store.folder(key), dense.model, dense.dataset) for key in (dense.key, level.snapshot)
    )
    assert len(after.one.weight) < len(before.one.weight)
    assert not after.one.weight.requires_grad
    kept = {tuple(row) for row in before.one.weight.flatten(1).tolist()}
    assert {tuple(row) for row in after.one.weight.flatten(1).tolist()} <= kept, "not trained on"
    assert after.two.weight.requires_grad


@pytest.mark.parametrize(
    ("make", "said"), [(Shifted, "computes outputs that"), (Wide, "cannot be read")]
)
def test_what_is_not_read_back_as_it_was_is_not_kept(make, said, dense, store):
    built = Built(Plain if make is Wide else make)
    with pytest.raises(HarnessError, match=said):
        save_snapshot(
            store, "key", make(), model=built, dataset=dense.dataset, history=[], train_seconds=0.0
        )
    assert "key" not in store


class Gated(Plain):
    """Runs another layer before its weights are read than afterwards, and so is another graph."""

    def __init__(self):
        super().__init__()
        self.other = nn.Conv2d(8, 8, 3)
        self.gate = nn.Parameter(nn.init.normal_(torch.empty(1)), requires_grad=False)

    def forward(self, images):
        inner = self.two if float(self.gate) else self.other
        return self.head(inner(self.one(images).relu()).mean((2, 3)))


def test_a_cut_that_only_the_trained_model_can_follow_is_found_out_before_its_row_is(
    channel_trial, store
):
    dense = replace(channel_trial.dense, model=Built(Gated))
    [level] = run_trial(replace(channel_trial, dense=dense, levels=(0.3,)), store)
    assert level.status == "failed"
    assert "built cannot be read back from its state dict" in level.reason


class Shared(Plain):
    """Two weights of one memory, which a file cannot hold."""

    def __init__(self):
        super().__init__()
        self.three = nn.Conv2d(8, 8, 3)
        self.three.weight.data = self.two.weight.data


class Noisy(Plain):
    """Drops features while it is evaluated, too."""

    def forward(self, images):
        return F.dropout(super().forward(images), 0.5, training=True)


@pytest.mark.parametrize(
    ("make", "error", "said"),
    [(Noisy, HarnessError, "random in evaluation mode"), (Shared, RuntimeError, "share memory")],
)
def test_what_cannot_be_kept_is_found_out_before_training(make, error, said, dense, store):
    with pytest.raises(error, match=said):
        train_dense(replace(dense, model=Built(make)), store)


class Routed(Plain):
    """Every image goes through one of many layers, by what it looks like."""

    def __init__(self):
        super().__init__()
        self.experts = nn.ModuleList(nn.Conv2d(8, 8, 3, padding=1) for _ in range(4))

    def forward(self, images):
        features = self.one(images).relu()
        chosen = features.mean((1, 2, 3)).mul(1e4).long() % 4
        routed = [self.experts[number](one[None]) for number, one in zip(chosen, features, strict=True)]
        return self.head(self.two(torch.cat(routed)).mean((2, 3)))


class Detached(Plain):
    """Its features have no gradient."""

    def forward(self, images):
        with torch.no_grad():
            features = self.two(self.one(images).relu()).relu()
        return self.head(features.mean((2, 3)))


class Functional(Plain):
    """Its second convolution is used without being called."""

    def forward(self, images):
        features = F.conv2d(self.one(images).relu(), self.two.weight, self.two.bias)
        return self.head(features.mean((2, 3)))


@pytest.mark.parametrize("make", [Routed, Detached, Functional])
def test_what_runs_or_has_a_gradient_is_prunable(make, dense):
    network = make()
    check_model(network, name="built", dataset=dense.dataset)
    assert exempt_weights(network) == []


class Leftover(Plain):
    """Most weights are in a layer that no image reaches."""

    def __init__(self):
        super().__init__()
        self.unused = nn.Linear(100, 100)


@pytest.mark.parametrize("granularity", ["weight", "channel"])
def test_weights_that_no_output_depends_on_are_not_prunable(granularity, trial, channel_trial, store):
    own = trial if granularity == "weight" else channel_trial
    dense = replace(own.dense, model=Built(Leftover))
    [level] = run_trial(replace(own, dense=dense, levels=(0.5,)), store)
    assert level.status == "ok", level.reason
    network = load_model(store.folder(level.snapshot), dense.model, dense.dataset)
    assert "unused.weight" not in prunable_weights(network)
    assert bool((network.unused.weight != 0).all())
    assert read_facts(store.folder(dense.key)).prunable == 8 * 3 * 9 + 8 * 8 * 9 + 8 * 10
    assert level.sparsity_reached == pytest.approx(0.5, abs=0.1)
    assert "unused" not in level.facts.excluded
