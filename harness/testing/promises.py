"""Promises: what a contract asks for, in the order in which the kit tries it."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, cast
from unittest import SkipTest

from harness.errors import HarnessError, failure_reason
from harness.machine.process_settings import ProcessSettings

if TYPE_CHECKING:
    from harness.contracts.abilities import Abilities

Promises = Generator[str, None, "Abilities"]
"""Sentences, each told before it is tried: kept where the next one comes. Returns the abilities."""

STEADY_NAME = "travels to workers, under a name that can be selected, its abilities spelt right"
"""What every kind promises first."""


def keep(promises: Promises, *, begin: Callable[[str], None] = lambda _: None) -> Abilities:
    """Try all promises, of each of which `begin` is told first, and return the abilities.

    Raises AssertionError with one sentence on the first that is broken, whatever the plugin raised
    there, and SkipTest where this machine cannot tell.
    """
    promise, settings = "", ProcessSettings.now()
    while True:
        abilities = None
        try:
            following = next(promises)
        except StopIteration as end:
            following, abilities = "", cast("Abilities", end.value)
        except (AssertionError, SkipTest):
            raise
        except HarnessError as error:
            raise AssertionError(f"{promise}: {error}") from error
        except (Exception, SystemExit) as error:
            raise AssertionError(f"{promise}: {failure_reason(error)}") from error
        if change := settings.change():
            raise AssertionError(f"{promise}: {change}")
        if abilities is not None:
            return abilities
        promise = following
        begin(promise)
