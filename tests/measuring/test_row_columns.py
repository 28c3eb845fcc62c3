"""Columns of rows from recorded times: those of a published run, to the last digit."""

from collections import defaultdict

import numpy as np
import pytest

from harness.measuring.row_columns import timed_columns
from harness.measuring.timing_process import COPY, DENSE, ProcessTiming
from harness.measuring.timing_results import TimingResults
from harness.storage.ledger import Ledger
from tests.doubles import ROOT

RUN = ROOT / "results" / "backends-digits-epyc"


def recorded(archive):
    """What a session sampled, from the archive that it left: `batch/label/process` by round."""
    timings = defaultdict(lambda: ProcessTiming(samples=defaultdict(dict)))
    with np.load(archive) as arrays:
        for name, times in arrays.items():
            batch, _, rest = name.partition("/")
            label, _, process = rest.rpartition("/")
            timings[int(process)].samples[int(batch)][label] = times.tolist()
    return TimingResults(timings=tuple(timings[process] for process in sorted(timings)))


def rows_by_archive():
    archives = defaultdict(list)
    for row in Ledger(RUN).rows():
        if row["samples"]:
            archives[row["samples"]].append(row)
    return archives


ARCHIVES = rows_by_archive()


def columns_beside(row, columns):
    """The columns where twins, whose names no archive tells, differ by what the row says."""
    twin = row["twin_ms"]
    saves = columns["saves_time"] and columns["ms_saved"] > (twin or 0.0)
    return {**columns, "twin_ms": twin, "saves_time": saves}


@pytest.mark.parametrize("archive", sorted(ARCHIVES))
def test_published_rows_are_what_their_samples_say(archive):
    session, rows = recorded(RUN / "samples" / archive), ARCHIVES[archive]
    for batch in {row["batch"] for row in rows}:
        # A model that failed in one process has no samples of the others.
        labels = set.intersection(*(set(timing.samples[batch]) for timing in session.timings))
        # A pruned model of dense's architecture has dense's own time, against a copy of dense.
        made = [timed_columns(session, label, batch=batch) for label in labels - {DENSE}]
        of_copy = timed_columns(session, COPY, batch=batch)
        for row in (row for row in rows if row["batch"] == batch):
            told = {name: row[name] for name in of_copy}
            expected = [of_copy] if row["pruner"] == "dense" else made
            assert told in [columns_beside(row, columns) for columns in expected], row["key"]
