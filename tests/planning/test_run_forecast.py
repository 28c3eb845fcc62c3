"""A forecast has the phases of a run in their order, and grows with what there is to do."""

from harness.discovery.loading import discover
from harness.planning.plan import make_plan
from harness.planning.run_forecast import run_forecast
from harness.runs.request import Request
from harness.training.recipe import Recipe


def plan(seeds):
    request = Request(
        models="resnet18", dataset="digits", pruners="taylor", granularities="channel",
        scope="published", schedules="one_shot", levels="0.5", seeds=seeds, backends="eager_cpu",
        batch_sizes="1", threads=1, recipe=Recipe(),
    )  # fmt: skip
    return make_plan(request.grid(discover()), [])


def test_phases_come_stage_by_stage():
    stages = plan("0,1").stages()
    phases = run_forecast(stages, step_ms={}, workers=2, timing_seconds=30.0)
    assert [name for name, _ in phases] == ["training", "inspecting", "memory", "timing"] * 2
    assert all(seconds > 0 for _, seconds in phases)


def test_slower_steps_and_fewer_workers_take_longer():
    def training(step: float, workers: int) -> float:
        steps = {"resnet18": step}
        phases = run_forecast([plan("0")], step_ms=steps, workers=workers, timing_seconds=30.0)
        return dict(phases)["training"]

    assert training(100.0, 2) > training(10.0, 2)
    assert training(10.0, 1) == 2 * training(10.0, 2)
