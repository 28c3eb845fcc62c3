"""`harness export`: what it writes is what was measured, and loads without the harness."""

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from harness.errors import HarnessError
from harness.runs.deployment_bundle import RowSelector, select_row
from harness.storage.run_folder import RunFolder
from tests.doubles import made_row

BASELINE = Path(__file__).parents[2] / "results" / "regression"
LOADERS = {
    "model.onnx": (
        "import onnxruntime; s = onnxruntime.InferenceSession('model.onnx');"
        "y = s.run(None, {s.get_inputs()[0].name: x.numpy()})[0]"
    ),
    "model.pt2": "y = torch.export.load('model.pt2').module()(x).detach().numpy()",
}


@pytest.fixture
def run_folder(tmp_path):
    return Path(shutil.copytree(BASELINE, tmp_path / "run"))


@pytest.mark.parametrize(
    ("backend", "file"), [("onnxruntime_cpu", "model.onnx"), ("eager_cpu", "model.pt2")]
)
def test_the_file_loads_without_the_harness_and_keeps_its_accuracy(
    backend, file, run_folder, command, tmp_path
):
    row = next(
        row
        for row in RunFolder(run_folder).rows
        if row["status"] == "ok" and row["backend"] == backend and row["granularity"] == "channel"
    )
    method = f"{row['pruner']} channel {row['schedule']} {row['scope']}@{row['sparsity']}"
    done = command("export", "run", method, "--backend", backend, "--out", "shipped")
    assert done.returncode == 0, done.stderr
    manifest = json.loads((tmp_path / "shipped" / "manifest.json").read_text())
    assert manifest["row"]["pruner"] == row["pruner"]
    for name, facts in manifest["files"].items():
        content = (tmp_path / "shipped" / name).read_bytes()
        assert (len(content), hashlib.sha256(content).hexdigest()) == (facts["bytes"], facts["sha256"])

    # In a process that cannot import the harness, on the images that its accuracy is of.
    from harness_plugins.datasets.digits import Digits

    pairs = list(Digits().split("test"))[:64]
    batch = manifest["row"]["batch"]
    [source], [sink] = manifest["inputs"], manifest["outputs"]
    assert (source["shape"][1:], source["type"], source["layout"]) == ([3, 32, 32], "float32", "NCHW")
    assert (sink["shape"][1:], source["scale"]) == ([10], None)
    # Digits come ready: no file of an image becomes one.
    assert (manifest["preprocessing"], manifest["class_names"]) == (None, None)
    torch.save(torch.stack([image for image, _ in pairs]), tmp_path / "shipped" / "images.pt")
    program = (
        "import sys; sys.modules['harness'] = None; import numpy as np, torch\n"
        "made = []\n"
        f"for x in torch.load('images.pt').split({batch}):\n"
        f"    {LOADERS[file]}\n"
        "    made.append(y.argmax(1))\n"
        "print(np.concatenate(made).tolist())\n"
    )
    said = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program],
        cwd=tmp_path / "shipped",
        capture_output=True,
        text=True,
        check=True,
    )
    right = [a == int(b) for a, (_, b) in zip(json.loads(said.stdout), pairs, strict=True)]
    assert sum(right) / 64 == pytest.approx(row["top1"], abs=0.1)


def rows():
    return [
        made_row(pruner="dense", granularity="", scope="", schedule="", sparsity=0.0, seed=0),
        made_row(pruner="taylor", granularity="weight", sparsity=0.5, seed=0, batch=8),
        made_row(pruner="taylor", granularity="weight", sparsity=0.5, seed=0, batch=1),
        made_row(pruner="taylor", granularity="channel", sparsity=0.5, seed=0, batch=1),
        made_row(pruner="taylor", sparsity=0.5, seed=1, batch=1, model="resnet34"),
    ]


def test_the_smallest_batch_is_taken_where_none_is_named():
    found = select_row(rows(), RowSelector(method="taylor weight@0.50", backend="eager_cpu"))
    assert (found["granularity"], found["batch"]) == ("weight", 1)
    found = select_row(rows(), RowSelector(method="taylor@0.5", backend="eager_cpu", batch=8))
    assert found["batch"] == 8


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        ({"method": "taylor@0.5"}, "is several: resnet18 taylor channel"),
        ({"method": "taylor@half"}, "a level is a number"),
        (
            {"method": "taylor@0.7"},
            "'taylor@0.7' is none of the . that were measured on",
        ),
        ({"method": ""}, "'' is none of"),
        ({"method": "dense", "backend": "npu"}, "nothing was measured on 'npu' here, but on eager_cpu"),
    ],
)
def test_what_cannot_be_told_is_named(wanted, sentence):
    with pytest.raises(HarnessError, match=sentence):
        select_row(rows(), RowSelector(**{"backend": "eager_cpu", **wanted}))
