"""Energy: joules of one inference, where they come from, and why they are not known."""

from dataclasses import dataclass
from itertools import count

import pandas as pd
import pytest

import harness
from harness.discovery.loading import discover
from harness.machine.energy import joules
from tests.doubles import refusal

CATALOGUE = discover()


@dataclass
class Counter:
    """A counter that every run moves by three joules."""

    energy: float = 0.0
    began: float = 0.0
    tells: bool = True

    def begin(self):
        self.began = self.energy

    def end(self):
        return self.energy - self.began if self.tells else None

    def run(self):
        self.energy += 3.0


def test_joules_are_those_of_one_run():
    counter, clock = Counter(), count(step=100_000_000)
    assert joules(counter, [counter.run, counter.run], clock=lambda: next(clock)) == 3.0
    # A second in steps of a tenth, after the three runs that there are at least.
    assert counter.energy == pytest.approx(36.0, abs=3.0)


def test_a_counter_that_tells_nothing_is_not_zero():
    silent, clock = Counter(tells=False), count(step=100_000_000)
    assert joules(silent, [silent.run], clock=lambda: next(clock)) is None


def test_a_stated_power_is_an_estimate_that_follows_the_time():
    [meter] = CATALOGUE.choose("meter", "watts:20")
    assert (meter.name, meter.source) == ("watts:20", "estimated")
    meter.begin()
    assert 0.0 < meter.end() < 20.0


@pytest.mark.parametrize("wrong", ["0", "-3", "much", "inf", "nan"])
def test_a_power_is_a_positive_number(wrong):
    with pytest.raises(harness.HarnessError, match="watts takes a power in watts, as 15"):
        CATALOGUE.choose("meter", f"watts:{wrong}")


@pytest.mark.parametrize(
    ("name", "reason"),
    [("rapl", "cannot be read: bare metal and `chmod a+r` on it"), ("nvml", "no NVIDIA GPU is here: ")],
)
def test_counters_that_are_not_here_say_so(name, reason):
    [meter] = CATALOGUE.choose("meter", name)
    if meter.unavailable() is None:
        pytest.skip(f"this machine has {name}")
    assert reason in meter.unavailable()


def test_a_meter_that_is_not_here_is_refused_before_any_work(command, tmp_path):
    if CATALOGUE.choose("meter", "nvml")[0].unavailable() is None:
        pytest.skip("this machine has an NVIDIA GPU")
    told = refusal(command("run", "--models", "test_resnet", "--meter", "nvml"))
    assert "meter 'nvml' is not available here: no NVIDIA GPU" in told
    assert not (tmp_path / "results").exists()


RUN = (
    "run", "--seeds", "0", "--target", "params",
    "--models", "test_resnet", "--pruners", "magnitude_l2", "--granularities", "weight",
    "--levels", "0.9", "--dense-epochs", "0", "--finetune-epochs", "0", "--timing-seconds", "1",
    "--backends", "eager_cpu", "--batch-sizes", "1", "--quick", "--out", "out",
)  # fmt: skip


def test_rows_tell_energy_and_where_it_comes_from(command, tmp_path):
    assert command(*RUN).returncode == 0
    without = pd.read_parquet(tmp_path / "out" / "table.parquet")
    assert without.energy_j.isna().all()
    assert without.energy_reason.eq("no meter was asked for").all()
    # Rows without a meter are owed again once one is asked for.
    assert "2 cells are owed" in command(*RUN, "--meter", "watts:20", "--dry-run").stdout
    assert command(*RUN, "--meter", "watts:20").returncode == 0
    table = pd.read_parquet(tmp_path / "out" / "table.parquet").drop_duplicates("key", keep="last")
    assert table.energy_source.eq("estimated:watts:20").all()
    assert table.energy_reason.eq("").all()
    # Twenty watts for about as long as an inference takes: the unit is right, whatever else runs here.
    assert (table.energy_j / (20.0 * table.latency_ms / 1000)).between(0.05, 20.0).all()
