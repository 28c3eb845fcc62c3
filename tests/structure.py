"""Counts of how the source is built: `python tests/structure.py [CHECKOUT]`.

What is counted here is held by tests/test_structure.py; of another checkout it is only printed.
"""

import ast
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from tabulate import tabulate

ROOT = Path(__file__).parents[1]
ORDER = [
    "errors", "contracts", "storage", "machine", "discovery", "ranking", "presentation", "publishing",
    "networks", "pruning", "training", "conversion", "engines", "trials", "planning", "measuring",
    "runs", "comparisons", "exchange", "options", "console", "authoring", "commands",
]  # fmt: skip
"""Each package imports only itself and those to its left, for types and inside functions too."""

MEANINGS: Mapping[str, tuple[str, str]] = {
    "place": (
        "how far through dense training",
        r"contracts\.schedules|training\.learning_rate|trials\.(trained_models|rounds)",
    ),
    "part": (
        "the train or the test split",
        r"contracts\.data|training\.(sampling|synthetic|images\.dataset_check)|testing.*",
    ),
    "target": (
        "what a level is a fraction of",
        r"contracts\.schedules|(trials|planning|options|console|commands)\..*|storage\.row|measuring\.row_builder|runs\.(request|coverage|level_cuts|level_check|training_.*)|testing.*",
    ),
    "session": (
        "what is timed in the same processes",
        r"(measuring|runs|comparisons)\..*|commands\.(compare|doctor)|presentation\.timing_samples|publishing\.backend_page|exchange\.sample_checks",
    ),
    "member": ("a parameter's slices that leave with a channel group", r"(networks|pruning)\..*"),
    "resource": ("what a host of Ray declares", r"engines\.ray_.*|machine\.memory"),
    "turn": ("nothing: a round, an attempt, a sweep", "-"),
    "work": ("nothing: an activity, a cost, a job", "-"),
    "measured": ("nothing: results of a timing session, ranked rows", "-"),
    "found": ("nothing: what was found has a name", "-"),
}
"""The one meaning of words that once had several, and the modules that speak of it."""
BORROWED: Mapping[str, set[str]] = {
    # Of ONNX Runtime's options, and of Python's enumerations.
    "add_session_config_entry": {"harness.conversion.onnx"},
    "InferenceSession": {"harness.conversion.onnx"},
    "SessionOptions": {"harness.conversion.onnx"},
    "__members__": {"harness.conversion.onnx"},
    # Of Python's packages and paths.
    "resources": {"harness.publishing._assets"},
    "resource": {"harness.machine.linux_process"},
    "parts": {"harness.publishing._changes"},
    # Of Torch-Pruning's dependencies, and of what a process or a thread runs.
    "target": {
        "harness.networks._dependency", "harness.networks._torch_pruning_graph",
        "harness.networks._traced_model",
        "harness.engines.local", "harness.engines._job_process", "harness.engines._worker_process",
    },
}  # fmt: skip
"""Names of libraries, which say what they like, by the modules that use them."""


def modules_of(root: Path) -> dict[str, Path]:
    """Paths of the core's modules by dotted name, packages under their own."""
    return {
        ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__"): path
        for path in (root / "harness").rglob("*.py")
    }


@cache
def tree_of(path: Path) -> ast.Module:
    """A file's syntax."""
    return ast.parse(path.read_text(encoding="utf-8"))


def imported(path: Path, *, types: bool = True) -> set[str]:
    """Dotted names of all that a file imports, modules and what is taken from them."""
    names = set()
    for node in nodes(tree_of(path), types=types):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def nodes(tree: ast.AST, *, types: bool) -> Iterator[ast.AST]:
    """All nodes, those that only a type checker sees among them or not."""
    for node in ast.iter_child_nodes(tree):
        only_types = isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        if types or not only_types:
            yield node
            yield from nodes(node, types=types)


@cache
def imports_by_module(root: Path = ROOT) -> dict[str, set[str]]:
    """The core's modules that each of them imports, for types and inside functions too."""
    paths = modules_of(root)
    packages = {name for name, path in paths.items() if path.name == "__init__.py"}
    return {
        name: {other for other in imported(path) if other in paths and other not in {*packages, name}}
        for name, path in paths.items()
    }


def package_of(module: str) -> str:
    """The first name below the distribution's."""
    return module.split(".")[1] if "." in module else module


def longest_chain(graph: Mapping[str, set[str]]) -> list[str]:
    """The longest way along the arrows of a graph without circles."""

    @cache
    def chain(node: str) -> tuple[str, ...]:
        return (node, *max((chain(other) for other in graph.get(node, ())), key=len, default=()))

    return [*max(map(chain, graph), key=len)]


def package_graph(root: Path = ROOT) -> dict[str, set[str]]:
    """Which packages import which; the facade and what stands beside it left out."""
    graph: dict[str, set[str]] = defaultdict(set)
    for module, others in imports_by_module(root).items():
        for other in others:
            pair = package_of(module), package_of(other)
            if pair[0] != pair[1] and (root / "harness" / pair[0]).is_dir():
                graph[pair[0]].add(pair[1])
    return dict(graph)


def folder_sizes(root: Path = ROOT) -> Counter[str]:
    """How many modules stand side by side in each folder of the core, `__init__` aside."""
    paths = [path for path in modules_of(root).values() if path.name != "__init__.py"]
    return Counter(path.parent.relative_to(root).as_posix() for path in paths)


@cache
def untested_modules(root: Path = ROOT) -> list[str]:
    """Modules that no test imports while it runs."""
    tested = {name for path in (root / "tests").rglob("*.py") for name in imported(path, types=False)}
    facade = {"harness", "harness.__main__"}
    paths = modules_of(root)
    return sorted(
        name
        for name, path in paths.items()
        if path.name != "__init__.py" and name not in tested | facade
    )


@cache
def doubled_words(root: Path = ROOT) -> dict[str, list[str]]:
    """Words that stand for something else than their one meaning, and the modules where they do."""
    doubles: dict[str, list[str]] = defaultdict(list)
    for module, path in modules_of(root).items():
        borrowed = {name for name in BORROWED if module in BORROWED[name]}
        names = set(identifiers(tree_of(path))) - borrowed
        words = {word for name in names for word in words_of(name)}
        for word, (_, speakers) in MEANINGS.items():
            inside = re.fullmatch(speakers, module.removeprefix("harness.").replace("._", "."))
            if not inside and words & {word, f"{word}s"}:
                doubles[word].append(module)
    return dict(doubles)


def identifiers(tree: ast.AST) -> Iterator[str]:
    """Names of functions, classes, parameters, variables and attributes that a file defines or uses."""
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name):
                yield name
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name) | ast.keyword(arg=str(name)):
                yield name


def words_of(name: str) -> list[str]:
    """Of a name in any case: `TimingSession`, `timing_session` and `TIMING_SESSION` have the same."""
    return [word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)]


def stops(page: Path, heading: str) -> list[str]:
    """The dotted names that a numbered list below a heading of the map begins its lines with."""
    text = page.read_text(encoding="utf-8") if page.is_file() else ""
    section = re.search(rf"^## {heading}.*?\n(.*?)(?=^## |\Z)", text, re.DOTALL | re.MULTILINE)
    return re.findall(r"^\d+\. `([\w.]+)`", section[1], re.MULTILINE) if section else []


def counts(root: Path) -> dict[str, object]:
    """Every figure by what it says."""
    chain, packages = longest_chain(imports_by_module(root)), package_graph(root)
    folder, most = folder_sizes(root).most_common(1)[0]
    page = root / "docs" / "architecture.md"
    return {
        "modules": len(modules_of(root)),
        "most modules in a folder": f"{most} ({folder})",
        "import depth of modules": len(chain),
        "the deepest": " > ".join(name.removeprefix("harness.") for name in chain),
        "import depth of packages": len(longest_chain(packages)) if packages else 0,
        "arrows between packages": sum(map(len, packages.values())),
        "arrows between modules": sum(map(len, imports_by_module(root).values())),
        "words with two meanings": len(doubled_words(root)),
        "modules that no test imports": len(untested_modules(root)),
        "stops of a score": len(stops(page, "The way of a score")),
        "stops of --threads": len(stops(page, "The way of --threads")),
    }


if __name__ == "__main__":
    checkout = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT
    print(tabulate(counts(checkout.resolve()).items(), headers=["count", "value"]))
