"""Packages import in one order only, and the plugins live outside the house."""

import ast
import re
from graphlib import TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).parents[1]
HARNESS = ROOT / "harness"
PLUGINS = ROOT / "plugins" / "harness_plugins"

ORDER = [
    "errors", "contracts", "storage", "machine", "discovery", "ranking", "pruning", "training",
    "conversion", "engines", "trials", "measuring", "runs", "commands",
]  # fmt: skip
"""Each package imports only itself and those to its left, for types and inside functions too."""
FACADE = {"harness", "harness.__main__", "harness.testing"}
"""What stands above all packages."""
ADAPTERS = {"torch_pruning": "harness.pruning.torch_pruning_graph", "ray": "harness.engines.ray_client"}
"""Libraries that one module alone imports."""


def test_every_package_has_its_place_in_the_order():
    inside = {path.name for path in HARNESS.iterdir() if (path / "__init__.py").exists()}
    assert inside | {"errors"} == set(ORDER)


def test_packages_import_those_before_them_only():
    place = {name: number for number, name in enumerate(ORDER)}
    upward = [
        f"{module} imports {other}"
        for module, others in imports_by_module().items()
        for other in others
        if module not in FACADE and place[package_of(other)] > place[package_of(module)]
    ]
    assert upward == []


def test_nothing_below_the_facade_imports_it():
    below = {
        f"{module} imports {other}"
        for module, others in imports_by_module().items()
        for other in others & FACADE
        if module not in FACADE
    }
    assert below == set()


def test_no_two_modules_import_each_other():
    modules = imports_by_module()
    # A cycle raises here.
    assert set(TopologicalSorter(modules).static_order()) == set(modules)


def test_private_modules_are_imported_inside_their_package_only():
    outside = [
        f"{module} imports {other}"
        for module, others in imports_by_module().items()
        for other in others
        if other.rpartition(".")[2].startswith("_") and package_of(other) != package_of(module)
    ]
    assert outside == []


def test_strings_name_modules_that_exist():
    known = set(modules_on_disk()) | {"harness_plugins"}
    for file in [*ROOT.glob("harness/**/*.py"), *PLUGINS.rglob("*.py"), *ROOT.glob("tests/**/*.py")]:
        for text in strings_of(file):
            for name in re.findall(r"\bharness(?:\.[a-z_]+)+", text):
                first = name.split(".")[1]
                if first in ORDER or first == "testing":
                    assert is_known(name, known), f"{file.name}: {name}"


def test_packages_hold_no_code_of_their_own():
    for init in HARNESS.glob("*/__init__.py"):
        [docstring] = ast.parse(init.read_text(encoding="utf-8")).body
        assert isinstance(docstring, ast.Expr), init


def test_one_module_alone_imports_a_library_that_is_adapted():
    for library, adapter in ADAPTERS.items():
        importing = [
            module
            for module, path in modules_on_disk().items()
            if any(name.split(".")[0] == library for name in imported(path))
        ]
        assert importing == [adapter]


def test_plugins_import_only_the_facade():
    inside = {
        f"{path.name}: {name}"
        for path in PLUGINS.rglob("*.py")
        for name in imported(path)
        if name.startswith(("harness.", "harness_plugins")) and not is_facade_name(name)
    }
    assert inside == set()


def test_the_core_never_imports_the_plugins():
    assert not [p for p in HARNESS.rglob("*.py") if any("harness_plugins" in n for n in imported(p))]


def is_facade_name(name: str) -> bool:
    facade = ast.parse((HARNESS / "__init__.pyi").read_text(encoding="utf-8"))
    listed = next(n.value for n in ast.walk(facade) if isinstance(n, ast.Assign))
    return name.removeprefix("harness.") in ast.literal_eval(listed)


def is_known(name: str, known: set[str]) -> bool:
    """A module, or an attribute of one that its source at least mentions."""
    module, _, attribute = name.rpartition(".")
    if name in known:
        return True
    path = modules_on_disk().get(module)
    return path is not None and re.search(rf"\b{attribute}\b", path.read_text()) is not None


def package_of(module: str) -> str:
    return module.split(".")[1]


def modules_on_disk() -> dict[str, Path]:
    """Paths by dotted name."""
    return {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
        for path in HARNESS.rglob("*.py")
    }


def imports_by_module() -> dict[str, set[str]]:
    paths = modules_on_disk()
    return {
        name: {other for other in imported(path) if other in paths and other != "harness"}
        for name, path in paths.items()
    }


def imported(path: Path) -> set[str]:
    """Dotted names of all that a file imports, modules and what is taken from them."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def strings_of(path: Path) -> list[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str)]
