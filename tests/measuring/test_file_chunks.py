"""Work in chunks whose files fit at a time."""

from harness.measuring.file_chunks import MAX_MEGABYTES, file_chunks

HALF = MAX_MEGABYTES / 2


def chunks(*items, **options):
    return list(file_chunks(items, lambda item: item, **options))


def test_a_chunk_ends_before_its_files_are_too_large():
    a, b, c = ("a", HALF), ("b", HALF), ("c", 1.0)
    assert chunks(a, b, c) == [[a, b], [c]]


def test_a_file_that_items_share_counts_once():
    a, c = ("a", HALF), ("c", HALF)
    assert chunks(a, a, a, c) == [[a, a, a, c]]
    assert chunks(a, a, c, max_files=1) == [[a, a], [c]]


def test_a_file_larger_than_a_chunk_is_one_of_its_own():
    large, small = ("large", 2 * MAX_MEGABYTES), ("small", 1.0)
    assert chunks(small, large, small) == [[small], [large], [small]]


def test_nothing_is_no_chunk():
    assert chunks() == []
