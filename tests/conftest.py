"""Small real inputs that many tests share, and the order that tests run in."""

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from itertools import product
from multiprocessing.util import Finalize
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, settings
from PIL import Image
from torch import nn

from harness.engines.local import start_server
from harness.runs.preloads import preloads_of
from harness.storage.artifacts import ArtifactStore
from harness.training.recipe import Recipe
from harness.training.synthetic import residual_network
from harness.trials.spec import Dense, Trial
from harness.trials.trained_models import train_dense
from harness_plugins.datasets.digits import Digits
from harness_plugins.datasets.folder import Folder
from harness_plugins.models.timm import TimmModel
from harness_plugins.pruners.magnitude import GroupNorm, Magnitude
from harness_plugins.schedules.one_shot import OneShot
from tests import doubles

# How long an example takes is the machine's affair.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long tests first, so that none is left when the others are done; otherwise in random order."""
    items.sort(key=_seconds, reverse=True)


def _seconds(item: pytest.Item) -> float:
    mark = item.get_closest_marker("long")
    return mark.args[0] if mark else 0.0


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Of these tests alone; what is measured once on a machine is measured once for them.

    With a folder of locks of its own, no process of tests waits until another has timed something. The
    name of that of temporary files is short, since sockets lie there.
    """
    folder = tempfile.mkdtemp(prefix="harness-")
    # After multiprocessing has removed what it keeps there, at this process's own end.
    Finalize(None, shutil.rmtree, args=(folder,), kwargs={"ignore_errors": True}, exitpriority=-200)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HARNESS_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("HARNESS_LOCKS", str(Path(folder) / "locks"))
        patch.setenv("TMPDIR", folder)
        patch.setattr(tempfile, "tempdir", folder)
        yield


@pytest.fixture(scope="session", autouse=True)
def _workers_begin_alike(_own_cache: None) -> None:
    """With all that a run on digits imports, whichever test is the first to start one.

    Where many tests run, as in several processes, some will.
    """
    if "PYTEST_XDIST_WORKER" in os.environ:
        start_server(preloads_of(Digits()))


@pytest.fixture(autouse=True)
def _no_traces_of_other_tests() -> None:
    """What trains sets the number of threads, and whoever draws moves the generator."""
    torch.set_num_threads(1)
    torch.manual_seed(0)


@pytest.fixture
def network() -> nn.Module:
    return residual_network()


@pytest.fixture
def recipe() -> Recipe:
    return SMALL_RECIPE


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(tmp_path / "artifacts")


SMALL_RECIPE = Recipe(dense_epochs=1.0, finetune_epochs=0.5)


def small_dense() -> Dense:
    return Dense(
        model=doubles.SmallModel(), dataset=Digits(), data_hash="abc", seed=0, recipe=SMALL_RECIPE
    )


@pytest.fixture
def dense() -> Dense:
    return small_dense()


@pytest.fixture(scope="session")
def trained_once(tmp_path_factory: pytest.TempPathFactory) -> ArtifactStore:
    """Holds the small dense model, trained; for `trained` alone to read."""
    store = ArtifactStore(tmp_path_factory.mktemp("trained"))
    train_dense(small_dense(), store)
    return store


@pytest.fixture
def trained(store: ArtifactStore, trained_once: ArtifactStore, dense: Dense) -> ArtifactStore:
    """The test's own store, with a copy of the trained dense model in it."""
    assert store.take(trained_once, dense.key)
    return store


@pytest.fixture
def trial(dense: Dense) -> Trial:
    return Trial(
        dense=dense,
        pruner=Magnitude("magnitude_l2", 2),
        granularity="weight",
        scope="global",
        schedule=OneShot(),
        levels=(0.5, 0.9),
    )


@pytest.fixture
def channel_trial(trial: Trial) -> Trial:
    """The same where whole channels leave."""
    return replace(trial, pruner=GroupNorm("group_norm_l2", 2), granularity="channel", scope="local")


@pytest.fixture
def resnet18() -> nn.Module:
    torch.manual_seed(0)
    model = TimmModel("resnet18").build(Digits())
    for module in model.modules():
        # timm starts the last norm of each block at zero, which would hide its branch.
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
    return model.eval()


@pytest.fixture
def own_imports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Forget after the test what it imported from its folder, which must not answer in another."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


@pytest.fixture
def command(tmp_path: Path, own_imports: None):
    """Run `harness ARGUMENTS` in an empty folder, in this process."""
    return partial(doubles.typed, tmp_path)


@pytest.fixture
def process(tmp_path: Path):
    """Run `harness ARGUMENTS` in an empty folder as a user would, in a process of its own."""
    return partial(doubles.started, tmp_path)


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Pretend-install a distribution of one plugin module, for this process and those it starts."""

    def install(name: str, source: str = "", **settings: object) -> None:
        site = tmp_path / "site"
        doubles.install(site, name, source=source, **settings)
        monkeypatch.syspath_prepend(str(site))
        monkeypatch.delitem(sys.modules, name.replace("-", "_"), raising=False)

    return install


@pytest.fixture
def image_folder(tmp_path: Path) -> Path:
    """Real digits as PNG files: three classes, twelve images each to train on and six to test."""
    from torchvision.transforms.functional import to_pil_image

    taken: dict[tuple[str, int], int] = {}
    for part, most in (("train", 12), ("test", 6)):
        for image, label in Digits().split(part):
            count = taken.get((part, int(label)), 0)
            if int(label) < 3 and count < most:
                folder = tmp_path / "images" / part / f"digit{int(label)}"
                folder.mkdir(parents=True, exist_ok=True)
                scaled = (image - image.min()) / (image.max() - image.min())
                to_pil_image(scaled).save(folder / f"{count}.png")
                taken[part, int(label)] = count + 1
    return tmp_path / "images"


@pytest.fixture
def photographs_of(tmp_path: Path) -> Callable[..., Folder]:
    """Write folders of made-up photographs: two classes in two parts, `grain` pixels across."""

    def write(size: tuple[int, int], *, count: int, grain: tuple[int, int]) -> Folder:
        rng = np.random.default_rng(0)
        for part, label in product(("train", "test"), ("cat", "dog")):
            folder = tmp_path / "photographs" / part / label
            folder.mkdir(parents=True)
            for at in range(count):
                pixels = rng.integers(0, 256, (*grain[::-1], 3), dtype=np.uint8)
                Image.fromarray(pixels).resize(size).save(folder / f"{at}.png")
        return Folder().configured(str(tmp_path / "photographs"))

    return write


@pytest.fixture
def rows() -> list[dict]:
    """Dense, two methods that save time at two levels, one that does not, one skipped cell."""
    return doubles.made_rows()
