"""What an error says fits a line, and no letter of it moves a cursor or turns a line around."""

import pytest

from harness.errors import failure_reason, valid_text, visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain, naïve, 模型, 0.5 %", "plain, naïve, 模型, 0.5 %"),
        ("two\nlines", "two\nlines"),
        ("\x1b[2J\x07\x9b2J", r"\x1b[2J\x07\x9b2J"),
        ("\u202egnp.exe\u2066", r"\u202egnp.exe\u2066"),
        ("a\tb\r", r"a\tb\r"),
    ],
)
def test_control_and_direction_characters_are_seen_and_not_obeyed(text, shown):
    assert visible(text) == shown


def test_what_no_file_can_hold_is_replaced():
    assert valid_text("caf\udce9") == "caf\ufffd"
    assert valid_text("\ud800") == "?"


def test_a_reason_is_one_line_whatever_the_error_says():
    try:
        raise ValueError("first\nsecond \x1b]0;pwned\x07")
    except ValueError as error:
        told = failure_reason(error)
    assert told.startswith(r"ValueError: first second \x1b]0;pwned\x07 (test_errors.py:")
