"""Weights file, which is never executed: safetensors, or PyTorch's with `weights_only=True`."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import torch
from safetensors.torch import load_file

from harness.errors import HarnessError, failure_reason
from harness.networks.classifier import classifier_layers
from harness.training.sampling import example_batch

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor, nn

    from harness.contracts.data import Dataset

    State = Mapping[str, Tensor]

FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
COUNTERS = "num_batches_tracked"
PICKLES = (".pth", ".pt", ".tar", ".bin", ".ckpt")
"""Endings of PyTorch's own files, which `torch.save` writes."""
BEGINNINGS = (b"P", b"\x80")
"""First bytes of a zip archive, and of a pickle, which was PyTorch's format before."""
NESTS = (
    "ema", "model_ema", "state_dict_ema", "ema_state_dict", "state_dict", "model", "model_state_dict",
)  # fmt: skip
"""Where training scripts put weights in their files; averages come first, as they are what is used."""
PREFIXES = ("module.", "_orig_mod.", "ema.", "model.")
"""What DataParallel, torch.compile and wrappers put before all names; `ema.` stands beside `model.`."""


@dataclass(frozen=True, kw_only=True)
class StoredWeights:
    """Stored weights as a model names them, and where in the file they were."""

    state: State
    nest: str = ""
    others: tuple[str, ...] = ()
    prefix: str = ""

    def __str__(self) -> str:
        """For people: what was taken; empty where the file holds nothing else."""
        words = [f"under {self.nest!r}"] if self.nest else []
        words += [f"without {self.prefix!r} before their names"] if self.prefix else []
        words += [f"not those under {', '.join(map(repr, self.others))}"] if self.others else []
        return ", ".join(words)


def load_weights(
    model: nn.Module, path: Path, dataset: Dataset, *, reset_classifier: bool = False
) -> StoredWeights:
    """Load weights from a file, in place; counters of batches may be missing there.

    With `reset_classifier`, the layers that logits come out of stay as they are. Raises HarnessError
    naming the first weight that does not fit.
    """
    expected = model.state_dict()
    stored = _named_as(expected, stored_weights(path))
    state = {**stored.state}
    if reset_classifier:
        left_out = _classifier_weights(model, dataset)
        state = {name: value for name, value in state.items() if name not in left_out}
        expected = {name: value for name, value in expected.items() if name not in left_out}
    for name in [*expected, *state]:
        problem = _problem(name, state, expected)
        if problem and name in _classifier_weights(model, dataset):
            problem += "; --reset-classifier leaves that layer out and begins it fresh"
        if problem:
            raise HarnessError(f"{path} {problem}")
    model.load_state_dict(state, strict=False)
    return stored


def _problem(name: str, stored: State, expected: State) -> str:
    """Why a weight does not fit; empty where it does."""
    if name not in expected:
        return f"holds {name!r}, which this model does not have"
    if name not in stored:
        lacking = f"lacks {name!r}, which this model has"
        return "" if name.endswith(COUNTERS) else lacking
    if stored[name].shape != expected[name].shape:
        shapes = tuple(stored[name].shape), tuple(expected[name].shape)
        return f"holds {name!r} shaped {shapes[0]}, but the model's is {shapes[1]}"
    if not _is_plain(stored[name]) or stored[name].is_complex() != expected[name].is_complex():
        return f"holds {name!r} as {stored[name].dtype}, which are no plain numbers of this model"
    return "" if bool(stored[name].isfinite().all()) else f"holds NaN or infinity in {name!r}"


def _is_plain(value: Tensor) -> bool:
    """Whether a tensor holds numbers in full: floats of 16 bits or more, or a norm's counter."""
    dense = value.layout is torch.strided and value.device.type == "cpu" and not value.is_quantized
    return dense and (value.dtype in FLOATS or (value.dtype == torch.int64 and value.ndim == 0))


def _classifier_weights(model: nn.Module, dataset: Dataset) -> set[str]:
    """Names of the weights of the layers that logits come out of; none where the model does not run."""
    try:
        layers = classifier_layers(model, example_batch(dataset, 1))
    except Exception:
        # That it does not run is said when it is checked; here it is no more than a hint.
        return set()
    names = {name for name, layer in model.named_modules() if layer in layers}
    return {name for name in model.state_dict() if name.rpartition(".")[0] in names}


def stored_weights(path: Path) -> StoredWeights:
    """Stored weights of a file, out of what a training script wrapped them in.

    Raises HarnessError where it holds none, or can only be read by executing it.
    """
    content: Any = _load_pickle(path) if path.suffix in PICKLES else _load_safetensors(path)
    if not isinstance(content, Mapping):
        raise HarnessError(
            f"{path} holds a {type(content).__name__} and no weights by name: write it by "
            "torch.save(model.state_dict(), FILE)"
        )
    nests = [name for name in NESTS if _is_state(content.get(name))]
    if nests and not _is_state(content):
        content, nest, others = content[nests[0]], nests[0], tuple(nests[1:])
    else:
        nest, others = "", ()
    if not _is_state(content):
        raise HarnessError(
            f"{path} holds no weights by name, nor under {', '.join(NESTS)}, but "
            f"{', '.join(map(str, [*content][:8]))}"
        )
    return StoredWeights(state=content, nest=nest, others=others)


def _load_safetensors(path: Path) -> State:
    try:
        return load_file(path)
    except Exception as error:
        # Whatever a stranger's header makes of the libraries that read it.
        endings = ", ".join(PICKLES)
        raise HarnessError(
            f"{path} is no safetensors file: {failure_reason(error)} (PyTorch's own end in {endings})"
        ) from None


def _load_pickle(path: Path) -> Any:  # noqa: ANN401 -- whatever the file holds
    with path.open("rb") as file:
        if file.read(1) not in BEGINNINGS:
            raise HarnessError(f"{path} is no file of torch.save's: it is no zip archive and no pickle")
    try:
        # What timm's training script keeps of its command line, which holds values alone.
        with torch.serialization.safe_globals([Namespace]):
            return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        # Whatever a damaged or a harmful pickle makes PyTorch raise.
        reason = " ".join(str(error).split())
        raise HarnessError(
            f"{path} is damaged, or cannot be read without executing what it holds ({reason[:200]}): "
            "write the weights alone, by torch.save(model.state_dict(), FILE)"
        ) from None


def _is_state(content: object) -> bool:
    return (
        isinstance(content, Mapping)
        and bool(content)
        and all(isinstance(name, str) for name in content)
        and all(isinstance(value, torch.Tensor) for value in content.values())
    )


def _named_as(expected: State, stored: StoredWeights) -> StoredWeights:
    """The same without what is before all names, as long as the model has none of them.

    Of `ema.` and `model.` beside each other, the former.
    """
    while not expected.keys() & stored.state.keys():
        heads = {name.partition(".")[0] + "." for name in stored.state}
        taken = next((head for head in PREFIXES if head in heads and heads <= {*PREFIXES}), None)
        if taken is None:
            break
        stored = replace(
            stored,
            state={
                name.removeprefix(taken): value
                for name, value in stored.state.items()
                if name.startswith(taken)
            },
            others=(*stored.others, *sorted(heads - {taken})),
            prefix=stored.prefix + taken,
        )
    return stored
