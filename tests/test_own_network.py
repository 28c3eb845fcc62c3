"""The engineer's road of docs/own-network.md: own weights to a file that a short program loads."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import timm
import torch
from torchvision import transforms
from torchvision.datasets import ImageFolder

from harness.storage.run_folder import RunFolder

PAGE = (Path(__file__).parents[1] / "docs" / "own-network.md").read_text(encoding="utf-8")
BLOCKS = dict(re.findall(r"<!-- (\w+) -->\n```python\n(.*?)```", PAGE, re.DOTALL))
HALF = [0.5, 0.5, 0.5]
TRAIN_STEPS = 60


def trained(images: Path) -> tuple[torch.nn.Module, int]:
    """resnet10t trained by a plain loop on own normalisation, and its right test images."""
    torch.manual_seed(0)
    steps = transforms.Compose([transforms.ToTensor(), transforms.Normalize(HALF, HALF)])
    parts = {part: ImageFolder(images / part, steps) for part in ("train", "test")}
    batches = {
        name: next(iter(torch.utils.data.DataLoader(part, batch_size=64)))
        for name, part in parts.items()
    }
    model = timm.create_model("resnet10t", num_classes=3)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    inputs, labels = batches["train"]
    for _ in range(TRAIN_STEPS):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(inputs), labels).backward()
        optimizer.step()
    inputs, labels = batches["test"]
    with torch.no_grad():
        return model, int((model.eval()(inputs).argmax(1) == labels).sum())


@pytest.fixture
def run(image_folder, command, tmp_path):
    """Rows of the page's run, in short, from a checkpoint as training scripts write it."""
    model, right = trained(image_folder)
    state = {f"module.{name}": value for name, value in model.state_dict().items()}
    torch.save({"epoch": 9, "state_dict": state}, tmp_path / "mine.pth")
    [line] = [line for line in PAGE.splitlines() if "--out pruned" in line]
    words = line.replace("photographs", str(image_folder)).replace("group_norm_l2,", "").split()[1:]
    short = [
        "--finetune-epochs=0", "--levels=0.3", "--seeds=0", "--timing-seconds=0.2", "--quick",
    ]  # fmt: skip
    done = command(*words, *short)
    assert done.returncode == 0, done.stderr
    assert "mine.pth: weights under 'state_dict', without 'module.' before their names" in done.stderr
    assert "images unlike these" not in done.stderr
    rows = RunFolder(tmp_path / "pruned").rows
    dense = [row for row in rows if row["pruner"] == "dense"]
    assert {round(row["top1"] * row["images"]) for row in dense} == {right}
    return rows


@pytest.mark.long(30)
def test_a_short_program_finds_the_rows_accuracy_to_the_last_image(
    run, command, image_folder, tmp_path
):
    exports = [line.split()[1:] for line in PAGE.splitlines() if line.startswith("harness export")]
    assert len(exports) == 3
    for words in exports:
        words = [word.replace("@0.5", "@0.3") for word in words]
        assert command(*words).returncode == 0
        backend, folder = words[words.index("--backend") + 1], words[-1]
        [row] = [row for row in run if row["backend"] == backend and row["pruner"] == "taylor"]
        program = "\n\n".join(BLOCKS[name] for name in ("road", Path(folder).name, "accuracy"))
        done = subprocess.run(
            [sys.executable, "-c", f"import sys; sys.modules['harness'] = None\n{program}", folder,
             str(image_folder / "test")],
            cwd=tmp_path, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        top1 = row["top1"] if row["top1_backend"] is None else row["top1_backend"]
        assert done.stdout.split() == [str(round(top1 * row["images"])), "of", str(row["images"])]
        manifest = json.loads((tmp_path / folder / "manifest.json").read_text())
        assert manifest["class_names"] == ["digit0", "digit1", "digit2"]
        assert manifest["preprocessing"] | {"mean": HALF, "std": HALF} == manifest["preprocessing"]
        [source] = manifest["inputs"]
        wanted = ("int8", "NHWC") if backend == "litert_int8_cpu" else ("float32", "NCHW")
        assert (source["type"], source["layout"]) == wanted
        assert (source["scale"] is not None) == (source["type"] == "int8")
