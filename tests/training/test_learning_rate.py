"""Parts of one learning-rate curve are laid out in the steps of the whole."""

from hypothesis import given
from hypothesis import strategies as st

from harness.training.learning_rate import Rate, curve_steps


def test_half_of_a_curve_ends_in_its_middle():
    assert curve_steps(Rate(peak=1.0, last=0.5), 9) == (0, 9, 18)


def test_the_rest_of_a_curve_is_drawn_out_over_the_steps_there_are():
    assert curve_steps(Rate(peak=1.0, first=0.75), 10) == (30, 40, 40)


def test_no_steps_lie_nowhere():
    assert curve_steps(Rate(peak=1.0), 0) == (0, 0, 0)


@given(
    st.integers(1, 2000),
    st.sampled_from([0.1, 0.2, 0.5, 1.0, 1.5, 2.0, 2.5, 12.0]),
    st.floats(0.01, 1.0),
)
def test_training_up_to_a_place_has_the_curve_of_the_whole(steps, epochs, place):
    whole = curve_steps(Rate(peak=1.0), epochs * steps)[2]
    assert curve_steps(Rate(peak=1.0, last=place), place * epochs * steps)[2] == whole
