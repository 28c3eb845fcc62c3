"""Which optional abilities the built-in plugins offer, and to whom to look for an example of each.

The core recognises an ability by its attributes, so a misspelt one would be none, silently. Here each
is declared: mypy holds the plugins against the protocols that the annotations name, and a test holds
this list against what the core recognises. It is no part of the plugins' own files, since those of
pruners, schedules, models and datasets are hashed into the keys of trials: a declaration there would
run finished trials again.
"""

from __future__ import annotations

import harness

from .backends.compiled_cpu import CompiledCpu
from .backends.cuda import CompiledCuda, EagerCuda
from .backends.eager import EagerCpu
from .backends.ethos_u import EthosU
from .backends.executorch_cpu import ExecuTorchConverter, ExecuTorchCpu
from .backends.litert_cpu import LiteRt, LiteRtInt8
from .backends.ncnn_cpu import NcnnConverter, NcnnCpu
from .backends.onnxruntime_cpu import OnnxRuntimeCpu
from .backends.onnxruntime_cuda import OnnxRuntimeCuda, OnnxRuntimeTensorRt
from .backends.openvino_cpu import OpenVino, OpenVinoF32
from .backends.sparse24_cuda import Sparse24Cuda
from .backends.sparse_cpu import SparseCpu
from .backends.zigzag import ZigZag
from .datasets.digits import Digits
from .datasets.folder import Folder
from .datasets.timm import TimmData
from .meters.watts import Watts
from .models.pretrained import PretrainedModel
from .pruners.activation_mean import ActivationMean
from .pruners.apoz import Apoz
from .pruners.batch_norm_scale import BatchNormScale
from .pruners.fpgm import Fpgm
from .pruners.grasp import Grasp
from .pruners.hrank import HRank
from .pruners.lamp import Lamp
from .pruners.magnitude import FilterNorm, GroupNorm, Magnitude
from .pruners.obs import Obs
from .pruners.penalised import GReg, GroupLasso, Slimming
from .pruners.random import Random
from .pruners.synflow import SynFlow
from .pruners.taylor_activation import TaylorActivation
from .pruners.taylor_gate import TaylorGate
from .pruners.thinet import ThiNet
from .pruners.torch_prune import TorchPrune
from .pruners.wanda import Wanda
from .schedules.at_init import AtInit, RigL
from .schedules.gradual import Cubic, Linear
from .schedules.iterative import Iterative
from .schedules.lottery import Lottery
from .schedules.rewinding import Rewinding

_ETHOS_U = EthosU("ethos_u55", "ethos-u55-128", "Ethos_U55_High_End_Embedded", "Shared_Sram")
_ZIGZAG = ZigZag("zigzag_tpu", "tpu_like", "tpu_like", 700e6)
_REWINDING = Rewinding("weight_rewinding", weights=True)
_TIMM_DATA = TimmData("torch", "cifar10")
_GROUP_NORM = GroupNorm("group_norm_l2", 2)
_FILTER_NORM = FilterNorm("filter_norm_l1", 1)

CONFIGURABLE: tuple[harness.Configurable, ...] = (
    EagerCpu(), EagerCuda(), CompiledCuda(), OnnxRuntimeCpu(), Folder(), _TIMM_DATA, Watts(),
    Slimming(), GroupLasso(), GReg(), TorchPrune(), RigL(), Linear(), Cubic(), Iterative(), Lottery(),
    _REWINDING,
)  # fmt: skip
NEEDS_ARGUMENT: tuple[harness.NeedsArgument, ...] = (_TIMM_DATA, Watts(), TorchPrune())

PRUNES_ONLY: tuple[harness.PrunesOnly, ...] = (
    ActivationMean(), Apoz(), BatchNormScale(), _FILTER_NORM, Fpgm(), Grasp(), GroupLasso(),
    _GROUP_NORM, HRank(), Lamp(), Magnitude("magnitude_l1", 1), Obs(), Slimming(), SynFlow(),
    TaylorActivation(), TaylorGate(), ThiNet(), TorchPrune(), Wanda(),
)  # fmt: skip
SCOPED: tuple[harness.Scoped, ...] = (
    ActivationMean(), Apoz(), _FILTER_NORM, Fpgm(), GReg(), GroupLasso(), _GROUP_NORM, HRank(), Obs(),
    Random(), ThiNet(), TorchPrune(), Wanda(),
)  # fmt: skip
REWRITES: tuple[harness.Rewrites, ...] = (Obs(), ThiNet())
MAKES_MASKS: tuple[harness.MakesMasks, ...] = (TorchPrune(),)
STEPS: tuple[harness.Steps, ...] = (SynFlow(),)
PENALISES: tuple[harness.Penalises, ...] = (Slimming(), GroupLasso(), GReg())

COMPARED_WITH: tuple[harness.ComparedWith, ...] = (ThiNet(),)

STARTS_EARLY: tuple[harness.StartsEarly, ...] = (AtInit(), RigL())
CONTROLLED: tuple[harness.Controlled, ...] = (Lottery(),)

PRETRAINED: tuple[harness.Pretrained, ...] = (PretrainedModel("resnet18.a1_in1k"),)
LOCATED: tuple[harness.Located, ...] = (_TIMM_DATA,)
AUGMENTS: tuple[harness.Augments, ...] = (Digits(), Folder(), _TIMM_DATA)
PREPROCESSES: tuple[harness.Preprocesses, ...] = (Folder(), _TIMM_DATA)
NAMES_CLASSES: tuple[harness.NamesClasses, ...] = (Folder(), _TIMM_DATA)
SHARES_IMAGES: tuple[harness.SharesImages, ...] = (Folder(),)
PRELOADS: tuple[harness.Preloads, ...] = (Digits(),)

RUNS_MODEL: tuple[harness.RunsModel, ...] = (
    CompiledCpu(), EagerCpu(), EagerCuda(), CompiledCuda(), Sparse24Cuda(), SparseCpu(),
)  # fmt: skip
LOADS_FILE: tuple[harness.LoadsFile, ...] = (
    _ETHOS_U, ExecuTorchCpu(), LiteRt(), LiteRtInt8(), NcnnCpu(), OnnxRuntimeCpu(), OnnxRuntimeCuda(),
    OnnxRuntimeTensorRt(), OpenVino(), OpenVinoF32(), _ZIGZAG,
)  # fmt: skip
ON_DEVICE: tuple[harness.OnDevice, ...] = (
    EagerCuda(), CompiledCuda(), OnnxRuntimeCuda(), OnnxRuntimeTensorRt(), Sparse24Cuda(),
)  # fmt: skip
APPROXIMATE: tuple[harness.Approximate, ...] = (
    EagerCpu("bf16"), EagerCuda("fp16"), CompiledCuda("fp16"), _ETHOS_U, LiteRtInt8(), OpenVino(),
    OnnxRuntimeTensorRt(), Sparse24Cuda(),
)  # fmt: skip
LIMITS_BATCH: tuple[harness.LimitsBatch, ...] = (_ETHOS_U, NcnnCpu(), _ZIGZAG)
PREFERS_MULTIPLE: tuple[harness.PrefersMultiple, ...] = (
    CompiledCpu(), EagerCpu(), EagerCuda(), CompiledCuda(), _ETHOS_U, ExecuTorchCpu(), LiteRt(),
    LiteRtInt8(), NcnnCpu(), OnnxRuntimeCpu(), OnnxRuntimeCuda(), OnnxRuntimeTensorRt(), OpenVino(),
    OpenVinoF32(), Sparse24Cuda(),
)  # fmt: skip
READS_WEIGHTS: tuple[harness.ReadsWeights, ...] = (
    CompiledCpu(), EagerCpu(), EagerCuda(), CompiledCuda(), _ETHOS_U, ExecuTorchCpu(), LiteRt(),
    LiteRtInt8(), NcnnCpu(), OnnxRuntimeCpu(), OnnxRuntimeCuda(), OnnxRuntimeTensorRt(), OpenVino(),
    OpenVinoF32(), Sparse24Cuda(), SparseCpu(), _ZIGZAG,
)  # fmt: skip
BOUNDED: tuple[harness.Bounded, ...] = (
    CompiledCpu(), EagerCpu(), ExecuTorchCpu(), LiteRt(), LiteRtInt8(), NcnnCpu(), OnnxRuntimeCpu(),
    OpenVino(), OpenVinoF32(),
)  # fmt: skip
SIMULATES: tuple[harness.Simulates, ...] = (_ETHOS_U, _ZIGZAG)
COMPILES: tuple[harness.Compiles, ...] = (_ETHOS_U,)

CONVERTER: tuple[harness.Converter, ...] = (
    ExecuTorchConverter(), NcnnConverter(), harness.TfliteConverter(),
)  # fmt: skip
REFINES: tuple[harness.Refines, ...] = (harness.QuantisedTfliteConverter(),)
SHARES_GRAPH: tuple[harness.SharesGraph, ...] = (harness.OnnxConverter(),)
NARROWS: tuple[harness.Narrows, ...] = (harness.OnnxConverter(),)
DESCRIBES_TENSORS: tuple[harness.DescribesTensors, ...] = (
    ExecuTorchConverter(), NcnnConverter(), harness.OnnxConverter(), harness.TfliteConverter(),
    harness.QuantisedTfliteConverter(),
)  # fmt: skip
