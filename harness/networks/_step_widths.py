"""Step widths: how many channels lead into and out of each step of a graph, answered once for each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class StepWidths:
    """Step widths of a graph of Torch-Pruning: a layer's own, else those of what is before or after it.

    Where several lead to a step the last one tells, as Torch-Pruning has it; a concatenation has the
    sum. None where nothing tells.
    """

    def __init__(
        self, own_out: Callable[[Any], int | None], own_into: Callable[[Any], int | None]
    ) -> None:
        self._own_out = own_out
        self._own_into = own_into
        self._out: dict[Any, int | None] = {}
        self._into: dict[Any, int | None] = {}

    def out(self, node: Any) -> int | None:  # noqa: ANN401 -- Torch-Pruning has no annotations
        """Width of what a step gives."""
        if node not in self._out:
            # A module that is used again is on its own way.
            self._out[node] = None
            self._out[node] = self._own_out(node) or self._out_of_inputs(node)
        return self._out[node]

    def into(self, node: Any) -> int | None:  # noqa: ANN401 -- likewise
        """Width of what a step takes."""
        if node not in self._into:
            self._into[node] = None
            self._into[node] = self._own_into(node) or self._into_outputs(node)
        return self._into[node]

    def _out_of_inputs(self, node: Any) -> int | None:  # noqa: ANN401 -- likewise
        widths = [_split_width(given, node) or self.out(given) for given in node.inputs]
        return _sum(widths) if _is(node, "CONCAT") else _last(widths)

    def _into_outputs(self, node: Any) -> int | None:  # noqa: ANN401 -- likewise
        widths = [self._share_of(node, taker) for taker in node.outputs]
        return _sum(widths) if _is(node, "SPLIT") else _last(widths)

    def _share_of(self, node: Any, taker: Any) -> int | None:  # noqa: ANN401 -- likewise
        """What a step gives to one that takes it: of a concatenation, what the others leave."""
        whole = self.into(taker)
        if whole is None or not _is(taker, "CONCAT"):
            return whole
        others = [self.out(other) for other in taker.inputs if other is not node]
        return whole - sum(width or 0 for width in others) if others else None


def _split_width(given: Any, node: Any) -> int | None:  # noqa: ANN401 -- likewise
    sizes = getattr(given.module, "split_sizes", None) if _is(given, "SPLIT") else None
    if sizes is None:
        return None
    by_output = zip(given.outputs, sizes, strict=False)
    return next((int(size) for output, size in by_output if output is node), None)


def _is(node: Any, kind: str) -> bool:  # noqa: ANN401 -- likewise
    return bool(node.type.name == kind)


def _sum(widths: Sequence[int | None]) -> int | None:
    return None if None in widths or not widths else sum(width or 0 for width in widths)


def _last(widths: Sequence[int | None]) -> int | None:
    return widths[-1] if widths else None
