"""Tidy frames have the same types whatever rows hold, so that files of several runs fit together."""

from harness.storage.tidy_frame import tidy_frame
from tests.doubles import made_row


def test_types_do_not_depend_on_what_was_measured():
    measured = tidy_frame([made_row(energy_j=1.5)])
    not_measured = tidy_frame([made_row(energy_j=None)])
    assert measured.dtypes.equals(not_measured.dtypes)
    assert measured.dtypes.equals(tidy_frame([]).dtypes)
    assert measured["energy_j"][0] == 1.5
    assert not_measured["energy_j"].isna().all()


def test_blobs_are_left_out():
    assert not {"correct", "dense_correct"} & {*tidy_frame([made_row()]).columns}
