"""One loop for all: masks stay in force, seeds fix everything, accuracy is what a loop would count."""

from dataclasses import dataclass, replace

import pytest
import torch

from harness.machine.availability import no_gpu
from harness.training.evaluation import evaluate
from harness.training.learning_rate import Rate
from harness.training.loop import TrainingJob, train
from harness.training.sampling import calibration_batches, steps_per_epoch
from harness.training.synthetic import residual_network
from harness_plugins.datasets.digits import Digits

WITH_GPU = pytest.mark.skipif(no_gpu() is not None, reason=str(no_gpu()))


def test_masks_stay_in_force_through_every_update(network, recipe):
    weight = network.second.weight
    keep = torch.rand(weight.shape, generator=torch.Generator().manual_seed(0)) < 0.3
    before = weight.detach().clone()
    train(
        network,
        Digits(),
        recipe,
        TrainingJob(epochs=0.5, rate=Rate(peak=0.05), seed=0, masks={"second.weight": keep}),
    )
    assert bool((weight[~keep] == 0.0).all())
    assert not torch.equal(weight[keep], before[keep]), "what stays is trained"


def test_the_seed_fixes_the_weights(recipe):
    def trained(seed):
        model = residual_network()
        train(model, Digits(), recipe, TrainingJob(epochs=0.3, rate=Rate(peak=0.05), seed=seed))
        return model.first.weight

    assert torch.equal(trained(1), trained(1))
    assert not torch.equal(trained(1), trained(2))


def test_no_epochs_change_nothing_but_the_mask(network, recipe):
    before = network.first.weight.detach().clone()
    train(network, Digits(), recipe, TrainingJob(epochs=0.0, rate=Rate(peak=0.05), seed=0))
    assert torch.equal(network.first.weight, before)


def test_training_learns(network, recipe):
    before = evaluate(network, Digits()).top1
    train(network, Digits(), recipe, TrainingJob(epochs=6.0, rate=Rate(peak=0.1), seed=0))
    assert evaluate(network, Digits()).top1 > before + 0.2


@pytest.mark.parametrize(
    "arithmetic",
    [
        "bf16",
        "channels_last",
        "channels_last+bf16",
        pytest.param("cuda+channels_last+bf16", marks=WITH_GPU),
    ],
)
def test_training_learns_in_other_arithmetic_and_hands_back_plain_floats(network, recipe, arithmetic):
    before = evaluate(network, Digits()).top1
    changed = replace(recipe, arithmetic=arithmetic)
    train(network, Digits(), changed, TrainingJob(epochs=6.0, rate=Rate(peak=0.1), seed=0))
    assert evaluate(network, Digits()).top1 > before + 0.2
    weights = list(network.parameters())
    assert all(weight.dtype == torch.float32 and weight.is_contiguous() for weight in weights)


def test_fewer_bits_lead_elsewhere(recipe):
    def trained(arithmetic):
        model = residual_network()
        changed = replace(recipe, arithmetic=arithmetic)
        train(model, Digits(), changed, TrainingJob(epochs=0.3, rate=Rate(peak=0.05), seed=0))
        return model.first.weight

    assert torch.equal(trained("bf16"), trained("bf16"))
    assert not torch.equal(trained("bf16"), trained(""))
    torch.testing.assert_close(trained("bf16"), trained(""), atol=0.05, rtol=0.0)


def test_evaluation_counts_right_answers(network):
    images, labels = Digits().split("test").tensors
    with torch.no_grad():
        outputs = network(images)
    right = outputs.argmax(dim=1) == labels
    among_five = (outputs.topk(5, dim=1).indices == labels[:, None]).any(dim=1)
    found = evaluate(network, Digits())
    assert torch.equal(found.correct, right)
    assert found.top1 == pytest.approx(float(right.double().mean()))
    assert found.top5 == pytest.approx(float(among_five.double().mean()))


def test_calibration_images_are_the_same_for_a_seed_and_come_from_training():
    one, two = (calibration_batches(Digits(), images=40, batch=16, seed=5) for _ in range(2))
    assert [len(images) for images, _ in one] == [16, 16, 8]
    assert all(torch.equal(a, b) for (a, _), (b, _) in zip(one, two, strict=True))
    training = {image.numpy().tobytes() for image in Digits().split("train").tensors[0]}
    assert all(image.numpy().tobytes() in training for images, _ in one for image in images)


def test_an_incomplete_batch_waits_for_the_next_shuffle(recipe):
    assert steps_per_epoch(Digits(), recipe) == 1200 // 64


@dataclass(frozen=True)
class Way:
    """Weights before each update and after the last; statistics and the progress told at each."""

    weights: list
    statistics: list
    told: list


def on_the_way(recipe, *, epochs, rate):
    model, way = residual_network(), Way([], [], [])

    def listen(progress):
        # Called once a step, before the update.
        way.weights.append([weight.detach().clone() for weight in model.parameters()])
        way.statistics.append([statistic.clone() for statistic in model.buffers()])
        way.told.append(progress)
        return torch.zeros(())

    train(model, Digits(), recipe, TrainingJob(epochs=epochs, rate=rate, seed=3, penalty=listen))
    way.weights.append(list(model.parameters()))
    return way


def are_equal(some, others):
    return [all(map(torch.equal, *pair)) for pair in zip(some, others, strict=False)]


@pytest.mark.parametrize("place", [0.1, 0.5, 0.75])
def test_training_up_to_a_place_is_the_beginning_of_the_whole(recipe, place):
    whole = on_the_way(recipe, epochs=1.0, rate=Rate(peak=0.1))
    begun = on_the_way(recipe, epochs=place, rate=Rate(peak=0.1, last=place))
    steps = steps_per_epoch(Digits(), recipe)
    assert (len(whole.told), len(begun.told)) == (steps, round(place * steps))
    assert are_equal(begun.weights, whole.weights) == [True] * (round(place * steps) + 1)
    assert all(are_equal(begun.statistics, whole.statistics))
    assert begun.told == pytest.approx([step / len(begun.told) for step in range(len(begun.told))])


def test_a_short_training_is_no_beginning_of_a_longer_one(recipe):
    whole = on_the_way(recipe, epochs=1.0, rate=Rate(peak=0.1))
    short = on_the_way(recipe, epochs=0.5, rate=Rate(peak=0.1))
    first, *_, last = are_equal(short.weights, whole.weights)
    assert (first, last) == (True, False), "its learning rate has a curve of its own"


def test_a_penalty_is_added_to_the_loss(network, recipe):
    size = network.second.weight.abs().sum().item()
    weight = network.second.weight
    train(
        network,
        Digits(),
        recipe,
        TrainingJob(
            epochs=0.5, rate=Rate(peak=0.02), seed=0, penalty=lambda _: 5 * weight.square().sum()
        ),
    )
    assert network.second.weight.abs().sum().item() < 0.5 * size


@pytest.mark.parametrize("epochs", [0.2, 1.0])
def test_the_first_step_of_a_training_moves_the_weights(network, recipe, epochs):
    before, moved = network.first.weight.detach().clone(), []

    def listen(_: float) -> torch.Tensor:
        moved.append(not torch.equal(network.first.weight, before))
        return torch.zeros(())

    job = TrainingJob(epochs=epochs, rate=Rate(peak=0.05), seed=0, penalty=listen)
    train(network, Digits(), recipe, job)
    assert moved[:2] == [False, True], "the second step meets what the first one did"


class TakingTurns(torch.nn.Module):
    """Every second batch goes through another layer, as in conditional computation."""

    def __init__(self):
        super().__init__()
        self.layers = torch.nn.ModuleList(torch.nn.Linear(3 * 32 * 32, 10) for _ in range(2))
        self.calls = 0

    def forward(self, images):
        self.calls += 1
        return self.layers[self.calls % 2](images.flatten(1))


def test_layers_that_take_turns_are_all_trained(recipe):
    model = TakingTurns()
    before = [layer.weight.detach().clone() for layer in model.layers]
    train(model, Digits(), recipe, TrainingJob(epochs=0.3, rate=Rate(peak=0.05), seed=0))
    for layer, start in zip(model.layers, before, strict=True):
        assert not torch.equal(layer.weight, start)
