"""Samples of a row: those whose latency it has, in an archive of its run and nowhere else."""

import zipfile

import numpy as np
import pytest

from harness.errors import HarnessError
from harness.measuring.timing_results import COPY, DENSE, ProcessTiming, TimingResults, raw_samples
from harness.presentation.timing_samples import SampleArchives

MS = {DENSE: 10.0, COPY: 10.0, "a/channel": 6.0, "a/weight": 8.0, "b": 4.0}
PROCESSES = 12
"""More than ten, so that their numbers are not in the order of the alphabet."""


@pytest.fixture
def results() -> TimingResults:
    """A session whose processes are not equally quiet, and so weigh differently."""
    rng = np.random.default_rng(0)

    def sampled(batch: int, noise: float) -> dict[str, list[float]]:
        return {label: (ms * batch + rng.normal(0, noise, 9)).tolist() for label, ms in MS.items()}

    return TimingResults(
        timings=tuple(
            ProcessTiming(samples={batch: sampled(batch, 0.01 * (1 + process % 3)) for batch in (1, 8)})
            for process in range(PROCESSES)
        )
    )


def row(results: TimingResults, label: str, *, batch: int = 1, samples: str = "x.npz"):
    return {"samples": samples, "batch": batch, "latency_ms": results.latency(batch, label).value}


@pytest.mark.parametrize("batch", [1, 8])
@pytest.mark.parametrize("label", ["a/channel", "b", DENSE])
def test_a_row_has_the_samples_whose_latency_is_its_own(tmp_path, results, label, batch):
    (tmp_path / "x.npz").write_bytes(raw_samples(results))
    samples = SampleArchives(tmp_path).of(row(results, label, batch=batch))
    assert samples.own == results.samples(batch, label)
    assert samples.dense == results.samples(batch, DENSE)


def test_another_latency_has_no_samples(tmp_path, results):
    (tmp_path / "x.npz").write_bytes(raw_samples(results))
    archives, own = SampleArchives(tmp_path), row(results, "b")
    assert archives.of(own) is not None
    assert archives.of({**own, "latency_ms": own["latency_ms"] * 1.000001}) is None
    assert archives.of({**own, "batch": 8}) is None
    assert archives.of({**own, "batch": 4}) is None


def test_a_model_that_one_process_could_not_run_costs_the_others_nothing(tmp_path, results):
    del results.timings[2].samples[1]["a/weight"]
    (tmp_path / "x.npz").write_bytes(raw_samples(results))
    samples = SampleArchives(tmp_path).of(row(results, "b"))
    assert samples.own == results.samples(1, "b")


@pytest.mark.parametrize("name", ["../x.npz", "./y.npz", "missing.npz", "x.npz", "", "y"])
def test_a_name_that_is_no_archive_of_the_run_is_never_opened(tmp_path, results, name):
    folder = tmp_path / "samples"
    folder.mkdir()
    for path in (tmp_path / "x.npz", folder / "y.npz"):
        path.write_bytes(raw_samples(results))
    assert SampleArchives(folder).of(row(results, "b", samples="y.npz")) is not None
    assert SampleArchives(folder).of(row(results, "b", samples=name)) is None


def test_a_whole_path_is_no_name_either(tmp_path, results):
    path = tmp_path / "x.npz"
    path.write_bytes(raw_samples(results))
    assert SampleArchives(tmp_path).of(row(results, "b", samples=str(path))) is None


def test_without_dense_beside_them_there_are_no_samples(tmp_path):
    results = TimingResults(timings=(ProcessTiming(samples={1: {"b": [4.0, 4.0]}}),) * 2)
    (tmp_path / "x.npz").write_bytes(raw_samples(results))
    assert SampleArchives(tmp_path).of({"samples": "x.npz", "batch": 1, "latency_ms": 4.0}) is None


def zipped(folder, content: bytes):
    with zipfile.ZipFile(folder / "x.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("1/dense/0.npy", content)


def test_an_archive_that_would_fill_the_memory_is_not_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr("harness.presentation.timing_samples.MOST_BYTES", 1_000_000)
    zipped(tmp_path, bytes(1_000_001))
    with pytest.raises(
        HarnessError, match=r"samples/x\.npz cannot be read \(ValueError: 1 MB when unpacked"
    ):
        SampleArchives(tmp_path).processes("x.npz", 1)


@pytest.mark.parametrize("content", [b"", b"no array", b"\x93NUMPY\x01\x00"])
def test_what_is_no_array_is_named_by_its_file(tmp_path, content):
    zipped(tmp_path, content)
    with pytest.raises(HarnessError, match=r"samples/x\.npz cannot be read"):
        SampleArchives(tmp_path).processes("x.npz", 1)


@pytest.mark.parametrize(
    "samples",
    [
        np.zeros(1, np.float16),
        [],
        1.0,
        [[1.0, 2.0]],
        [np.nan],
        [np.inf],
        [0.0],
        [-1.0],
        [5e-324],
        [1j],
        ["a"],
        [1],
        [True],
    ],
    ids=repr,
)
def test_what_is_no_list_of_times_is_named_by_its_file(tmp_path, samples):
    np.savez(tmp_path / "x.npz", **{"1/dense/0": np.array(samples)})
    with pytest.raises(HarnessError, match=r"samples/x\.npz cannot be read .*'1/dense/0' holds"):
        SampleArchives(tmp_path).processes("x.npz", 1)


def test_what_is_no_archive_is_named_by_its_file(tmp_path):
    (tmp_path / "x.npz").write_bytes(b"no archive")
    with pytest.raises(HarnessError, match=r"samples/x\.npz cannot be read"):
        SampleArchives(tmp_path).processes("x.npz", 1)
