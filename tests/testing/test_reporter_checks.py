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


class Clearing(Counts):
    def render(self, rows):
        for row in rows:
            row.clear()
        return super().render(rows)


class Replacing(Counts):
    def render(self, rows):
        return {"rows.jsonl": b""}


@pytest.mark.parametrize(
    ("broken", "sentence"),
    [
        (Wandering(), "no plain file name"),
        (Worded(), "counts.txt must be bytes"),
        (Restless(), "the same rows, other files"),
        (Clearing(), "changes rows, which others read after it"),
        (Replacing(), "'rows.jsonl' is the run's own"),
        (Demanding(), "from many rows and from none: IndexError: list index out of range"),
    ],
)
def test_a_broken_reporter_is_told_what_is_wrong(rows, broken, sentence):
    assert check_reporter(Counts()) == check_reporter(Counts(), rows) == ()
    with pytest.raises(AssertionError, match=sentence):
        check_reporter(broken, rows)
