"""`harness.run` from Python: the command's tables as data frames, wherever it is called."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import harness
from harness.commands.python_run import _words
from harness.errors import HarnessError

PAGE = (Path(__file__).parents[2] / "docs" / "quick-start.md").read_text(encoding="utf-8")
[BLOCK] = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
SMALL = """"test_resnet", seeds=[0], dense_epochs=0, finetune_epochs=0, backends="eager_cpu",
    timing_seconds=0.2, quick=True, out="run","""
SCRIPT = f"""
import json
print("main begins")
{BLOCK.replace('"resnet18",', SMALL)}
lines = [[*tables.rows.columns[:3]], sorted(tables.rows["pruner"])]
print(json.dumps([*lines, sorted(tables.ranking["pruner"]), str(tables.folder)]))
"""
"""The page's, of a small network and hardly trained."""


@pytest.mark.long(20)
def test_a_script_without_a_main_guard_gets_data_frames(tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT)
    done = subprocess.run(
        [sys.executable, "-m", "script"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("main begins") == 1
    columns, pruners, ranked, folder = json.loads(done.stdout.splitlines()[-1])
    assert columns == ["key", "trial", "status"]
    assert pruners == ["dense", "random", "taylor"]
    assert ranked == ["random", "taylor"]
    assert folder == "run"


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"prunners": "all"}, "No such option '?--prunners'?"),
        ({"pruners": "tailor"}, "no pruner is called 'tailor'; did you mean 'taylor'"),
        ({"levels": [1.5]}, "a sparsity level is above 0 and below 1"),
        ({"dry_run": True}, "there are no tables of an option that only shows something"),
    ],
)
def test_a_wrong_request_is_an_error_in_one_sentence(options, sentence, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(HarnessError, match=sentence):
        harness.run("test_resnet", **options)
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("seeds", [0, 1], ["--seeds", "0,1"]),
        ("quick", True, ["--quick"]),
        ("quick", False, []),
        ("augment", False, ["--no-augment"]),
        ("weights", None, []),
        ("dense_epochs", 0, ["--dense-epochs", "0"]),
    ],
)
def test_options_are_the_commands(name, value, words):
    assert _words(name, value) == words
