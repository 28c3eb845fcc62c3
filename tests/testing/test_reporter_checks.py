"""Each check of a reporter refuses one that is wrong in that way alone."""

import secrets

import pytest

from harness.testing.reporters import check_reporter


class Counts:
    """How many rows there are; what the broken ones below start from."""

    name = "counts"

    def render(self, rows):
        return {"counts.txt": str(len(rows)).encode()}


class Wandering(Counts):
    """Would write elsewhere."""

    def render(self, rows):
        return {"../counts.txt": b""}


class Worded(Counts):
    def render(self, rows):
        return {"counts.txt": str(len(rows))}


class Restless(Counts):
    def render(self, rows):
        return {"counts.txt": secrets.token_bytes(8)}


class Demanding(Counts):
    def render(self, rows):
        return {"counts.txt": rows[0]["key"].encode()}


@pytest.mark.parametrize(
    ("broken", "error", "sentence"),
    [
        (Wandering(), AssertionError, "no plain file name"),
        (Worded(), AssertionError, "counts.txt must be bytes"),
        (Restless(), AssertionError, "the same rows must make the same files"),
        (Demanding(), IndexError, "out of range"),
    ],
)
def test_a_broken_reporter_is_told_what_is_wrong(rows, broken, error, sentence):
    assert check_reporter(Counts(), rows) == ()
    with pytest.raises(error, match=sentence):
        check_reporter(broken, rows)
