"""Each check of a schedule refuses one that is wrong in that way alone."""

import secrets
from dataclasses import dataclass, field

import pytest

import harness
from harness.testing.schedules import check_schedule


@dataclass(frozen=True)
class Once:
    """Prunes once, with more said of the round by the tests."""

    name: str = "once"
    settings: dict = field(default_factory=dict)

    def rounds(self, target):
        return [harness.Round(**{"sparsity": target, "share": 1.0, **self.settings})]


class Undershooting(Once):
    def rounds(self, target):
        return [harness.Round(sparsity=target / 2, share=1.0)]


class Falling(Once):
    def rounds(self, target):
        return [harness.Round(sparsity=s, share=0.5) for s in (target + 0.001, target)]


class Borrowing(Once):
    def rounds(self, target):
        shares = ((target / 2, -0.5), (target, 1.5))
        return [harness.Round(sparsity=level, share=share) for level, share in shares]


class NeverMoving(Once):
    def rounds(self, target):
        return [harness.Round(sparsity=target, share=1.0, regrowth=harness.Regrowth(every=0))]


class Fickle(Once):
    """Other rounds whenever it is asked."""

    def rounds(self, target):
        return [harness.Round(sparsity=target, share=1.0, dense_share=secrets.randbelow(10**9) / 1e9)]


class Early(Once):
    starts_at = 0.5


class Late(Once):
    starts_at = 1.0


class Held(Once):
    @property
    def control(self):
        return Once("control")


class HeldByItself(Once):
    @property
    def control(self):
        return self


class HeldByAWrongOne(Once):
    @property
    def control(self):
        return Undershooting("control")


@pytest.mark.parametrize(
    ("broken", "sentence"),
    [
        (Undershooting(), "the last must be the target"),
        (Falling(), "rounds must rise"),
        (Borrowing(), "a round's share is a part of epochs, from 0 up, not -0.5"),
        (Once(settings={"share": 2.0}), "shares must add up to 1"),
        (Once(settings={"dense_share": -1.0}), "dense_share is a part of epochs, from 0 up"),
        (Once(settings={"rewind": 2.0}), "rewind is a place from 0 to 1 or 'budget', not 2.0"),
        (Once(settings={"rate": "start"}), "rate is a place from 0 to 1 or 'budget', not 'start'"),
        (
            Once(settings={"rewind": 0.0, "redraw": True}),
            "a round redraws weights or rewinds them, not both",
        ),
        (NeverMoving(), "regrowth drops a fraction"),
        (Fickle(), "the same target must make the same rounds"),
        (Late(), "starts_at must be from 0 up to 1, not 1.0"),
        (HeldByItself(), "its control needs a name of its own"),
        (HeldByAWrongOne(), "control at 0.1: the last must be the target"),
    ],
)
def test_a_broken_schedule_is_told_what_is_wrong(broken, sentence):
    with pytest.raises(AssertionError, match=sentence):
        check_schedule(broken)


@pytest.mark.parametrize(
    ("schedule", "abilities"),
    [
        (Once(settings={"rewind": "budget", "rate": 0.0, "regrowth": harness.Regrowth()}), ()),
        (Early(), (harness.StartsEarly,)),
        (Held(), (harness.Controlled,)),
    ],
)
def test_a_sound_schedule_passes(schedule, abilities):
    assert check_schedule(schedule) == abilities
