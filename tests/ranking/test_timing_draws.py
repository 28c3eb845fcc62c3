"""Errors of the clock are drawn once for what was timed once."""

import numpy as np
import pytest

from harness.ranking._frame import row_frame
from harness.ranking._timing_draws import TimingDraws
from tests.doubles import made_row

DRAWS = 4000


def row(key, **columns):
    """Half of dense's ten milliseconds saved, known to a millisecond."""
    wide = {"ms_saved": 5.0, "ms_saved_low": 4.0, "ms_saved_high": 6.0}
    return made_row(key=key, **{**wide, **columns})


def drawn(*rows):
    timing = TimingDraws(row_frame(list(rows)).frame, draws=DRAWS)
    return timing.savings(np.arange(len(rows))[None])[0]


def test_a_saving_is_drawn_as_widely_as_its_interval():
    [saved] = drawn(row("a"))
    assert saved.mean() == pytest.approx(0.5, abs=0.005)
    assert saved.std() == pytest.approx(0.1 / 1.96, rel=0.05)


def test_rows_of_one_architecture_share_all_of_their_error():
    elsewhere = row("b", architecture="narrow", samples="another")
    one, other = drawn(row("a", architecture="narrow", samples="session"), elsewhere)
    assert np.corrcoef(one, other)[0, 1] == pytest.approx(0.5, abs=0.05), "beside another dense"
    shared = {"architecture": "narrow", "samples": "session"}
    one, other = drawn(row("a", **shared), row("b", **shared))
    np.testing.assert_array_equal(one, other)


def test_rows_of_one_session_share_dense_s_part_of_the_error():
    one, other = drawn(row("a", samples="session"), row("b", samples="session"))
    assert np.corrcoef(one, other)[0, 1] == pytest.approx(0.5, abs=0.05)
    one, other = drawn(row("a", samples="first"), row("b", samples="second"))
    assert abs(np.corrcoef(one, other)[0, 1]) < 0.1


def test_what_saves_no_time_or_has_no_row_is_drawn_as_nothing():
    timing = TimingDraws(row_frame([row("a", saves_time=False)]).frame, draws=3)
    assert timing.savings(np.array([[0, -1]])).tolist() == [[[0.0] * 3] * 2]


def test_a_simulator_s_times_have_no_error():
    exact = dict.fromkeys(("ms_saved_low", "ms_saved_high"), 5.0)
    [saved] = drawn(row("a", **exact))
    assert set(saved.tolist()) == {0.5}
