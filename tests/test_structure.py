"""Packages import in one order only, words mean one thing, and the plugins live outside the house."""

import ast
import re
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from tests import structure

ROOT = structure.ROOT
ORDER = structure.ORDER
HARNESS = ROOT / "harness"
PLUGINS = ROOT / "plugins" / "harness_plugins"

FACADE = {"harness", "harness.__main__", "harness.testing"}
"""What stands above all packages."""
OPEN = {"harness.discovery.hookspecs"}
"""What authors of plugins read, though its package alone imports it."""
ADAPTERS = {
    "torch_pruning": "harness.networks._torch_pruning_graph",
    "ray": "harness.engines._ray_client",
}
"""Libraries that one module alone imports."""


def test_every_package_has_its_place_in_the_order():
    inside = {path.name for path in HARNESS.iterdir() if (path / "__init__.py").exists()}
    assert inside - {"testing"} | {"errors"} == set(ORDER)


def test_packages_import_those_before_them_only():
    rank = {name: number for number, name in enumerate(ORDER)}
    upward = [
        f"{module} imports {other}"
        for module, others in structure.imports_by_module().items()
        for other in others
        if not is_facade(module) and rank[package_of(other)] > rank[package_of(module)]
    ]
    assert upward == []


def test_nothing_below_the_facade_imports_it():
    below = {
        f"{module} imports {other}"
        for module, others in structure.imports_by_module().items()
        for other in others
        if is_facade(other) and not is_facade(module)
    }
    assert below == set()


def test_no_two_modules_import_each_other():
    modules = structure.imports_by_module()
    # A cycle raises here.
    assert set(TopologicalSorter(modules).static_order()) == set(modules)


def test_private_modules_are_imported_inside_their_package_only():
    outside = [
        f"{module} imports {other}"
        for module, others in structure.imports_by_module().items()
        for other in others
        if other.rpartition(".")[2].startswith("_") and package_of(other) != package_of(module)
    ]
    assert outside == []


def test_what_only_its_package_imports_is_private():
    importers: dict[str, set[str]] = {}
    for module, others in structure.imports_by_module().items():
        for other in others:
            importers.setdefault(other, set()).add(package_of(module))
    unmarked = [
        module
        for module, packages in importers.items()
        if packages == {package_of(module)}
        and package_of(module) in ORDER[1:-1]
        and not module.rpartition(".")[2].startswith("_")
        and module not in OPEN
    ]
    assert unmarked == []


def test_strings_name_modules_that_exist():
    for file in python_files():
        for text in strings_of(file):
            for name in dotted_names(text):
                assert is_known(name), f"{file.name}: {name}"


def test_packages_hold_no_code_of_their_own():
    for init in HARNESS.glob("*/__init__.py"):
        if init.parent.name in ORDER:
            [docstring] = ast.parse(init.read_text(encoding="utf-8")).body
            assert isinstance(docstring, ast.Expr), init


def test_one_module_alone_imports_a_library_that_is_adapted():
    for library, adapter in ADAPTERS.items():
        importing = [
            module
            for module, path in structure.modules_of(ROOT).items()
            if any(name.split(".")[0] == library for name in structure.imported(path))
        ]
        assert importing == [adapter]


def test_plugins_import_only_the_facade():
    inside = {
        f"{path.name}: {name}"
        for path in PLUGINS.rglob("*.py")
        for name in structure.imported(path)
        if name.startswith(("harness.", "harness_plugins")) and not is_facade_name(name)
    }
    assert inside == set()


def test_the_core_never_imports_the_plugins():
    for module, path in structure.modules_of(ROOT).items():
        assert not any("harness_plugins" in name for name in structure.imported(path)), module


def test_folders_and_chains_of_imports_stay_short():
    assert max(structure.folder_sizes().values()) <= 16
    assert len(structure.longest_chain(structure.imports_by_module())) <= 13
    assert len(structure.longest_chain(structure.package_graph())) <= 13


@pytest.mark.parametrize("word", structure.MEANINGS)
def test_a_word_means_one_thing(word):
    meaning, _ = structure.MEANINGS[word]
    assert structure.doubled_words().get(word, []) == [], f"{word} is {meaning}"


def test_every_module_is_imported_by_a_test():
    assert structure.untested_modules() == []


def is_facade(module: str) -> bool:
    return module in FACADE or module.startswith("harness.testing.")


def is_facade_name(name: str) -> bool:
    stub = ast.parse((HARNESS / "__init__.pyi").read_text(encoding="utf-8"))
    listed = next(n.value for n in ast.walk(stub) if isinstance(n, ast.Assign))
    return name.removeprefix("harness.") in ast.literal_eval(listed)


def is_known(name: str) -> bool:
    """A module, or an attribute of one that its source at least mentions."""
    paths = structure.modules_of(ROOT)
    module, _, attribute = name.rpartition(".")
    if name in paths:
        return True
    return module in paths and re.search(rf"\b{attribute}\b", paths[module].read_text()) is not None


def package_of(module: str) -> str:
    return structure.package_of(module)


def python_files() -> list[Path]:
    return [*HARNESS.rglob("*.py"), *PLUGINS.rglob("*.py"), *(ROOT / "tests").rglob("*.py")]


def dotted_names(text: str) -> list[str]:
    """Names of modules of the core that a text holds, with attributes of theirs."""
    names = re.findall(r"\bharness(?:\.\w+)+", text)
    return [name for name in names if name.split(".")[1] in {*ORDER, "testing"}]


def strings_of(path: Path) -> list[str]:
    constants = [n for n in ast.walk(structure.tree_of(path)) if isinstance(n, ast.Constant)]
    return [constant.value for constant in constants if isinstance(constant.value, str)]
