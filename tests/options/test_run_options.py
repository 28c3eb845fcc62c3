"""What is typed for a run reaches what carries it out: the request, the recipe, the stopping rule."""

from dataclasses import fields
from pathlib import Path

import click
import pytest

from harness.commands.run import check_options
from harness.engines.job_limits import JobLimits
from harness.engines.shard import Shard
from harness.errors import HarnessError
from harness.machine.availability import no_gpu
from harness.measuring.stopping import StoppingRule
from harness.options._axis_options import AxisOptions
from harness.options.declaration import with_options
from harness.options.engine_options import EngineOptions, LimitOptions
from harness.options.run_options import RunOptions
from harness.options.training_options import FLOAT32
from harness.ranking.leaderboard import RankingRule
from harness.runs.request import Request
from harness.training.recipe import Recipe


def typed(*words: str) -> RunOptions:
    """The options of `harness run --models resnet18 WORDS`."""
    calls: list[RunOptions] = []

    @click.command()
    @with_options(RunOptions)
    def run(options: RunOptions) -> None:
        calls.append(options)

    run.main(["--models=resnet18", *words], standalone_mode=False)
    [options] = calls
    return options


def test_nothing_but_models_gives_the_defaults_of_the_settings_themselves():
    options = typed()
    assert options.request() == Request(
        models="resnet18", dataset="digits", pruners="all", granularities="all", scope="published",
        schedules="one_shot", levels="0.3,0.6,0.8", seeds="0,1,2", backends="eager_cpu,onnxruntime_cpu",
        batch_sizes="1", threads=1, recipe=Recipe(),
    )  # fmt: skip
    assert options.timing.stopping_rule() == StoppingRule()
    assert options.training.auto


def test_every_setting_of_the_request_and_the_recipe_can_be_typed(tmp_path):
    (tmp_path / "file").touch()
    options = typed(
        "--dataset=torch/cifar10", "--pruners=snip", "--granularities=channel", "--scope=erk",
        "--schedules=all", "--levels=0.3", "--seeds=1", "--backends=eager_cpu", "--batch-sizes=8",
        "--threads=4", "--target=params", "--layer-floor=0.2", "--penalty-epochs=3",
        "--rivals=resnet10t", "--keep=fc", "--only=layer1",
        "--data-dir=data", "--download", f"--weights={tmp_path}/file",
        "--reset-classifier", "--mean=0.5",
        "--dense-epochs=3", "--finetune-epochs=2", "--train-batch=16", "--optimizer=adam",
        "--dense-lr=0.3", "--finetune-lr=0.2", "--weight-decay=0.1", "--no-augment",
        "--arithmetic=bf16", "--norms=as-trained",
    )  # fmt: skip
    request, default = options.request(), typed().request()
    assert request.threads == 4
    assert request.recipe.arithmetic == "bf16"
    for item in fields(Request):
        if item.name != "models":
            assert getattr(request, item.name) != getattr(default, item.name), item.name
    for item in fields(Recipe):
        assert getattr(request.recipe, item.name) != getattr(Recipe(), item.name), item.name


@pytest.mark.parametrize(("choice", "auto"), [("auto", True), (FLOAT32, False)])
def test_models_train_in_32_bit_floats_where_no_other_arithmetic_is_named(choice, auto):
    training = typed(f"--arithmetic={choice}").training
    assert (training.auto, training.recipe().arithmetic) == (auto, "")


def test_a_quick_run_times_in_one_process():
    rule = typed("--quick", "--timing-seconds=5").timing.stopping_rule()
    assert (rule.least, rule.most, rule.seconds) == (1, 1, 5.0)


def test_how_methods_are_ranked_is_asked_for():
    assert typed().ranking.rule() == RankingRule()
    asked = typed("--correction=fdr", "--floor=0.9").ranking.rule()
    assert asked == RankingRule(correction="fdr", floor=0.9)


@pytest.mark.parametrize("name", ["--shard", "--part"])
def test_a_shard_has_the_name_of_earlier_releases_too(name):
    shard = typed(f"{name}=trials:3/16", "--arithmetic=fp32").engine.shard
    assert shard == Shard(stage="trials", number=3, count=16)


def test_a_file_gives_what_is_not_typed(tmp_path):
    (tmp_path / "grid.toml").write_text('threads = 3\nlevels = [0.1, 0.2]\npart = "dense:1/2"\n')
    options = typed(f"--config={tmp_path}/grid.toml", "--threads=2")
    assert (options.files.config, options.axes.threads) == (tmp_path / "grid.toml", 2)
    assert options.axes.levels == "0.1,0.2"
    assert options.engine.shard == Shard(stage="dense", number=1, count=2)


def test_dense_models_are_taken_over_from_run_folders_only(tmp_path):
    (tmp_path / "artifacts").mkdir()
    assert typed(f"--dense-from={tmp_path}").folder.kept_run() == tmp_path
    assert typed().folder.kept_run() is None
    with pytest.raises(HarnessError, match="is no run's folder"):
        typed(f"--dense-from={Path(tmp_path, 'artifacts')}").folder.kept_run()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--shard=dense:1/2", "--fresh"], "no --fresh"),
        (["--shard=dense:1/2", "--engine=ray"], "and --engine local"),
        (["--shard=dense:1/2"], "name an --arithmetic, as fp32"),
        (["--engine=slurm-script", "--fresh"], "remove the folder instead"),
        (["--address=10.0.0.1:6379"], "it goes with --engine ray"),
        (["--podium=3", "--seeds=0"], "--seeds takes at least two"),
        (["--engine=ray", "--pin=0"], "--pin 0 is of this machine"),
        (["--engine=ray", "--meter=rapl"], "--meter rapl reads this machine"),
        pytest.param(
            ["--arithmetic=cuda"],
            "--arithmetic cuda: no NVIDIA GPU is here",
            marks=pytest.mark.skipif(no_gpu() is None, reason="there is a GPU here"),
        ),
    ],
)
def test_options_that_make_no_sense_together_are_refused(words, sentence):
    with pytest.raises(HarnessError, match=sentence):
        check_options(typed(*words))


@pytest.mark.parametrize(
    "words", [[], ["--engine=ray", "--meter=watts:15"], ["--engine=ray", "--arithmetic=cuda"]]
)
def test_options_that_go_together_are_not(words):
    check_options(typed(*words))


def test_limits_that_are_not_typed_are_those_of_the_machine():
    assert typed().limits == LimitOptions(time_limit=3600.0)
    assert typed().limits.job_limits() == JobLimits()
    words = ("--memory-limit=1.5", "--disk-limit=2", "--process-limit=9", "--log-limit=0.5")
    assert typed(*words).limits.job_limits() == JobLimits(
        memory_gb=1.5, disk_gb=2.0, processes=9, log_mb=0.5
    )


def test_an_engine_that_is_not_typed_is_processes_here():
    assert typed().engine == EngineOptions()
    assert typed().axes == AxisOptions(models="resnet18")
