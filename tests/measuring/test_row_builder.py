"""A time that no processor reaches fails its row, whether or not the backend tells its peak."""

from types import SimpleNamespace

import pytest

from harness.contracts.backends import cpu_peak_macs
from harness.measuring.row_builder import least_milliseconds
from harness_plugins.backends.eager import EagerCpu
from harness_plugins.backends.ethos_u import EthosU
from harness_plugins.backends.sparse_cpu import SparseCpu
from tests.doubles import Nowhere

MACS = 10**9


def needed(backend, *, batch=1, threads=1):
    cell = SimpleNamespace(backend=backend, batch=batch, settings={"threads": threads})
    return least_milliseconds(cell, MACS)


@pytest.mark.parametrize("backend", [EagerCpu(), SparseCpu(), Nowhere()])
def test_what_runs_here_needs_what_the_fastest_processor_would(backend):
    assert needed(backend) == pytest.approx(1000 * MACS / cpu_peak_macs(1))
    assert needed(backend, batch=8, threads=2) == pytest.approx(4 * needed(backend))


class OnTheMoon(Nowhere):
    torch_device = "cuda"


def test_accelerators_and_simulators_that_tell_no_peak_are_believed():
    assert needed(OnTheMoon()) == 0.0
    assert (
        needed(EthosU("ethos_u55", "ethos-u55-128", "Ethos_U55_High_End_Embedded", "Shared_Sram"))
        == 0.0
    )


def test_a_backend_s_own_peak_counts():
    class Known(Nowhere):
        def peak_macs(self, threads):
            return 1e9 * threads

    assert needed(Known()) == 1000.0
