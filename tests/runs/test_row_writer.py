"""Rows on their way: in the ledger, counted, and told to listeners whose errors are notes."""

import pluggy
import pytest

from harness.discovery.catalogue import Catalogue
from harness.machine.device import Device
from harness.measuring.row_builder import empty_row
from harness.runs.row_writer import RowWriter
from harness.storage.ledger import Ledger
from harness.trials.grid import Cell
from tests.doubles import Notes, Nowhere


class Tired(Catalogue):
    """Whoever listens here raises."""

    def announce(self, row):
        return [f"listener: tired of {row['key']}"]


@pytest.fixture
def cell(trial):
    return Cell(
        subject=trial,
        sparsity=0.5,
        backend=Nowhere(),
        batch=1,
        settings={**trial.settings, "trial": trial.key, "sparsity": 0.5, "backend": "nowhere"},
        key="a key",
        device=Device(machine={"torch": "2"}),
    )


def test_a_row_is_on_disk_counted_and_told_of(cell, tmp_path):
    ledger, notes = Ledger(tmp_path), Notes()
    catalogue = Tired(offers=(), broken=(), manager=pluggy.PluginManager("harness"))
    writer = RowWriter(ledger, catalogue=catalogue, observer=notes)
    writer.write(empty_row(cell, "skipped", "not defined here"))
    writer.write(empty_row(cell, "failed", "no memory"))
    [row] = ledger.rows()
    assert (row["key"], row["status"], row["reason"]) == ("a key", "failed", "no memory")
    assert (row["pruner"], row["torch"], row["latency_ms"]) == ("magnitude_l2", "2", None)
    assert row["written_at"].endswith("+00:00")
    assert notes.written == 2
    assert notes.notes == ["listener: tired of a key"] * 2
