"""The conformance kit: what a plugin author runs in their own tests, and what the built-ins must pass.

Each `check_` function raises AssertionError with one sentence on what the contract asks for.
"""

from __future__ import annotations

import copy
import pickle
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeVar, cast

import torch
from torch import nn

from harness.contracts.backends import LimitsBatch, LoadsFile, RunsModel, Simulates
from harness.contracts.converters import SharesGraph
from harness.contracts.data import Augments
from harness.contracts.evidence import GRANULARITIES
from harness.contracts.pruners import PrunesOnly
from harness.conversion.device_tensors import from_host
from harness.conversion.equivalence import deviation, tolerance
from harness.conversion.export import convert, load_on_backend
from harness.pruning.evidence import RecordedEvidence
from harness.pruning.layers import prunable_weights
from harness.pruning.scoring import check_finite
from harness.pruning.surgery import coupled_layers
from harness.storage.keys import file_name
from harness.training.sampling import drawn_images
from harness.training.synthetic import NoiseImages, residual_network

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

    from harness.contracts.backends import Backend, Run
    from harness.contracts.data import Dataset, Model, Part
    from harness.contracts.evidence import Granularity
    from harness.contracts.pruners import Pruner, Scores
    from harness.contracts.reporters import Reporter
    from harness.contracts.schedules import Schedule

PARTS: tuple[Part, ...] = ("train", "test")
TARGETS = (0.1, 0.5, 0.9, 0.99)

Plugin = TypeVar("Plugin")


def check_pruner(pruner: Pruner) -> None:
    """Scores are finite, shaped as the contract says, repeatable, and complete enough to prune by."""
    pruner = _travelled(pruner)
    defined = pruner.granularities if isinstance(pruner, PrunesOnly) else GRANULARITIES
    _require(set(defined) <= set(GRANULARITIES), f"granularities are of {GRANULARITIES}")
    for granularity in defined:
        first, second = _score(pruner, granularity), _score(pruner, granularity)
        check_finite(first)
        floats = all(score.is_floating_point() for score in first.values())
        _require(floats, f"{pruner.name} at {granularity}: scores are floats")
        _check_shapes(pruner, granularity, first)
        same = all(torch.equal(first[name], second[name]) for name in first)
        _require(same, f"{pruner.name} at {granularity}: the same evidence must give the same scores")


def _check_shapes(pruner: Pruner, granularity: Granularity, scores: Scores) -> None:
    shapes = {name: w.shape for name, w in prunable_weights(residual_network()).items()}
    channel = granularity == "channel"
    # A layer whose channels have no score keeps them all, and the head's are never removed.
    enough = not channel or {*shapes} & {*scores} - {[*shapes][-1]}
    _require(bool(enough), f"{pruner.name} at {granularity}: scores no layer of {[*shapes]}")
    for name, shape in shapes.items():
        allowed = {shape, *([shape[:1]] if channel else [])}
        found = scores[name].shape if name in scores else None
        _require(
            found in allowed or (channel and found is None),
            f"{pruner.name} at {granularity}: {name!r} needs one of {allowed}, not {found}",
        )


def _score(pruner: Pruner, granularity: Granularity) -> Scores:
    model = residual_network()
    images, labels = NoiseImages().tensors
    before = copy.deepcopy(model.state_dict())
    coupled = coupled_layers(model, images[:2]) if granularity == "channel" else None
    evidence = RecordedEvidence(
        model,
        granularity=granularity,
        batches=[(images[:32], labels[:32]), (images[32:], labels[32:])],
        coupled=coupled,
        seed=0,
    )
    scores = pruner.score(evidence)
    after = model.state_dict()
    unchanged = all(torch.equal(value, after[name]) for name, value in before.items())
    _require(unchanged, f"{pruner.name} must leave the model as it is")
    return scores


def check_schedule(schedule: Schedule) -> None:
    """Rounds rise, end at the target and share out exactly the whole budget."""
    schedule = _travelled(schedule)
    for target in TARGETS:
        rounds = list(schedule.rounds(target))
        levels = [turn.sparsity for turn in rounds]
        what = f"{schedule.name} at {target}"
        _require(bool(rounds) and abs(levels[-1] - target) < 1e-9, f"{what}: the last is the target")
        _require(all(a < b for a, b in pairwise(levels)), f"{what}: rounds rise")
        _require(all(turn.share >= 0 for turn in rounds), f"{what}: no share is below 0")
        _require(abs(sum(t.share for t in rounds) - 1) < 1e-6, f"{what}: shares add up to 1")


def check_dataset(dataset: Dataset) -> None:
    """Both parts hold float images of `shape` with labels below `classes`, the same when read twice."""
    dataset = _travelled(dataset)
    for part in PARTS:
        pairs: Any = dataset.split(part)
        _require(len(pairs) > 0, f"{dataset.name}: {part} is empty")
        for place in (0, len(pairs) - 1):
            image, label = pairs[place]
            _require(tuple(image.shape) == tuple(dataset.shape), f"{dataset.name}: image shape")
            _require(image.dtype == torch.float32, f"{dataset.name}: images are float32")
            _require(0 <= int(label) < dataset.classes, f"{dataset.name}: label {label} of {part}")
            _require(torch.equal(image, pairs[place][0]), f"{dataset.name}: reads differ")
    _require(dataset.fingerprint() == dataset.fingerprint() != "", f"{dataset.name}: fingerprint")
    if isinstance(dataset, Augments):
        images = torch.stack([pairs[place][0] for place in range(min(4, len(pairs)))])
        changed = dataset.augment(images, torch.Generator().manual_seed(0))
        _require(changed.shape == images.shape, f"{dataset.name}: augmented shape")


def check_model(model: Model, dataset: Dataset) -> None:
    """One logit a class, and the same weights from the same seed."""
    model = _travelled(model)
    first, second = _seeded(model, dataset).eval(), _seeded(model, dataset)
    with torch.no_grad():
        outputs = first(torch.randn(2, *dataset.shape))
    _require(tuple(outputs.shape) == (2, dataset.classes), f"{model.name}: outputs {outputs.shape}")
    pairs = zip(first.parameters(), second.parameters(), strict=True)
    _require(all(torch.equal(a, b) for a, b in pairs), f"{model.name}: weights follow the seed")


def _seeded(model: Model, dataset: Dataset) -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return model.build(dataset)


def check_backend(backend: Backend) -> None:
    """Outputs are PyTorch's, or a reason says why it cannot run here."""
    backend = _travelled(backend)
    reason = backend.unavailable()
    if reason is not None:
        _require(bool(reason.strip()), f"{backend.name}: an unavailable backend says why")
        return
    _require({"device", "runtime"} <= set(backend.describe()), f"{backend.name}: device and runtime")
    runs = isinstance(backend, RunsModel), isinstance(backend, LoadsFile)
    _require(
        any(runs), f"{backend.name}: takes a model (`prepare`) or loads a file (`converter`, `load`)"
    )
    network = residual_network()
    most = backend.most_images if isinstance(backend, LimitsBatch) else 3
    with torch.no_grad():
        for batch in {1, min(most, 3)}:
            images = drawn_images(NoiseImages(), "test", batch, seed=0)
            run = from_host(load_on_backend(backend, network, images), backend)
            _check_outputs(backend, run, network, images)
        _check_graph(backend, network)
        _check_simulation(backend, network)


def _check_graph(backend: Backend, network: nn.Module) -> None:
    """One graph serves twins with other weights, and any batch size."""
    if not isinstance(backend, LoadsFile) or not isinstance(backend.converter, SharesGraph):
        return
    converter = backend.converter
    images = drawn_images(NoiseImages(), "test", 3, seed=0)
    graph = converter.export(network, images[:1])
    twin = copy.deepcopy(network)
    for parameter in twin.parameters():
        parameter.mul_(0.5)
    run = from_host(backend.load(converter.fill(graph, twin)), backend)
    for batch in (1, 3):
        _check_outputs(backend, run, twin, images[:batch])


def _check_simulation(backend: Backend, network: nn.Module) -> None:
    """A simulator loads a file, and says the same time of it twice."""
    if not isinstance(backend, Simulates):
        return
    if not isinstance(backend, LoadsFile):
        raise AssertionError(f"{backend.name}: a simulator loads a file (`converter`, `load`)")
    file = convert(backend.converter, network, drawn_images(NoiseImages(), "train", 1, seed=0))
    first, second = backend.simulate(file), backend.simulate(file)
    _require(first == second, f"{backend.name}: the same file takes the same time")
    _require(first.latency_ms > 0.0, f"{backend.name}: an inference takes time")


def _check_outputs(backend: Backend, run: Run, network: nn.Module, images: Tensor) -> None:
    off = deviation(run(images), network(images))
    what = f"outputs differ from PyTorch's by {off:.2g} of the largest at batch {len(images)}"
    _require(off <= tolerance(backend), f"{backend.name}: {what}")


def check_reporter(reporter: Reporter, rows: Sequence[Mapping[str, Any]]) -> None:
    """Bytes under plain file names, from many rows and from none."""
    reporter = _travelled(reporter)
    for given in (rows, []):
        for name, content in reporter.render(given).items():
            _require(name == file_name(name), f"{reporter.name}: {name!r} is no plain file name")
            _require(isinstance(content, bytes), f"{reporter.name}: {name} must be bytes")


def _travelled(plugin: Plugin) -> Plugin:
    """The plugin as a worker process receives it."""
    try:
        return cast("Plugin", pickle.loads(pickle.dumps(plugin)))  # noqa: S301 -- what was just dumped
    except Exception as error:
        raise AssertionError(f"{plugin!r} must be picklable: {error}") from error


def _require(condition: bool, sentence: str) -> None:  # noqa: FBT001 -- reads as an assertion
    if not condition:
        raise AssertionError(sentence)
