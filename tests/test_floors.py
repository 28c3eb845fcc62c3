"""Imports go down the floors only, and the plugins live outside the house."""

import ast
from graphlib import TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).parent.parent
FLOORS = [
    # Words that everything is said in.
    {
        "contracts", "contracts.backends", "contracts.criteria", "contracts.meters",
        "contracts.plugins", "contracts.schedules", "demand", "deployment", "device", "engine",
        "environment", "errors", "execution", "granularity", "keys", "part", "recipe",
        "requirements", "row", "selection", "target", "timesheet",
    },
    # One job each, knowing nothing of grids.
    {
        "accelerator", "activations", "arithmetic", "artifacts", "augmentation", "backend_file",
        "channels", "conditions", "converters", "converters.onnx", "converters.tflite", "costs",
        "dependency", "energy", "estimates", "evidence", "hookspecs", "inputs", "lane", "layers",
        "ledger", "masks", "outputs", "peak", "penalty", "pixels", "readers", "regrowth", "slowed",
        "snapshot", "soundness", "specimen", "stopwatch", "surgery", "tensor_cache", "torch_prune",
        "training", "units", "weights",
    },
    # Trials, timings and rankings.
    {
        "accuracies", "assembly", "catalogue", "choice", "columns", "contests", "discovery",
        "engines", "engines.cluster", "engines.host", "engines.local", "engines.remote",
        "engines.worker", "export", "figures", "findings", "fitting", "footprint", "grid",
        "inspection", "jobs", "level", "measurement", "pairing", "plan", "probe", "ranking",
        "removal", "report", "resampling", "resources", "rewinding", "rounds", "run_folder",
        "scoring", "sessions", "state", "subject", "survivors", "training_step", "trial",
        "verdicts", "work",
    },
    # Whole runs.
    {
        "comparison", "coverage", "delivery", "experiments", "inspector", "prober", "progress",
        "remeasurement", "repetition", "request", "row_writer", "runner", "sizing", "testing",
        "timer", "trainer", "workers",
    },
    # What a person types and sees.
    {
        "__main__", "cli", "compare", "cover", "deliver", "doctor", "engine_options", "options",
        "order", "run", "slurm", "terminal",
    },
]  # fmt: skip
HARNESS = ROOT / "harness"
PLUGINS = ROOT / "plugins" / "harness_plugins"


def test_every_module_has_a_floor():
    assert set(imports_by_module()) == set().union(*FLOORS)


def test_imports_go_down_the_floors_only():
    floor = {name: number for number, names in enumerate(FLOORS) for name in names}
    upward = [
        f"{module} imports {other}"
        for module, others in imports_by_module().items()
        for other in others
        if floor[other] > floor[module]
    ]
    assert upward == []


def test_no_two_modules_import_each_other():
    modules = imports_by_module()
    # A cycle raises here.
    assert set(TopologicalSorter(modules).static_order()) == set(modules)


def test_plugins_import_only_the_facade():
    inside = {
        f"{path.name}: {name}"
        for path in PLUGINS.rglob("*.py")
        for name in imported(path)
        if name.startswith(("harness.", "harness_plugins"))
    }
    assert inside == set()


def test_the_core_never_imports_the_plugins():
    assert not [p for p in HARNESS.rglob("*.py") if any("harness_plugins" in n for n in imported(p))]


def imports_by_module() -> dict[str, set[str]]:
    paths = {
        path.relative_to(HARNESS)
        .with_suffix("")
        .as_posix()
        .replace("/", ".")
        .removesuffix(".__init__"): path
        for path in HARNESS.rglob("*.py")
        if path != HARNESS / "__init__.py"
    }
    own = {name: {n.removeprefix("harness.") for n in imported(path)} for name, path in paths.items()}
    return {name: {other for other in found if other in paths} for name, found in own.items()}


def imported(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return (
        found
        - {"harness"}
        - {name for name in found if name.startswith("harness.") and name[8].isupper()}
    )
