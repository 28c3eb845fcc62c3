"""Interleaved timing, the only clock: several models, until their differences are precise enough.

Two separate blocks of timing the same model differ by several per cent, interleaved pairs by about
one: so every round times every model once, in shuffled order, and drift and noisy neighbours hit all
alike.
"""

from __future__ import annotations

import gc
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

# Bound when the process starts, before any plugin's code is there to replace it.
CLOCK: Callable[[], int] = time.perf_counter_ns

BLOCK_MS = 50.0
MAX_WARMUP_BLOCKS = 20
WARMUP_IMPROVEMENT = 0.98
MIN_ROUNDS = 3
MIN_ROUNDS_PRECISE = 6
"""Least number of rounds whose spread is believed."""
MAX_ROUNDS = 800
MIN_SAMPLE_MS = 1.0
MAX_REPEATS = 1000
MIN_ROUNDS_PLATEAU = 128

RoundsStop = Literal["precise", "plateau", "time", "rounds"]
TimedCall = Callable[[], object]
Elapsed = Callable[[TimedCall], float]
"""Timer of one call: the milliseconds until its result is there."""


def elapsed_ms(call: TimedCall) -> float:
    """Milliseconds of one call, by the host's clock."""
    began = CLOCK()
    call()
    return (CLOCK() - began) / 1e6


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Stopping rule of sampling: a half-width over the reference's median, or seconds."""

    precision: float = 0.01
    seconds: float = 1.0


@dataclass(frozen=True, kw_only=True)
class InterleavedSamples:
    """Interleaved timing samples: milliseconds by run; entry `i` of all lists is the same round."""

    samples: dict[str, list[float]]
    stopped: RoundsStop
    warmup_rounds: int
    repeats: dict[str, int] = field(default_factory=dict)


def interleave(
    runs: Mapping[str, Sequence[TimedCall]],
    *,
    reference: str,
    limits: Limits,
    seed: int,
    clock: Callable[[], int] | None = None,
    elapsed: Elapsed | None = None,
) -> InterleavedSamples:
    """Interleaved timing, until the 95 % half-width of every saving is below `limits.precision`.

    The half-width is that of this process's rounds; what other processes would say is not in it.

    A run is one callable for each of several inputs, which alternate; `elapsed` times it where `clock`
    cannot. Warm-up goes on while blocks of rounds get faster. A run that takes under 1 ms is repeated
    within a sample. Sampling also stops when more rounds no longer narrow the widest interval, or at
    `limits.seconds`.
    """
    interleaving = _Interleaving(runs, seed=seed, clock=clock or CLOCK, elapsed=elapsed)
    with _no_garbage_collection():
        warmup = interleaving.warm_up()
        stopped = interleaving.sample(reference, limits)
    return InterleavedSamples(
        samples=interleaving.samples,
        stopped=stopped,
        warmup_rounds=warmup,
        repeats=interleaving.repeats,
    )


class _Interleaving:
    def __init__(
        self,
        runs: Mapping[str, Sequence[TimedCall]],
        *,
        seed: int,
        clock: Callable[[], int],
        elapsed: Elapsed | None,
    ) -> None:
        self.samples: dict[str, list[float]] = {name: [] for name in runs}
        self.repeats = dict.fromkeys(runs, 1)
        self._runs = runs
        self._clock = clock
        self._elapsed = elapsed or self._elapsed_by_clock
        self._order = list(runs)
        self._shuffle = random.Random(seed)  # noqa: S311 -- an order, not a secret
        self._round_number = 0

    def warm_up(self) -> int:
        """Warm up until a block of rounds is hardly faster than the best before; the rounds it took."""
        rounds = [self._time_round()]
        # One round of many models says as much as many rounds of one.
        block = max(1, int(np.ceil(BLOCK_MS / max(sum(rounds[0].values()), 1e-6))))
        block = min(block, MAX_REPEATS)
        best = np.inf
        for _ in range(MAX_WARMUP_BLOCKS):
            rounds += [self._time_round() for _ in range(block)]
            spent = sum(sum(times.values()) for times in rounds[-block:])
            if spent > WARMUP_IMPROVEMENT * best:
                break
            best = min(best, spent)
        self._repeat_short_runs(rounds[-1])
        return len(rounds)

    def _repeat_short_runs(self, times: Mapping[str, float]) -> None:
        """Repeat runs that take less than a millisecond, so that a sample is at least one long."""
        for name, spent in times.items():
            if spent < MIN_SAMPLE_MS:
                self.repeats[name] = min(MAX_REPEATS, int(np.ceil(MIN_SAMPLE_MS / max(spent, 1e-6))))

    def sample(self, reference: str, limits: Limits) -> RoundsStop:
        """Add rounds until one of the three limits is met."""
        widths: list[float] = []
        began = self._clock()
        while len(widths) < MAX_ROUNDS:
            for name, spent in self._time_round().items():
                self.samples[name].append(spent)
            widths.append(widest_saving(self.samples, reference))
            if len(widths) >= MIN_ROUNDS_PRECISE and widths[-1] <= limits.precision:
                return "precise"
            # Twice the rounds should have made the interval 0.71 times as wide.
            if len(widths) >= MIN_ROUNDS_PLATEAU and widths[-1] > widths[len(widths) // 2]:
                return "plateau"
            if len(widths) >= MIN_ROUNDS and (self._clock() - began) / 1e9 > limits.seconds:
                return "time"
        return "rounds"

    def _time_round(self) -> dict[str, float]:
        self._shuffle.shuffle(self._order)
        self._round_number += 1
        return {name: self._milliseconds(name) for name in self._order}

    def _milliseconds(self, name: str) -> float:
        calls, repeats = self._runs[name], self.repeats[name]
        repeated = [calls[(self._round_number + n) % len(calls)] for n in range(repeats)]

        def run_all() -> None:
            for call in repeated:
                call()

        return self._elapsed(run_all) / repeats

    def _elapsed_by_clock(self, call: TimedCall) -> float:
        began = self._clock()
        call()
        return (self._clock() - began) / 1e6


def widest_saving(samples: Mapping[str, Sequence[float]], reference: str) -> float:
    """Widest interval: the largest 95 % half-width of a saving, over the reference's median.

    From the median absolute deviation, as for normal noise: quick enough to ask for every round.
    """
    reference_times = np.asarray(samples[reference])
    others = np.array([times for name, times in samples.items() if name != reference])
    if not others.size:
        return 0.0
    savings = reference_times - others
    absolute_deviations = np.median(np.abs(savings - np.median(savings, axis=1, keepdims=True)), axis=1)
    # 1.4826 MAD estimates a standard deviation, 1.2533 of it over sqrt(n) is a median's error.
    widths = 1.96 * 1.2533 * 1.4826 * absolute_deviations / np.sqrt(len(reference_times))
    return float(widths.max() / np.median(reference_times))


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
