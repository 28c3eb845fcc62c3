"""Backends: outputs that are PyTorch's, files good for what they are made for, figures that repeat."""

from __future__ import annotations

import copy
import math
from functools import partial
from typing import TYPE_CHECKING

import torch

from harness.contracts.backends import (
    Approximate,
    Backend,
    Bounded,
    Compiles,
    LimitsBatch,
    OnDevice,
    PrefersMultiple,
    ReadsWeights,
    RunsModel,
    Simulates,
    shares_time,
)
from harness.contracts.converters import LoadsFile, SharesGraph
from harness.conversion.device_tensors import from_host
from harness.conversion.equivalence import deviation, tolerance
from harness.conversion.export import convert
from harness.measuring.remembered_inputs import check_not_remembered
from harness.testing.arguments import called, ready
from harness.testing.converters import check_conversion, check_format, check_graph, check_tensors
from harness.testing.promises import STEADY_NAME, keep
from harness.testing.requirements import require, skip, untouched
from harness.training.sampling import drawn_images
from harness.training.synthetic import NoiseImages, residual_network

if TYPE_CHECKING:
    from torch import Tensor, nn

    from harness.contracts.abilities import Abilities
    from harness.contracts.backends import Run
    from harness.testing.promises import Promises

BATCH = 3
"""Images of the larger of two batches."""


def check_backend(backend: Backend, *, argument: str | None = None) -> Abilities:
    """Outputs are PyTorch's; skipped with the backend's reason where it is unavailable here.

    `argument` is what the backend is configured with first. Returns its abilities.
    """
    return keep(backend_promises(backend, argument=argument))


def backend_promises(backend: Backend, *, argument: str | None = None) -> Promises:
    """What `check_backend` tries."""
    yield f"{called(backend)} {STEADY_NAME}"
    backend, abilities = ready(backend, Backend, argument=argument)
    yield f"{backend.name}: what it tells of itself makes sense"
    _check_facts(backend)
    reason = backend.unavailable()
    if reason is not None:
        skip(backend.name, reason)
    yield f"{backend.name}: `describe` tells the device and the runtime, the same each time"
    _check_description(backend)
    network = residual_network()
    most = min(backend.most_images, BATCH) if isinstance(backend, LimitsBatch) else BATCH
    with torch.no_grad():
        if isinstance(backend, RunsModel):
            yield f"{backend.name}: outputs of a prepared model are PyTorch's, call after call"
            for batch in sorted({1, most}):
                images = _images(batch)
                with untouched(network, by=backend.name):
                    run = backend.prepare(network, images)
                _check_outputs(backend, run, network, images)
        if isinstance(backend, LoadsFile):
            yield f"{backend.name}: files serve what they are made for, with PyTorch's outputs"
            _check_files(backend, backend, network, most)
    return abilities


def _check_description(backend: Backend) -> None:
    told, again = backend.describe(), backend.describe()
    for fact in ("device", "runtime"):
        require(bool(told.get(fact)), f"{backend.name}: `describe` must tell the {fact}")
    require(
        dict(told) == dict(again),
        f"{backend.name}: `describe` tells other facts at each call, which rows are keyed by: {again}",
    )


def _images(batch: int) -> Tensor:
    return drawn_images(NoiseImages(), "test", batch, seed=0)


def _check_facts(backend: Backend) -> None:
    """What a backend tells of itself, whether or not it is available here."""
    name = backend.name
    runs = isinstance(backend, RunsModel | LoadsFile)
    require(runs, f"{name}: must take a model (`prepare`) or load a file (`converter`, `load`)")
    if isinstance(backend, Simulates):
        loads = isinstance(backend, LoadsFile)
        require(loads, f"{name}: a simulator must load a file (`converter`, `load`)")
    if isinstance(backend, OnDevice):
        _check_device(backend, name)
    if isinstance(backend, Approximate):
        some = 0.0 < backend.tolerance < math.inf
        require(some, f"{name}: tolerance must be a number above 0, not {backend.tolerance!r}")
    if isinstance(backend, LimitsBatch):
        _check_count(backend.most_images, f"{name}: most_images")
    if isinstance(backend, PrefersMultiple):
        _check_count(backend.channel_multiple, f"{name}: channel_multiple")
    if isinstance(backend, ReadsWeights):
        told = isinstance(backend.reads_weights, bool)
        require(told, f"{name}: reads_weights must be True or False, not {backend.reads_weights!r}")
    if isinstance(backend, Bounded):
        one, two = (backend.peak_macs(threads) for threads in (1, 2))
        require(0.0 < one <= two, f"{name}: peak_macs must be above 0, and no less on more threads")


def _check_count(number: object, what: str) -> None:
    whole = isinstance(number, int) and number >= 1
    require(whole, f"{what} must be a whole number above 0, not {number!r}")


def _check_device(backend: OnDevice, name: str) -> None:
    try:
        torch.device(backend.torch_device)
    except RuntimeError as error:
        raise AssertionError(f"{name}: torch_device is none of PyTorch's: {error}") from error


def _check_files(backend: Backend, loader: LoadsFile, network: nn.Module, most: int) -> None:
    converter = loader.converter
    check_format(converter, of=backend.name)
    computes = partial(_check_file, backend, loader)
    if isinstance(converter, SharesGraph):
        file = check_graph(converter, network, _images(most), computes=computes)
    else:
        file = check_conversion(converter, network, _images(most), computes=computes)
    check_tensors(converter, file, _images(1), of=backend.name)
    if isinstance(backend, Compiles):
        command = backend.compile_command("some.file")
        require(
            "some.file" in command,
            f"{backend.name}: `compile_command` must name the file that it compiles",
        )
    if isinstance(backend, Simulates):
        _check_simulation(backend, loader, file, network, shares=shares_time(backend))


def _check_file(
    backend: Backend, loader: LoadsFile, file: bytes, network: nn.Module, images: Tensor
) -> None:
    require(isinstance(file, bytes), f"{backend.name}: its converter must make bytes")
    _check_outputs(backend, loader.load(file), network, images)


def _check_outputs(backend: Backend, run: Run, network: nn.Module, images: Tensor) -> None:
    """Outputs of two batches of other images, both looked at when the second is there."""
    others = drawn_images(NoiseImages(), "test", len(images), seed=1)
    computed = [from_host(run, backend)(given) for given in (images, others)]
    for which, given, outputs in zip(("", " a second"), (images, others), computed, strict=True):
        off = deviation(outputs, network(given))
        what = (
            f"outputs differ from PyTorch's by {off:.2g} of the largest at{which} batch {len(images)}"
        )
        require(off <= tolerance(backend), f"{backend.name}: {what}")
    check_not_remembered(run, images, backend)


def _check_simulation(
    backend: Simulates, loader: LoadsFile, file: bytes, network: nn.Module, *, shares: bool
) -> None:
    """The same figures of the same file, and of zeros where the simulator reads no weights."""
    name = type(backend).__name__
    first = backend.simulate(file)
    require(first.latency_ms > 0.0, f"{name}: an inference must take time")
    if not shares:
        require(backend.simulate(file) == first, f"{name}: the same file must take the same time")
        return
    zeros = copy.deepcopy(network)
    for parameter in zeros.parameters():
        parameter.zero_()
    other = backend.simulate(convert(loader.converter, zeros, _images(1)))
    require(other == first, f"{name}: reads_weights is False, yet a twin of zeros takes another time")
