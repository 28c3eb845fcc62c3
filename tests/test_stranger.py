"""Third-party distributions, installed with pip: discovered, listed and ranked like built-ins."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.storage.run_folder import RunFolder

pytestmark = [pytest.mark.xdist_group("stranger"), pytest.mark.long(20)]
STRANGER, RIA = (Path(__file__).parent / name for name in ("stranger", "ria"))
"""The page's fifteen lines, and a method of a paper that `harness new` began."""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Where pip put the distributions; on PYTHONPATH entry points are found as in site-packages."""
    place = tmp_path_factory.mktemp("site")
    arguments = ["install", "--quiet", "--no-deps", "--no-build-isolation", "--target", str(place)]
    subprocess.run([sys.executable, "-m", "pip", *arguments, str(STRANGER), str(RIA)], check=True)
    return place


def test_it_is_about_fifteen_lines():
    lines = (STRANGER / "harness_gradient.py").read_text().splitlines()
    assert len([line for line in lines if line.strip()]) <= 15


def test_it_is_listed_with_its_distribution(site, process):
    listed = process("list", path=str(site)).stdout
    [line] = [line for line in listed.splitlines() if line.split()[:2] == ["pruner", "gradient"]]
    assert "harness-gradient 0.1.0" in line
    assert "Keep weights with a large gradient" in line


RUN = (
    "run", "--seeds", "0", "--target", "params",
    "--models", "test_resnet", "--pruners", "gradient,ria,random", "--granularities", "weight,channel",
    "--schedules", "one_shot", "--levels", "0.8", "--dense-epochs", "1", "--finetune-epochs", "0.2",
    "--timing-seconds", "0", "--quick", "--batch-sizes", "1", "--backends", "eager_cpu",
)  # fmt: skip


def test_it_is_ranked(site, command, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(site))
    # Where others disturb the clock a row fails, and the same command measures it again.
    for _ in range(3):
        done = command(*RUN)
        page = (tmp_path / "results" / "test_resnet-digits" / "leaderboard.md").read_text()
        lines = [line for line in page.splitlines() if "| gradient" in line]
        if ranked := [line for line in lines if "| channel" in line]:
            break
    assert ranked, done.stderr
    assert " 0.8 " in ranked[0]
    rows = RunFolder(tmp_path / "results" / "test_resnet-digits").rows
    status = {row["granularity"]: row["status"] for row in rows if row["pruner"] == "ria"}
    assert status == {"weight": "ok", "channel": "skipped"}


def test_the_papers_method_passes_its_own_tests(site):
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--rootdir", str(RIA), str(RIA / "tests")],
        env={**os.environ, "PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
