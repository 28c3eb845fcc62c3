"""What every check asks for: a sentence where a contract is broken, a plugin that can travel."""

from __future__ import annotations

import pickle
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn, TypeVar, cast
from unittest import SkipTest

import torch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import nn

Plugin = TypeVar("Plugin")


def require(condition: bool, sentence: str) -> None:  # noqa: FBT001 -- reads as an assertion
    """Raise AssertionError with the sentence where the condition does not hold."""
    if not condition:
        raise AssertionError(sentence)


def skip(name: str, reason: object) -> NoReturn:
    """Have the test runner skip, and say why; AssertionError where the plugin gives no reason."""
    told = isinstance(reason, str) and bool(reason.strip())
    require(told, f"{name}: `unavailable` must return None or say why, not return {reason!r}")
    raise SkipTest(f"{name}: {reason}")


def travelled(plugin: Plugin) -> Plugin:
    """The plugin as a worker process receives it. Raises AssertionError where it cannot be pickled."""
    try:
        return cast("Plugin", pickle.loads(pickle.dumps(plugin)))  # noqa: S301 -- what was just dumped
    except Exception as error:
        raise AssertionError(f"{plugin!r} must be picklable: {error}") from error


@contextmanager
def untouched(model: nn.Module, *, by: str) -> Iterator[None]:
    """Raise AssertionError where what is done meanwhile changes the model's weights or statistics."""
    before = {name: value.clone() for name, value in model.state_dict().items()}
    yield
    after = model.state_dict()
    same = before.keys() == after.keys() and all(
        torch.equal(value, after[name]) for name, value in before.items()
    )
    require(same, f"{by} must leave the model as it is")
