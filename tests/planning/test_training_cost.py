"""What a plan asks for before and after its pieces are shared."""

from dataclasses import replace

import pytest

from harness.discovery.loading import discover
from harness.planning.plan import make_plan
from harness.planning.training_cost import TrainingCost, cost_alone, cost_shared, trial_epochs
from harness.runs.request import Request
from harness.training.recipe import Recipe
from harness_plugins.schedules.iterative import Iterative


def plan(**changes):
    axes = {
        "models": "resnet18", "dataset": "digits", "pruners": "magnitude_l2,taylor",
        "granularities": "weight", "scope": "published", "schedules": "one_shot",
        "levels": "0.5,0.8,0.9", "seeds": "0,1", "backends": "onnxruntime_cpu", "batch_sizes": "1,8",
        "threads": 1, "recipe": Recipe(dense_epochs=12.0, finetune_epochs=2.0),
    }  # fmt: skip
    return make_plan(Request(**axes | changes).grid(discover()), [])


def test_one_shot_levels_share_a_dense_model_and_its_scores():
    # Two criteria at three levels of two seeds, and the two dense models; each at two batch sizes.
    assert cost_alone(plan()) == TrainingCost(
        dense_epochs=12.0 * 14, finetune_epochs=2.0 * 12, scorings=12, exports=28, timings=28
    )
    assert cost_shared(plan()) == TrainingCost(
        dense_epochs=12.0 * 2, finetune_epochs=2.0 * 12, scorings=4, exports=14, timings=28
    )


def test_levels_of_an_iterative_schedule_share_the_rounds_that_they_begin_with():
    given = plan(schedules="iterative", levels="0.95,0.98", pruners="magnitude_l2", seeds="0")
    assert cost_shared(given).finetune_epochs < cost_alone(given).finetune_epochs
    assert cost_shared(given).scorings < cost_alone(given).scorings


def test_backends_that_load_the_same_file_share_it():
    one, both = (plan(backends=b) for b in ("onnxruntime_cpu", "onnxruntime_cpu,zigzag_tpu"))
    assert cost_shared(both).exports == cost_shared(one).exports
    assert cost_alone(both).exports > cost_alone(one).exports


def test_what_takes_the_model_as_it_is_needs_no_file():
    assert cost_shared(plan(backends="eager_cpu")).exports == 0


def test_rounds_that_levels_share_are_counted_once(trial):
    iterative = replace(trial, schedule=Iterative(), levels=(0.95, 0.98))
    apart = [trial_epochs(replace(iterative, levels=(level,))) for level in iterative.levels]
    assert trial_epochs(iterative) < sum(apart)
    assert apart == pytest.approx([trial.dense.recipe.finetune_epochs] * 2)


class Unusable:
    """A schedule that raises."""

    name = "unusable"

    def rounds(self, target):
        raise RuntimeError("no rounds")


def test_a_schedule_that_raises_costs_the_plan_nothing(trial):
    assert trial_epochs(replace(trial, schedule=Unusable())) == 0.0
