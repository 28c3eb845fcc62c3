"""Time left of a run: what its phases were thought to take, corrected by what they do take."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

BELIEVED = 0.1
"""Fraction of all that was thought, which counts as seen to be true."""
Clock = Callable[[], float]
LEAST_LEFT = 0.02
"""Fraction of a phase that is left at least while it is not over."""


@dataclass(kw_only=True)
class _Phase:
    """Phase of a run: seconds that it is thought to take, and those that it took."""

    name: str
    thought: float
    took: float | None = None


class TimeLeft:
    """Fraction of a run that is done, and seconds that are left, at any moment."""

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._began = self._phase_began = clock()
        self._phases: list[_Phase] = []
        self._now: _Phase | None = None
        self._done = self._units = 0.0
        self._shown = 0.0

    def expect(self, phases: Sequence[tuple[str, float]]) -> None:
        """Phases that are to come, by name, each with the seconds that it is thought to take."""
        over = [phase for phase in self._phases if phase.took is not None or phase is self._now]
        self._phases = [*over, *(_Phase(name=name, thought=seconds) for name, seconds in phases)]

    def begin(self, name: str, units: float) -> None:
        """A phase begins, which is so many units long; those before it are over."""
        now = self._clock()
        if self._now is not None:
            self._now.took = now - self._phase_began
        waiting = [phase for phase in self._phases if phase.took is None]
        position = next((n for n, phase in enumerate(waiting) if phase.name == name), None)
        if position is None:
            self._now = _Phase(name=name, thought=0.0)
            self._phases.append(self._now)
        else:
            for skipped in waiting[:position]:
                # There was nothing to do in them.
                self._phases.remove(skipped)
            self._now = waiting[position]
        self._phase_began, self._done, self._units = now, 0.0, units

    def advance(self, units: float) -> None:
        """So many units of the phase are done."""
        self._done += units

    def seconds_left(self) -> float | None:
        """Seconds until all phases are over; None while nothing tells."""
        within = self._left_of_phase()
        if within is None:
            return None
        later = sum(p.thought for p in self._phases if p.took is None and p is not self._now)
        return within + later * self._ratio()

    def fraction(self) -> float:
        """Fraction of the run that is done, which never falls."""
        left = self.seconds_left()
        if left is not None:
            elapsed = self._clock() - self._began
            self._shown = max(self._shown, elapsed / max(elapsed + left, 1e-9))
        return self._shown

    def _left_of_phase(self) -> float | None:
        if self._now is None:
            return None
        elapsed = self._clock() - self._phase_began
        share = min(self._done / self._units, 1.0) if self._units else 0.0
        thought = self._now.thought * self._ratio()
        if not thought and not share:
            return None
        # What is done of the phase tells the more of it, the more is done.
        told = elapsed / share if share else 0.0
        length = share * told + (1.0 - share) * (thought or told)
        return max(length - elapsed, LEAST_LEFT * length * (1.0 - share))

    def _ratio(self) -> float:
        """What phases took over what they were thought to take; a short one alone tells little."""
        over = [(p.took, p.thought) for p in self._phases if p.took is not None and p.thought]
        took, thought = sum(t for t, _ in over), sum(t for _, t in over)
        believed = BELIEVED * sum(phase.thought for phase in self._phases)
        return (took + believed) / (thought + believed) if thought else 1.0
