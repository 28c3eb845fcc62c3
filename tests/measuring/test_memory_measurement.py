"""Peak memory of a file that another process wrote: at rising batch sizes, as far as it goes."""

import pytest

from harness.measuring.memory_measurement import MemoryJob, ModelFile, measure_peaks, write_files
from harness_plugins.backends.onnxruntime_cpu import OnnxRuntimeCpu
from tests.doubles import Nowhere, OneAtATime


@pytest.fixture
def job(dense, trained, tmp_path):
    """Files of the trained model and of the one that warms up, and the job that loads them."""

    def made(backend, *, batches=(1, 4)):
        paths = [tmp_path / name for name in ("model", "warm-up")]
        written = write_files(
            [
                ModelFile(dense=dense, snapshot=key, backend=backend, batch=1, store=trained, path=path)
                for key, path in zip((dense.key, ""), paths, strict=True)
            ]
        )
        assert written.failures == {}
        return MemoryJob(
            backend=backend, file=paths[0], warm_up_file=paths[1], shape=dense.dataset.shape,
            batches=batches, warm_up=(1, 4), threads=1,
        )  # fmt: skip

    return made


@pytest.mark.parametrize("backend", [Nowhere(), OnnxRuntimeCpu()], ids=lambda backend: backend.name)
def test_every_batch_size_has_its_peak_and_none_is_below_a_smaller_ones(job, backend):
    found = measure_peaks(job(backend, batches=(64, 1)))
    assert found.failure == ""
    assert list(found.peaks) == [1, 64]
    assert 0.0 <= found.peaks[1] <= found.peaks[64]


def test_what_is_known_before_a_batch_size_that_is_refused_stays(job):
    found = measure_peaks(job(OneAtATime()))
    assert set(found.peaks) == {1}
    assert "RuntimeError: one image at a time" in found.failure


class Refusing(Nowhere):
    """Runs nothing."""

    def prepare(self, model, example):
        raise RuntimeError("no such instruction")


def test_a_runtime_that_does_not_run_the_small_model_says_so(job):
    found = measure_peaks(job(Refusing()))
    assert found.peaks == {}
    assert "does not run the small model" in found.failure


def test_a_file_that_cannot_be_written_is_told_by_its_path_and_leaves_nothing(dense, trained, tmp_path):
    class Broken(OnnxRuntimeCpu):
        converter = None

    path = tmp_path / "file"
    file = ModelFile(
        dense=dense, snapshot=dense.key, backend=Broken(), batch=1, store=trained, path=path
    )
    assert list(write_files([file]).failures) == [path]
    assert not path.exists()
