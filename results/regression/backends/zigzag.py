"""Accelerators as KU Leuven's ZigZag models them (Mei 2021): latency and energy by architecture."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import harness

if TYPE_CHECKING:
    from onnx import ModelProto

PICOJOULE = 1e-12


@dataclass(frozen=True)
class ZigZag:
    """An 8-bit accelerator of ZigZag's own examples, at a stated clock; zeros change nothing."""

    name: str
    accelerator: str
    mapping: str
    hertz: float
    reads_weights: bool = False
    most_images: int = 1

    @property
    def converter(self) -> harness.AnyConverter:
        """ZigZag reads ONNX."""
        return harness.OnnxConverter()

    def unavailable(self) -> str | None:
        """Which library is missing."""
        return harness.unmet("zigzag-dse", "six")

    def describe(self) -> Mapping[str, str]:
        """The accelerator and its clock, and ZigZag's version."""
        device = f"{self.accelerator} at {self.hertz / 1e6:g} MHz (simulated)"
        return {"device": device, "runtime": f"zigzag-dse {version('zigzag-dse')}"}

    def load(self, file: bytes) -> harness.Run:
        """The same file on this machine, in floats."""
        return harness.load_onnx(file)

    def simulate(self, file: bytes) -> harness.Simulated:
        """The best mapping that ZigZag finds, by energy times delay."""
        import zigzag

        inputs = Path(zigzag.__path__[0]) / "inputs"
        energy, cycles = _searched(
            _of_one_image(file),
            accelerator=inputs / "hardware" / f"{self.accelerator}.yaml",
            mapping=inputs / "mapping" / f"{self.mapping}.yaml",
        )
        return harness.Simulated(
            latency_ms=1000.0 * cycles / self.hertz,
            energy_j=PICOJOULE * energy,
            cycles=int(cycles),
        )


def _searched(graph: ModelProto, *, accelerator: Path, mapping: Path) -> tuple[float, float]:
    """Picojoules and cycles, summed over layers; ZigZag's own search without its pictures and dumps."""
    from zigzag.mapping.temporal_mapping import TemporalMappingType
    from zigzag.stages.evaluation.cost_model_evaluation import CostModelStage
    from zigzag.stages.main import MainStage
    from zigzag.stages.mapping.spatial_mapping_generation import SpatialMappingGeneratorStage
    from zigzag.stages.mapping.temporal_mapping_generator_stage import TemporalMappingGeneratorStage
    from zigzag.stages.parser.accelerator_parser import AcceleratorParserStage
    from zigzag.stages.parser.onnx_model_parser import ONNXModelParserStage
    from zigzag.stages.results.reduce_stages import MinimalEDPStage, SumStage
    from zigzag.stages.workload_iterator import WorkloadStage

    stages: list[Any] = [
        ONNXModelParserStage, AcceleratorParserStage, SumStage, WorkloadStage, MinimalEDPStage,
        SpatialMappingGeneratorStage, MinimalEDPStage, TemporalMappingGeneratorStage, CostModelStage,
    ]  # fmt: skip
    [(found, _), *_] = MainStage(
        list_of_callables=stages,
        workload=graph,
        accelerator=str(accelerator),
        mapping=str(mapping),
        loma_lpf_limit=6,
        loma_show_progress_bar=False,
        nb_mappings_generated=3,
        enable_mix_spatial_mapping_generation=False,
        access_same_data_considered_as_no_access=True,
        temporal_mapping_type=TemporalMappingType.UNEVEN,
    ).run()
    return found.energy_total, found.latency_total2


def _of_one_image(file: bytes) -> ModelProto:
    """The graph with every shape written down, as ZigZag needs it."""
    import onnx

    graph = onnx.ModelProto.FromString(file)
    found = graph.graph
    for value in (*found.input, *found.output, *found.value_info):
        for size in value.type.tensor_type.shape.dim:
            if size.dim_param:
                size.dim_value = 1
    return onnx.shape_inference.infer_shapes(graph, data_prop=True)


@harness.hookimpl
def harness_backends() -> Iterable[harness.Backend]:
    """Offer three accelerators."""
    return [
        ZigZag("zigzag_tpu", "tpu_like", "tpu_like", 700e6),
        ZigZag("zigzag_edge_tpu", "edge_tpu_like", "edge_tpu_like", 500e6),
        ZigZag("zigzag_eyeriss", "eyeriss_like", "default", 200e6),
    ]
