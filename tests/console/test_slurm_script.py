"""A plan in shares that know nothing of each other, and the script that queues them."""

import os
import subprocess

import pytest

from harness.console.slurm_script import DEFAULT_TASKS
from harness.engines.shard import Shard, parse_shard
from harness.errors import HarnessError
from harness.machine.availability import no_gpu
from harness.storage.ledger import Ledger
from tests.doubles import refusal

GRID = [
    "--models=test_resnet", "--pruners=random,snip", "--granularities=channel", "--levels=0.5",
    "--dense-epochs=0.2", "--finetune-epochs=0.1", "--backends=eager_cpu", "--seeds=0",
    "--batch-sizes=1", "--quick", "--timing-seconds=0", "--out=a folder",
]  # fmt: skip
SBATCH = """\
#!/bin/sh
# What Slurm would do, job after job: the number of the job, and the output of its tasks beside it.
for word in "$@"; do
  case $word in --array=1-*) count=${word#--array=1-};; --wrap=*) command=${word#--wrap=};; esac
done
job=$(($(cat jobs 2>/dev/null || echo 0) + 1)); echo $job | tee jobs
for task in $(seq ${count:-1}); do
  SLURM_ARRAY_TASK_ID=$task sh -c "$command" >$job.$task.out 2>&1 &
done
wait
"""


def test_shards_are_all_of_it_and_nothing_twice():
    shares = [
        Shard(stage="trials", number=number, count=3).of("trials", "abcdefgh") for number in (1, 2, 3)
    ]
    assert sorted("".join(shares)) == list("abcdefgh")
    assert {len(share) for share in shares} == {2, 3}
    assert not Shard(stage="dense", number=1, count=1).of("trials", "abc")


@pytest.mark.parametrize(
    "text", ["trials", "trials:0/4", "trials:5/4", "models:1/2", "dense:1", "dense:a/b"]
)
def test_what_is_no_shard_is_refused(text):
    with pytest.raises(HarnessError, match="dense:1/4"):
        parse_shard(text)


def test_the_script_trains_in_shares_and_measures_at_the_end(command, tmp_path):
    script = command("run", *GRID, "--engine=slurm-script", "--workers=2").stdout
    assert "--arithmetic=fp32" in script
    assert not (tmp_path / "a folder").exists()
    sbatch = tmp_path / "sbatch"
    sbatch.write_text(SBATCH)
    sbatch.chmod(0o755)
    subprocess.run(
        ["sh", "-c", script],
        cwd=tmp_path,
        env={**os.environ, "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"},
        check=True,
    )
    told = {path.name: path.read_text() for path in tmp_path.glob("*.out")}
    assert set(told) == {"1.1.out", "2.1.out", "2.2.out", "3.1.out"}
    assert "test_resnet dense seed 0: done" in told["1.1.out"]
    assert "test_resnet random channel one_shot seed 0: done" in told["2.1.out"]
    assert "dense seed" not in told["3.1.out"]
    assert [row["status"] for row in Ledger(tmp_path / "a folder").rows()] == ["ok"] * 3


def test_an_array_has_no_more_tasks_than_are_asked_for(command):
    many = [*GRID, "--pruners=group_norm_*,random,snip", "--seeds=0,1,2,3,4,5", "--engine=slurm-script"]
    script = command("run", *many).stdout
    assert "--array=1-6 " in script
    assert f"--array=1-{DEFAULT_TASKS} " in script
    assert script.count("--array=1-2 ") == 0
    assert command("run", *many, "--workers=2").stdout.count("--array=1-2 ") == 2


def test_a_script_from_a_file_of_settings_has_jobs_that_train(command, tmp_path):
    (tmp_path / "grid.toml").write_text('engine = "slurm-script"\nworkers = 2\n')
    script = command("run", *GRID, "--config=grid.toml").stdout
    assert "--engine=local" in script
    (tmp_path / "grid.toml").write_text('part = "3"\n')
    assert "--shard 3: it is a shard" in refusal(command("run", *GRID, "--config=grid.toml"))


def test_a_share_whose_dense_models_are_missing_says_so(command, tmp_path):
    done = command("run", *GRID, "--shard=trials:1/2", "--arithmetic=fp32")
    assert done.returncode == 1
    assert "random channel one_shot seed 0: its dense model was not trained" in done.stderr
    assert not (tmp_path / "a folder" / "rows.jsonl").exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--shard=dense:1/2", "--fresh"], "no --fresh"),
        (["--engine=slurm-script", "--fresh"], "remove the folder instead"),
        (["--part=dense:1/2"], "name an --arithmetic, as fp32"),
        pytest.param(
            ["--arithmetic=cuda+bf16"],
            "--arithmetic cuda+bf16: no NVIDIA GPU is here",
            marks=pytest.mark.skipif(no_gpu() is None, reason="there is a GPU here"),
        ),
        (["--arithmetic=fp16"], "'fp32', 'channels_last', 'bf16'"),
        (["--address=10.0.0.1:6379"], "it goes with --engine ray"),
        (["--engine=ray", "--pin=0"], "--pin 0 is of this machine"),
        (["--engine=ray", "--meter=rapl"], "--meter rapl reads this machine"),
        (["--engine=kubernetes"], "'local', 'ray', 'slurm-script'"),
        (["--engine=ray", "--address=nonsense"], "it is no HOST:PORT"),
        (["--engine=ray", "--address=127.0.0.1:1"], "start a cluster with `ray start --head`"),
    ],
)
def test_options_that_make_no_sense_together_are_refused(command, tmp_path, options, words):
    assert words in refusal(command("run", *GRID, *options))
    assert not (tmp_path / "a folder").exists()
