"""What a round may do besides pruning and fine-tuning: rewind, redraw, regrow, penalise, rewrite."""

import copy
from dataclasses import dataclass, replace

import pytest
import torch

from harness.contracts.schedules import Round
from harness.machine.time_breakdown import TimeBreakdown
from harness.networks.layers import prunable_weights
from harness.pruning.evidence import RecordedEvidence
from harness.storage.keys import stable_seed
from harness.training.learning_rate import Rate
from harness.training.loop import TrainingJob, train
from harness.trials._rounds import RoundRunner
from harness.trials.snapshot import load_model, read_facts
from harness.trials.trained_models import train_to
from harness_plugins.pruners.magnitude import GroupNorm
from harness_plugins.pruners.obs import Obs
from harness_plugins.pruners.penalised import GReg, GroupLasso, Slimming
from harness_plugins.pruners.random import Random
from harness_plugins.pruners.synflow import SynFlow
from harness_plugins.pruners.thinet import ThiNet
from harness_plugins.schedules.at_init import AtInit, RigL
from harness_plugins.schedules.gradual import Cubic, Linear
from harness_plugins.schedules.iterative import Iterative
from harness_plugins.schedules.lottery import Lottery
from harness_plugins.schedules.one_shot import OneShot
from harness_plugins.schedules.rewinding import Rewinding
from harness_plugins.schedules.scratch import Scratch
from tests.doubles import run_trial


@dataclass(frozen=True)
class Once:
    """One round, as it is given."""

    turn: Round

    @property
    def name(self):
        return f"once {self.turn}"

    def rounds(self, target):
        return [replace(self.turn, sparsity=target)]


def walked(trial, store, **changes):
    """The only level's record and model."""
    trial = replace(trial, levels=(0.5,), **changes)
    [level] = run_trial(trial, store)
    assert level.reason == ""
    return level, load_model(store.folder(level.snapshot), trial.dense.model, trial.dense.dataset)


def at(place, trial, store):
    key = train_to(place, trial.dense, store, time_breakdown=TimeBreakdown())
    return load_model(store.folder(key), trial.dense.model, trial.dense.dataset)


def test_places_in_dense_training_lie_on_its_way(trial, trained):
    dense, recipe = trial.dense, trial.dense.recipe
    torch.manual_seed(dense.seed)
    model, states = dense.model.build(dense.dataset), []

    def listen(progress):
        # Called once a step, before the update.
        states.append(copy.deepcopy(dict(model.named_parameters())))
        return torch.zeros(())

    rate, seed = Rate(peak=recipe.dense_lr), stable_seed(dense.seed, "dense")
    job = TrainingJob(epochs=recipe.dense_epochs, rate=rate, seed=seed, penalty=listen)
    train(model, dense.dataset, recipe, job)
    states.append(dict(model.named_parameters()))
    for place in (0.0, 0.5, 1.0):
        there = states[round(place * (len(states) - 1))]
        for name, weight in at(place, trial, trained).named_parameters():
            assert torch.equal(weight, there[name]), (place, name)


def test_a_rewound_ticket_holds_the_initial_weights_where_its_mask_keeps_them(trial, trained):
    turn = Round(sparsity=0.5, share=0.0, rewind=0.0)
    _, model = walked(trial, trained, schedule=Once(turn))
    start, dense = at(0.0, trial, trained), at(1.0, trial, trained)
    sizes = torch.cat([w.abs().flatten() for w in prunable_weights(dense).values()])
    threshold = sizes.sort().values[len(sizes) // 2]
    for name, weight in prunable_weights(model).items():
        keep = prunable_weights(dense)[name].abs() >= threshold
        assert torch.equal(weight, prunable_weights(start)[name] * keep), name


def test_a_channel_pruned_ticket_is_cut_from_the_initial_model(channel_trial, trained):
    turn = Round(sparsity=0.5, share=0.0, rewind=0.0)
    level, model = walked(channel_trial, trained, schedule=Once(turn))
    history = read_facts(trained.folder(level.snapshot)).history
    gone = {root: channels for root, _, channels in history}["third"]
    stays = [channel for channel in range(16) if channel not in gone]
    start = at(0.0, channel_trial, trained)
    assert torch.equal(model.norm3.weight, start.norm3.weight[stays])
    assert torch.equal(model.classifier.weight, start.classifier.weight[:, stays])


def test_the_control_has_the_tickets_mask_on_other_weights(trial, trained):
    ticket = Lottery()
    [*_, last] = ticket.control.rounds(0.5)
    assert last.redraw
    same = replace(last, share=0.0, redraw=False, rewind=0.0)
    _, won = walked(trial, trained, schedule=Once(same))
    _, drawn = walked(trial, trained, schedule=Once(replace(last, share=0.0)))
    for name, weight in prunable_weights(drawn).items():
        assert torch.equal(weight != 0, prunable_weights(won)[name] != 0)
        assert not torch.equal(weight, prunable_weights(won)[name])


def test_what_is_trained_from_scratch_has_the_architecture_and_all_epochs_and_no_weight(
    channel_trial, trained
):
    pruned, kept = walked(channel_trial, trained, schedule=OneShot())
    drawn, model = walked(channel_trial, trained, schedule=Scratch())
    recipe = channel_trial.dense.recipe
    assert drawn.facts.epochs == recipe.dense_epochs + recipe.finetune_epochs
    histories = [read_facts(trained.folder(level.snapshot)).history for level in (pruned, drawn)]
    assert histories[0] == histories[1]
    untrained, fresh = walked(
        channel_trial, trained, schedule=Once(Round(sparsity=0.5, share=0.0, redraw=True))
    )
    assert untrained.facts.epochs == 0.0
    for name, weight in fresh.named_parameters():
        other = dict(kept.named_parameters())[name]
        assert weight.shape == other.shape == dict(model.named_parameters())[name].shape
        assert weight.dim() == 1 or not torch.equal(weight, other), name


def test_the_tickets_early_rounds_are_the_controls(trial, trained):
    levels = [walked(trial, trained, schedule=s)[0] for s in (Lottery(), Lottery().control)]
    assert levels[0].snapshot != levels[1].snapshot
    ticket, control = (level.facts.epochs for level in levels)
    assert ticket == pytest.approx(control) == trial.dense.recipe.finetune_epochs


def test_rewinding_goes_back_as_far_as_the_budget_is_long(trial, trained):
    # Half an epoch of one: from the middle of dense training, with the rate that it had there.
    level, model = walked(trial, trained, schedule=Rewinding("weight_rewinding", weights=True))
    assert f"{trial.dense.key}@0.5" in trained
    assert level.facts.epochs == 0.5
    _, rate_only = walked(trial, trained, schedule=Rewinding("rate_rewinding", weights=False))
    assert not torch.equal(model.first.weight, rate_only.first.weight)


def test_pruning_at_initialisation_scores_the_untrained_model_and_trains_for_all_epochs(trial, trained):
    level, _ = walked(trial, trained, schedule=AtInit())
    recipe = trial.dense.recipe
    assert level.facts.epochs == recipe.dense_epochs + recipe.finetune_epochs
    untrained, _ = walked(trial, trained, schedule=Once(Round(sparsity=0.5, share=0.0, rewind=0.0)))
    assert untrained.snapshot != level.snapshot


def test_rigl_ends_with_as_many_weights_somewhere_else(trial, trained):
    settings = {"pruner": Random(), "scope": "erk"}
    _, still = walked(trial, trained, schedule=AtInit(), **settings)
    _, moved = walked(trial, trained, schedule=RigL().configured("5"), **settings)
    for name, weight in prunable_weights(moved).items():
        fixed = prunable_weights(still)[name]
        assert int((weight != 0).sum()) == pytest.approx(int((fixed != 0).sum()), abs=1), name
    name = "third.weight"
    assert not torch.equal(prunable_weights(moved)[name] != 0, prunable_weights(still)[name] != 0)


def test_masks_move_at_granularity_weight_only(channel_trial, trained):
    [level] = run_trial(replace(channel_trial, schedule=RigL(), levels=(0.5,)), trained)
    assert (level.status, level.reason) == (
        "skipped",
        "masks move at granularity weight only, not channel",
    )


def test_a_gradual_schedule_ends_at_the_target_with_its_budget_spent(trial, trained):
    level, model = walked(trial, trained, schedule=Cubic())
    zeros = sum(int((w == 0).sum()) for w in prunable_weights(model).values())
    assert zeros == round(0.5 * sum(w.numel() for w in prunable_weights(model).values()))
    assert level.facts.epochs == pytest.approx(0.5)


@pytest.mark.parametrize("schedule", [Cubic(), Iterative(), Linear()], ids=lambda s: s.name)
def test_what_a_round_removed_stays_removed(trial, trained, schedule):
    rounds = RoundRunner(trial, trained, TimeBreakdown())
    state = rounds.start
    for number, turn in enumerate(schedule.rounds(0.9), start=1):
        after = rounds.run_round(state, turn, number=number)
        for name, keep in state.masks.items():
            assert not bool((after.masks[name] & ~keep).any()), name
        state = after
    assert rounds.target_reached(state) == pytest.approx(0.9, abs=1e-3)


@pytest.mark.parametrize("pruner", [Slimming(1e-2), GroupLasso(1e-2), GReg()], ids=lambda p: p.name)
def test_penalised_epochs_count_beside_those_of_fine_tuning(trial, trained, pruner):
    level, _ = walked(
        trial, trained, pruner=pruner, granularity="channel", scope="local", penalty_epochs=0.5
    )
    assert level.facts.epochs == trial.dense.recipe.finetune_epochs + 0.5


def test_slimming_makes_norm_scales_smaller_before_it_looks_at_them(trial, trained):
    seen = {}

    class Listening(Slimming):
        def score(self, evidence):
            seen["scales"] = torch.cat(list(evidence.norm_scales.values()))
            return super().score(evidence)

    listening = {"pruner": Listening(10.0), "granularity": "channel", "scope": "global"}
    walked(trial, trained, **listening, penalty_epochs=0.5)
    dense = at(1.0, trial, trained)
    before = torch.cat([norm.weight for norm in (dense.norm1, dense.norm2, dense.norm3)])
    assert seen["scales"].abs().sum() < 0.8 * before.abs().sum()


@pytest.mark.parametrize(("granularity", "scope"), [("weight", "global"), ("channel", "local")])
def test_greg_fades_what_it_then_removes(trial, trained, granularity, scope):
    sizes = []

    class Listening(GReg):
        def penalty(self, trained):
            doomed = [trained.weights[name][~keep] for name, keep in trained.keep.items()]
            sizes.append(float(torch.cat([w.flatten() for w in doomed]).norm().detach()))
            return super().penalty(trained)

    listening = {"pruner": Listening(20.0), "granularity": granularity, "scope": scope}
    walked(trial, trained, **listening, penalty_epochs=0.5)
    assert sizes[-1] < 0.7 * sizes[0]


def test_group_lasso_is_the_sum_of_filter_norms_by_their_size():
    from harness.contracts.pruners import Trained

    given = Trained(
        weights={"w": torch.tensor([[3.0, 4.0], [0.0, 0.0]])}, norm_scales={}, keep={}, progress=0.0
    )
    assert float(GroupLasso(0.1).penalty(given)) == pytest.approx(0.1 * 5 * 2**0.5, abs=1e-5)


def test_synflow_reaches_its_target_in_steps_without_emptying_a_layer(trial, trained):
    level, model = walked(
        trial, trained, pruner=SynFlow(), schedule=Once(Round(sparsity=0.5, share=0.0))
    )
    zeros = sum(int((w == 0).sum()) for w in prunable_weights(model).values())
    assert zeros == round(0.5 * sum(w.numel() for w in prunable_weights(model).values()))
    assert level.facts.evidence == "model,weights"


class InSteps(GroupNorm):
    """The group's norm, looked at again twice on the way."""

    steps = 3


def test_channels_that_leave_in_steps_are_all_in_the_history(channel_trial, trained):
    pruner = InSteps("group_norm_l2", 2)
    level, model = walked(channel_trial, trained, pruner=pruner)
    assert level.target_reached >= 0.5
    left = sum(weight.numel() for weight in prunable_weights(model).values())
    dense = read_facts(trained.folder(channel_trial.dense.key)).prunable
    assert left <= 0.5 * dense, "as the snapshot is built again from its history"


def test_a_criterion_that_rewrites_goes_on_from_its_own_weights(trial, trained):
    once = Once(Round(sparsity=0.5, share=0.0))
    _, model = walked(trial, trained, pruner=Obs(), scope="row", schedule=once)
    dense = at(1.0, trial, trained)
    weight, before = model.second.weight, dense.second.weight
    assert int((weight == 0).sum()) == round(0.5 * 72) * 8
    assert not torch.equal(weight[weight != 0], before[weight != 0])


def test_thinet_leaves_streams_that_blocks_add_to_whole(channel_trial, trained):
    once = Once(Round(sparsity=0.2, share=0.0))
    level, model = walked(channel_trial, trained, pruner=ThiNet(), schedule=once)
    _, plain = walked(channel_trial, trained, schedule=once)
    assert level.facts.evidence == "contributions,readers,weights"
    assert model.first.weight.shape[0] == 8, "a stream that blocks add to stays whole"
    assert plain.first.weight.shape[0] < 8


@pytest.mark.parametrize(
    ("granularity", "levels"), [("2:4", (0.5,)), ("1:4", (0.75,)), ("block:2x2", (0.5,))]
)
def test_patterns_are_trained_as_any_other_mask(trial, trained, granularity, levels):
    trial = replace(trial, granularity=granularity, scope="local", levels=levels)
    [level] = run_trial(trial, trained)
    assert level.reason == ""
    model = load_model(trained.folder(level.snapshot), trial.dense.model, trial.dense.dataset)
    weight = model.second.weight
    assert int((weight == 0).sum()) == round(levels[0] * weight.numel())
    assert level.facts.excluded == ("first.weight" if ":4" in granularity else "")


def test_channels_are_left_in_multiples(channel_trial, trained):
    _, model = walked(channel_trial, trained, granularity="channel:4")
    assert {
        len(w) % 4 for name, w in prunable_weights(model).items() if name != "classifier.weight"
    } == {0}


def test_evidence_offers_no_coupling_at_granularity_weight(network):
    from harness.errors import HarnessError

    batch = (torch.randn(2, 3, 8, 8), torch.tensor([0, 1]))
    seen = RecordedEvidence(network, granularity="weight", batches=[batch], coupled=None, seed=0)
    for part in ("readers", "contributions"):
        with pytest.raises(
            HarnessError, match=f"{part}: layers are coupled at granularity channel only"
        ):
            getattr(seen, part)


def test_a_floor_is_of_the_dense_model_s_channels_whatever_rounds_cut(channel_trial, trained):
    _, model = walked(
        channel_trial, trained, schedule=Iterative().configured("0.2"), layer_floor=0.6, scope="global"
    )  # fmt: skip
    dense = prunable_weights(at(1.0, channel_trial, trained))
    left = {name: len(weight) / len(dense[name]) for name, weight in prunable_weights(model).items()}
    assert min(left.values()) >= 0.6, "each round alone would leave 0.6 of what the last one left"
    assert min(left.values()) < 1.0
