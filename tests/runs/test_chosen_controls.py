"""Controls follow what demands them."""

from harness.runs._chosen_controls import with_controls, with_random_controls
from harness_plugins.pruners.lamp import Lamp
from harness_plugins.pruners.random import Random
from harness_plugins.pruners.thinet import RandomReaders, ThiNet
from harness_plugins.schedules.lottery import Lottery
from harness_plugins.schedules.one_shot import OneShot


def names(plugins):
    return [plugin.name for plugin in plugins]


def test_a_control_of_a_criterion_s_own_layers_is_run_where_random_is():
    assert names(with_random_controls([Random(), ThiNet()])) == ["random", "thinet", "random:thinet"]
    assert names(with_random_controls([Lamp(), ThiNet()])) == ["lamp", "thinet"]
    once = with_random_controls([Random(), ThiNet(), RandomReaders()])
    assert names(once) == ["random", "thinet", "random:thinet"]


def test_a_schedule_s_control_is_always_run():
    ticket = Lottery()
    assert names(with_controls([OneShot(), ticket])) == ["one_shot", "lottery", ticket.control.name]
