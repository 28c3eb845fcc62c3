"""pyproject.toml, the installed metadata and the modules on disk name the same plugins."""

import tomllib
from importlib.metadata import distribution
from pathlib import Path

ROOT = Path(__file__).parent.parent
DECLARED = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]["harness"]


def test_every_module_on_disk_is_declared_once():
    package = ROOT / "plugins"
    on_disk = {
        path.relative_to(package).with_suffix("").as_posix().replace("/", ".")
        for path in (package / "harness_plugins").glob("*/*.py")
        if path.name != "__init__.py"
    }
    assert sorted(DECLARED.values()) == sorted(on_disk)


def test_what_is_installed_is_what_is_declared():
    installed = {
        entry.name: entry.value
        for entry in distribution("pruning-harness").entry_points
        if entry.group == "harness"
    }
    assert installed == DECLARED, "stale metadata: pip install -e '.[dev]' again"


def test_an_entry_point_is_named_after_its_kind():
    kinds = {"pruners", "schedules", "models", "datasets", "backends", "meters", "reporters"}
    for name, module in DECLARED.items():
        kind = module.split(".")[1]
        assert kind in kinds
        assert name.startswith(kind.removesuffix("s") + "_")
