"""Content keys: the same settings give the same key, whatever the order they were typed in.

A setting that has its default value is left out of the hash, so that a setting added later never
renames an old result.
"""

from __future__ import annotations

import ast
import hashlib
import inspect
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

RECIPE_SCHEMA = 2
"""Version of the recipe: raised when training, pruning or evaluation changes numbers."""

DENSE_SETTINGS = (
    "model", "model_hash", "dataset", "dataset_hash", "data_hash", "seed", "recipe", "dense_epochs",
    "train_batch", "optimizer", "dense_lr", "weight_decay", "augmented", "weights",
    "arithmetic", "norms",
)  # fmt: skip
TRIAL_SETTINGS = (
    *DENSE_SETTINGS, "pruner", "pruner_hash", "granularity", "scope", "schedule", "schedule_hash",
    "finetune_epochs", "finetune_lr", "target", "clock", "penalty_epochs",
    "layer_floor", "rival", "keep", "only",
)  # fmt: skip
MEASUREMENT_SETTINGS = (
    "trial", "sparsity", "backend", "batch", "threads", "device", "runtime", "target",
    "keep", "only",
)  # fmt: skip

INSTALLED = ("site-packages", "dist-packages")
"""Folders whose modules are other distributions' and have versions."""
DEFAULTS: Mapping[str, Any] = {
    "recipe": 1,
    "dense_epochs": 12.0,
    "finetune_epochs": 2.0,
    "train_batch": 64,
    "optimizer": "sgd",
    "dense_lr": 0.1,
    "finetune_lr": 0.02,
    "weight_decay": 5e-4,
    "augmented": True,
    "arithmetic": "",
    "norms": "as-trained",
    "weights": "",
    "target": "params",
    "clock": "",
    "penalty_epochs": 0.0,
    "layer_floor": 0.0,
    "rival": "",
    "keep": "",
    "only": "",
}
"""Defaults that a key leaves out: for a setting that came later, what was done before it was there.

Frozen: one that changes later is hashed as any other value."""


def digest(value: object) -> str:
    """SHA-256 of the value's canonical JSON, its first twelve hex digits."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def settings_digest(settings: Mapping[str, Any], names: tuple[str, ...]) -> str:
    """Digest of the settings called `names` that differ from their default."""
    values = {
        name: settings[name] if name not in DEFAULTS else settings.get(name, DEFAULTS[name])
        for name in names
    }
    return digest(
        {
            name: value
            for name, value in values.items()
            if name not in DEFAULTS or value != DEFAULTS[name]
        }
    )


def dense_key(settings: Mapping[str, Any]) -> str:
    """Dense key: names a trained dense model."""
    words = (settings["model"], settings["dataset"], "dense", f"s{settings['seed']}")
    return f"{_slug(*words)}-{settings_digest(settings, DENSE_SETTINGS)}"


def trial_key(settings: Mapping[str, Any]) -> str:
    """Trial key: names a trial, from a plan's settings or from a row alike."""
    if settings["pruner"] == "dense":
        return dense_key(settings)
    words = (
        *(settings[n] for n in ("model", "dataset", "pruner", "granularity", "scope", "schedule")),
        f"s{settings['seed']}",
    )
    return f"{_slug(*words)}-{settings_digest(settings, TRIAL_SETTINGS)}"


def measurement_key(settings: Mapping[str, Any]) -> str:
    """Measurement key: names one row, from a plan's settings or from the row alike."""
    level = f"{settings['sparsity']:g}"
    words = _slug(settings["backend"], f"b{settings['batch']}", f"t{settings['threads']}")
    settings_hash = settings_digest(settings, MEASUREMENT_SETTINGS)
    return f"{settings['trial']}@{level}-{words}-{settings_hash}"


def file_name(key: str) -> str:
    """File name of a key, safe whatever plugin names the key is made of."""
    return _slug(key)


def source_hash(plugin: object) -> str:
    """Source hash: digest of the file that defines a plugin's class, so that editing it reruns it.

    Of a file that belongs to no package, with those beside it that it imports.
    """
    try:
        source = inspect.getsourcefile(type(plugin))
    except TypeError:
        source = None
    content = Path(source).read_bytes() if source else repr(type(plugin)).encode()
    for beside in sources_beside(Path(source)) if source else ():
        content += beside.read_bytes()
    return hashlib.sha256(content).hexdigest()[:12]


def sources_beside(source: Path) -> list[Path]:
    """Files beside a source that it imports, and those import, in an order of names alone.

    None for a module of a package or of an installed distribution.
    """
    folder = source.parent
    if (folder / "__init__.py").exists() or any(f"/{name}/" in source.as_posix() for name in INSTALLED):
        return []
    seen, pending = {source}, [source]
    while pending:
        for name in sorted(_imported(pending.pop())):
            path = folder / f"{name}.py"
            if path not in seen and path.is_file():
                seen.add(path)
                pending.append(path)
    return sorted(seen - {source})


def _imported(source: Path) -> set[str]:
    """Top-level names that a file imports; none where it is no Python."""
    try:
        nodes = [*ast.walk(ast.parse(source.read_bytes()))]
    except (SyntaxError, ValueError):
        return set()
    modules = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    modules += [n.module for n in nodes if isinstance(n, ast.ImportFrom) and n.module and not n.level]
    return {module.partition(".")[0] for module in modules}


def stable_seed(*values: object) -> int:
    """Seed below 2^31 that depends on `values` alone."""
    return int(digest([str(value) for value in values]), 16) % 2**31


def _slug(*words: str) -> str:
    joined = "-".join(words)
    safe = re.sub(r"[^A-Za-z0-9.@_-]+", "_", joined).strip(".")
    return safe if len(safe) <= 160 else f"{safe[:140]}-{digest(joined)}"


def level_key(trial_key: str, sparsity: float) -> str:
    """Level key: names the record of a trial's sparsity level."""
    return f"{trial_key}@{sparsity!r}"
