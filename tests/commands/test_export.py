"""`harness export`: which model is meant, and what is written beside it."""

import shutil

import torch
from click.testing import CliRunner
from safetensors.torch import load_file

from harness.commands.export import export
from tests.doubles import ROOT, refusal

BASELINE = ROOT / "results" / "regression"


def test_weights_come_beside_the_program(command, tmp_path):
    done = command("export", str(BASELINE), "dense", "--backend", "eager_cpu")
    assert done.returncode == 0, done.stderr
    weights = load_file(tmp_path / "exported" / "weights.safetensors")
    program = torch.export.load(tmp_path / "exported" / "model.pt2")
    assert weights.keys() == program.state_dict.keys()
    assert all(torch.equal(weights[name], value) for name, value in program.state_dict.items())


def test_a_model_that_is_gone_is_said_to_be(command, tmp_path):
    (tmp_path / "run").mkdir()
    shutil.copy(BASELINE / "rows.jsonl", tmp_path / "run")
    told = refusal(command("export", "run", "dense", "--backend", "eager_cpu"))
    assert "run no longer keeps the model of dense: run it again" in told
    assert not (tmp_path / "exported").exists()


def test_a_folder_that_is_no_run_is_named():
    done = CliRunner().invoke(export, ["nowhere", "dense", "--backend", "eager_cpu"])
    assert "nowhere" in str(done.exception) + done.output
