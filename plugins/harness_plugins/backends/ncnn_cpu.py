"""Tencent's ncnn on the CPU, from PyTorch by its own converter pnnx."""

from __future__ import annotations

import io
import subprocess
import warnings
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import harness

if TYPE_CHECKING:
    from torch import Tensor, nn

PARTS = ("model.ncnn.param", "model.ncnn.bin")
"""The graph as text, and its weights."""
SECONDS = 600
HALVES = (
    "use_fp16_packed", "use_fp16_storage", "use_fp16_arithmetic", "use_bf16_packed", "use_bf16_storage",
)  # fmt: skip


@dataclass(frozen=True)
class NcnnConverter:
    """Both of ncnn's files in one archive, 32-bit floats."""

    name: str = "ncnn"
    suffix: str = ".ncnn.zip"

    @property
    def version(self) -> str:
        """Of PyTorch and the converter."""
        return f"torch {version('torch')}, pnnx {version('pnnx')}"

    def convert(self, model: nn.Module, images: Tensor, *, batch: int) -> bytes:
        """The archive. Raises HarnessError with the operators that ncnn does not know."""
        import torch

        shape = [batch, *images.shape[1:]]
        with TemporaryDirectory() as name, warnings.catch_warnings():
            # That tracing is old: it is what pnnx reads.
            warnings.simplefilter("ignore")
            folder = Path(name)
            traced = torch.jit.trace(model.eval(), torch.zeros(shape), check_trace=False)
            traced.save(folder / "model.pt")
            _run_pnnx(folder, shape)
            return _archive(folder)

    def tensors(self, file: bytes) -> tuple[list[harness.FileTensor], list[harness.FileTensor]]:
        """Names of inputs and outputs: of their sizes ncnn's files say nothing."""
        graph = zipfile.ZipFile(io.BytesIO(file)).read(PARTS[0]).decode()
        layers = [line.split() for line in graph.splitlines()[2:] if line.strip()]
        inputs = [words[4] for words in layers if words[0] == "Input"]
        return _floats(inputs), _floats([layers[-1][4 + int(layers[-1][2])]])


def _floats(names: list[str]) -> list[harness.FileTensor]:
    return [harness.FileTensor(name=name, shape=(), type="float32") for name in names]


def _run_pnnx(folder: Path, shape: list[int]) -> None:
    import pnnx

    sizes = ",".join(map(str, shape))
    done = subprocess.run(
        [pnnx.EXEC_PATH, "model.pt", f"inputshape=[{sizes}]f32", "fp16=0"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines() or ["no reason given"]
        raise harness.HarnessError(f"pnnx: {said[-1]}")
    unknown = _unknown_operators((folder / PARTS[0]).read_text())
    if unknown:
        raise harness.HarnessError(f"ncnn has no {', '.join(unknown)}")


def _unknown_operators(graph: str) -> list[str]:
    """Those that pnnx left under PyTorch's names: ncnn's own have no dot in theirs."""
    kinds = {line.split()[0] for line in graph.splitlines() if line.strip()}
    return sorted(kind for kind in kinds if "." in kind)


def _archive(folder: Path) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for part in PARTS:
            # Without the hour it was made: the same model gives the same bytes.
            archive.writestr(zipfile.ZipInfo(part), (folder / part).read_bytes())
    return content.getvalue()


class NcnnCpu:
    """ncnn on the CPU, 32-bit floats, an image at a time."""

    name = "ncnn_cpu"
    channel_multiple = 16
    reads_weights = False
    most_images = 1

    @property
    def converter(self) -> harness.AnyConverter:
        """By pnnx."""
        return NcnnConverter()

    def unavailable(self) -> str | None:
        """Whether ncnn or its converter is missing."""
        return harness.unmet("ncnn", "pnnx")

    def describe(self) -> Mapping[str, str]:
        """The processor and ncnn's version."""
        return {"device": harness.cpu_name(), "runtime": f"ncnn {version('ncnn')}"}

    def peak_macs(self, threads: int) -> float:
        """The processor's."""
        return harness.cpu_peak_macs(threads)

    def load(self, file: bytes) -> harness.Run:
        """A network of the archive's two files."""
        import ncnn
        import numpy as np
        import torch

        network = ncnn.Net()
        network.opt.num_threads = torch.get_num_threads()
        # Idle threads that spin slow down whichever model's turn it is.
        network.opt.openmp_blocktime = 0
        for setting in HALVES:
            setattr(network.opt, setting, False)
        with TemporaryDirectory() as folder:
            zipfile.ZipFile(io.BytesIO(file)).extractall(folder)
            graph, weights = (str(Path(folder) / part) for part in PARTS)
            if network.load_param(graph) or network.load_model(weights):
                raise harness.HarnessError("ncnn does not load what pnnx made")

        def run(images: Tensor) -> Tensor:
            with network.create_extractor() as extractor:
                extractor.input("in0", ncnn.Mat(images[0].numpy()))
                outputs = np.array(extractor.extract("out0")[1])
            return torch.from_numpy(outputs)[None]

        return run


@harness.hookimpl
def harness_backends() -> Iterable[harness.Backend]:
    """Offer ncnn on the CPU."""
    return [NcnnCpu()]
