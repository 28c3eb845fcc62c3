"""Axis selection: from text to the values of an axis, plugins apart."""

from __future__ import annotations

import re
from math import inf
from typing import TYPE_CHECKING, Any

from harness.contracts.backends import PrefersMultiple
from harness.contracts.data import Located
from harness.contracts.evidence import GRANULARITIES
from harness.contracts.granularity import pattern
from harness.discovery.selection import selected_names, split_terms
from harness.errors import HarnessError, UnknownNameError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from harness.contracts.data import Dataset
    from harness.discovery.catalogue import Catalogue

SMALLEST, LARGEST = 0.0001, 0.9999
"""Sparsity levels; beyond them nothing leaves, or nothing stays."""


def chosen_dataset(
    catalogue: Catalogue, text: str, *, folder: Path | None = None, download: bool = False
) -> Dataset:
    """The one data set that `text` names, in a folder where its kind has one.

    Raises HarnessError where it names none or several, or the folder makes no sense.
    """
    # A path may hold commas, so a dataset is one name with its argument and no list.
    name, *arguments = re.split("[:/]", text, maxsplit=1)
    names = catalogue.names("dataset")
    selected = selected_names(name, names, kind="dataset")
    if len(selected) != 1:
        raise HarnessError(f"a run has one dataset, not {text!r} (there are: {', '.join(names)})")
    dataset: Dataset = catalogue.configured("dataset", selected[0], *(arguments or [None]))
    if isinstance(dataset, Located):
        return dataset.located(folder, download=download)
    if folder or download:
        option = "--data-dir" if folder else "--download"
        raise HarnessError(f"{option} is for data sets as torch/cifar10, not for {dataset.name}")
    return dataset


def channel_multiples(catalogue: Catalogue) -> dict[str, int]:
    """How many channels backends compute at a time, by name of those that say so."""
    plugins = {offer.name: offer.plugin for offer in catalogue.offers if offer.kind == "backend"}
    return {n: p.channel_multiple for n, p in plugins.items() if isinstance(p, PrefersMultiple)}


def selected_granularities(terms: str, multiples: Mapping[str, int] | None = None) -> list[str]:
    """Names of a selection: by the rule of every axis, or as `2:4`, `block:4x4` and `channel:8`.

    `multiples` are what backends compute channels by: `channel:BACKEND` is `channel:8` where that is 8.
    """
    own = [_with_multiple(term, multiples or {}) for term in split_terms(terms) if ":" in term]
    plain = ",".join(term for term in split_terms(terms) if ":" not in term)
    names = selected_names(plain, GRANULARITIES, kind="granularity") if plain or not own else []
    return [*names, *dict.fromkeys(pattern(term).name for term in own)]


def _with_multiple(term: str, multiples: Mapping[str, int]) -> str:
    word, _, argument = term.partition(":")
    if word != "channel" or argument[:1].isdigit():
        return term
    if argument not in multiples:
        raise UnknownNameError("backend that prefers a multiple of channels", argument, list(multiples))
    return f"channel:{multiples[argument]}"


def checked_levels(levels: Sequence[float]) -> tuple[float, ...]:
    """Checked levels, rising, without doubles. Raises HarnessError outside of SMALLEST to LARGEST."""
    for level in levels:
        if not SMALLEST <= level <= LARGEST:
            raise HarnessError(
                f"a sparsity level is above 0 and below 1, not {level:g}: from {SMALLEST} to {LARGEST}"
            )
    return tuple(sorted(set(levels)))


def levels_of_speedups(text: str) -> tuple[float, ...]:
    """Fractions of the time that leave: `2,4x` is twice and four times as fast, so 0.5 and 0.75.

    Raises HarnessError where one is no speed-up.
    """
    speedups = checked_numbers("levels", text.replace("x", ""), float)
    for speedup in speedups:
        if not 1.0 < speedup < inf:
            raise HarnessError(
                f"--levels: with --target speedup, a level is above 1, as 2 or 4x, not {speedup:g}"
            )
    return checked_levels([1.0 - 1.0 / speedup for speedup in speedups])


def checked_numbers(option: str, text: str, number: Callable[[str], Any]) -> list[Any]:
    """Numbers of a comma list. Raises HarnessError naming the option and what is none."""
    numbers = []
    for term in text.split(","):
        try:
            numbers.append(number(term.strip()))
        except ValueError:
            whole = "whole " if number is int else ""
            times = term.strip().removesuffix("x").replace(".", "").isdigit()
            hint = "; --target speedup:BACKEND takes it" if times and option == "levels" else ""
            raise HarnessError(f"--{option}: {term.strip()!r} is not a {whole}number{hint}") from None
    return numbers


def whole_numbers(option: str, text: str, *, least: int, most: int) -> list[int]:
    """Whole numbers of a comma list, each once. Raises HarnessError below the least, above the most."""
    numbers: list[int] = checked_numbers(option, text, int)
    for number in numbers:
        if not least <= number <= most:
            raise HarnessError(f"--{option}: {number!s:.20} is not from {least} to {most}")
    return list(dict.fromkeys(numbers))
