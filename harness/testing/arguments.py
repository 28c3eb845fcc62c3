"""Arguments in a plugin's name: what `configured` makes of a right one and of a wrong one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeVar, cast

from harness.contracts.options import Configurable, NeedsArgument
from harness.discovery.plugin_name import name_problem
from harness.errors import HarnessError
from harness.testing.abilities import recognised_abilities
from harness.testing.requirements import require, travelled

if TYPE_CHECKING:
    from harness.contracts.abilities import Abilities

Plugin = TypeVar("Plugin")

NONSENSE = "no such argument"


def ready(plugin: Plugin, kind: type, *, argument: str | None) -> tuple[Plugin, Abilities]:
    """The plugin as a worker receives it, set to its argument, and the abilities recognised of it.

    One that needs an argument and has none is set to the example that it shows.
    """
    require(not isinstance(plugin, type), f"{plugin!r} is a class: give the kit what a hook offers")
    plugin = travelled(plugin)
    name = called(plugin)
    abilities = recognised_abilities(plugin, kind, name=name)
    problem = name_problem(kind.__name__.lower(), getattr(plugin, "name", None))
    require(problem is None, f"{problem}")
    if isinstance(plugin, NeedsArgument):
        argument = _example(plugin, name) if argument is None and _plain(name) == name else argument
    if isinstance(plugin, Configurable):
        _check_nonsense(plugin, name)
    if argument is None:
        return plugin, abilities
    if not isinstance(plugin, Configurable):
        raise AssertionError(f"{name} takes no argument: it has no `configured`")
    set_up = cast("Plugin", _set_up(plugin, argument, name))
    return set_up, recognised_abilities(set_up, kind, name=f"{name} set to {argument!r}")


def called(plugin: object) -> str:
    """The plugin's name, or its class's where it has none."""
    return str(getattr(plugin, "name", type(plugin).__name__))


def _plain(name: str) -> str:
    return re.split("[:/]", name, maxsplit=1)[0]


def _example(plugin: NeedsArgument, name: str) -> str:
    example = plugin.needs_argument
    require(
        isinstance(example, str) and bool(example) and isinstance(plugin, Configurable),
        f"{name} needs an argument: `needs_argument` shows one, and `configured` takes it",
    )
    return example


def _set_up(plugin: Configurable, argument: str, name: str) -> Configurable:
    """A copy set to the argument, the plugin itself left as it was."""
    made, again = plugin.configured(argument), plugin.configured(argument)
    _check_name(made, argument, name)
    require(
        _name(plugin) == name, f"{name}: `configured` must return a copy and leave the plugin alone"
    )
    require(_name(made) == _name(again), f"{name}: the same argument must make the same name")
    return travelled(made)


def _check_nonsense(plugin: Configurable, name: str) -> None:
    """Refused as a wrong argument is, or taken as a name whose meaning shows later."""
    try:
        made = plugin.configured(NONSENSE)
    except HarnessError as error:
        require(bool(str(error)), f"{name}: the HarnessError must say what an argument has to be")
    except Exception as error:
        raise AssertionError(
            f"{name}: a wrong argument is a HarnessError, not {type(error).__name__}: {error}"
        ) from error
    else:
        _check_name(made, NONSENSE, name)


def _check_name(made: object, argument: str, name: str) -> None:
    made_name = _name(made)
    require(
        made_name.startswith(_plain(name)) and made_name != _plain(name),
        f"{name} set to {argument!r} is called {made_name!r}: its name must include the argument",
    )


def _name(plugin: object) -> str:
    return str(getattr(plugin, "name", ""))
