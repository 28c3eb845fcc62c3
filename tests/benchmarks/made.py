"""A made million: rows as a table, as a sweep over models, backends, batch sizes and seeds has them."""

from dataclasses import asdict
from itertools import product

import numpy as np
import pandas as pd

from harness.storage.bits import encode_bits
from harness.storage.row import Row

MODELS, BACKENDS, BATCHES, METHODS, LEVELS, SEEDS = 5, 4, 5, 50, 8, 25
IMAGES = 360


def million_rows() -> pd.DataFrame:
    """100 sets of conditions, 50 methods, 8 levels and 25 seeds; accuracy as the ledger has it.

    Right answers depend on the model, method, level and seed only: PyTorch tests them, once.
    """
    rng = np.random.default_rng(0)
    axes = (MODELS, BACKENDS, BATCHES, METHODS, LEVELS, SEEDS)
    model, backend, batch, method, level, seed = (axis.ravel() for axis in np.indices(axes))
    dense, right = (
        _blobs(rng, (MODELS, SEEDS), 0.0),
        _blobs(rng, (MODELS, METHODS, LEVELS, SEEDS), 0.05),
    )
    top1 = 0.99 - 0.05 * (level + rng.random(len(level)))
    saved = 0.8 * (level + rng.random(len(level)))
    columns = {
        "key": [f"trial {number}" for number in range(len(level))],
        "model": np.char.add("model", model.astype(str)),
        "backend": np.char.add("backend", backend.astype(str)),
        "batch": 2**batch,
        "pruner": np.char.add("pruner", method.astype(str)),
        "sparsity": (level + 1) / 10,
        "seed": seed,
        "top1": top1,
        "retained": top1 / 0.99,
        "ms_saved": saved,
        "ms_saved_low": saved - 0.3,
        "ms_saved_high": saved + 0.3,
        "latency_ms": 10.0 - saved,
        "saves_time": saved > 0.3,
        "correct": right[model, method, level, seed],
        "dense_correct": dense[model, seed],
    }
    constant = {
        "granularity": "channel", "scope": "local", "schedule": "one_shot", "images": IMAGES,
        "dense_latency_ms": 10.0, "dataset": "digits", "steady": True,
    }  # fmt: skip
    return pd.DataFrame(asdict(Row()) | constant | columns)


def _blobs(rng: np.random.Generator, shape: tuple[int, ...], step: float) -> np.ndarray:
    found = np.empty(shape, dtype=object)
    for place in product(*map(range, shape)):
        wrong = 0.01 + step * (place[2] if len(place) > 2 else 0)
        found[place] = encode_bits(rng.random(IMAGES) >= wrong)
    return found
