"""Readers of what strangers wrote, one function each: any bytes give what is sound, or an own error.

What a reader lets through beside HarnessError and click's own refusals is a bug, as is a file that is
opened outside of where it reads, memory without end, and a value that there cannot be.
"""

from collections.abc import Callable, Mapping

from tests.faults.readers.archives import read_checked, read_samples, read_submitted
from tests.faults.readers.artifacts import (
    read_checksums,
    read_snapshot_facts,
    read_snapshot_weights,
    read_weights_file,
)
from tests.faults.readers.lines import read_ledger, read_record
from tests.faults.readers.settings import read_backend_file, read_selections, read_settings

READERS: Mapping[str, Callable[[bytes], None]] = {
    "ledger": read_ledger,
    "record": read_record,
    "checksums": read_checksums,
    "facts": read_snapshot_facts,
    "weights": read_snapshot_weights,
    "weights_file": read_weights_file,
    "samples": read_samples,
    "submission": read_submitted,
    "checked": read_checked,
    "settings": read_settings,
    "selections": read_selections,
    "backend_file": read_backend_file,
}
