"""Row schema: one measurement, flat, with every column explained once, here."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping


Status = Literal["ok", "skipped", "failed"]

NO_METER = "no meter was asked for"
"""Energy reason: why a timed row tells no energy, where nobody asked."""


Sign = Literal["any", "positive", "not negative"]


def _column(text: str, unit: str = "", default: Any = None, *, sign: Sign = "not negative") -> Any:  # noqa: ANN401 -- dataclasses.field is untyped in the same way
    return field(default=default, metadata={"text": text, "unit": unit, "sign": sign})


@dataclass(frozen=True, kw_only=True)
class Row:
    """One snapshot on one backend at one batch size; empty where nothing was measured."""

    key: str = _column("measurement key: trial, level, backend, its settings and device", default="")
    trial: str = _column("trial key: what can change the numbers of a snapshot", default="")
    status: Status = _column("`ok`, `skipped` (cannot be) or `failed` (went wrong)", default="ok")
    reason: str = _column("why it was skipped or failed", default="")

    model: str = _column("architecture", default="")
    dataset: str = _column("labelled images", default="")
    pruner: str = _column(
        "criterion; `dense` for the unpruned model, `rivals` for smaller networks", default=""
    )
    rival: str = _column(
        "the smaller network, trained by the same recipe, in the place of `model` pruned", default=""
    )
    granularity: str = _column(
        "what is removed: `weight`, `channel`, `2:4`, `block:4x4`, ...", default=""
    )
    scope: str = _column("scores compared over the network, a layer, ...: see --scope", default="")
    layer_floor: float = _column(
        "least fraction of each layer's channels, or weights, that stays whatever its scores say",
        default=0.0,
    )
    keep: str = _column(
        "patterns of layers that stay whole: their weights, or their channels", default=""
    )
    only: str = _column("patterns of layers that alone may lose any; empty for all", default="")
    schedule: str = _column("rounds of pruning and fine-tuning", default="")
    seed: int = _column("of initial weights, data order and random scores", default=0, sign="any")
    target: str = _column(
        "what a level is a fraction of: `params`, `macs` or `latency:BACKEND`", default="params"
    )
    clock: str = _column("what a level of latency was searched on; empty for others", default="")
    sparsity: float = _column("the level: which fraction of `target` was to leave", default=0.0)
    backend: str = _column("device plus runtime", default="")
    batch: int = _column("images per inference", "images", default=1, sign="positive")
    threads: int = _column("intra-op threads while timing", default=1, sign="positive")

    top1: float | None = _column("test accuracy, in PyTorch", "fraction")
    top5: float | None = _column("label among the best five; empty up to five classes", "fraction")
    chance: float | None = _column(
        "top1 of the best constant answer: the commonest class's share of the test images", "fraction"
    )
    dense_top1: float | None = _column("top1 of the dense model of the same seed", "fraction")
    top1_backend: float | None = _column(
        "test accuracy, of the backend's own outputs; empty where it computes as PyTorch does",
        "fraction",
    )
    dense_top1_backend: float | None = _column("top1_backend of the dense model", "fraction")
    retained: float | None = _column(
        "top1 / dense_top1; top1_backend / dense_top1_backend where the backend's are known"
    )
    images: int | None = _column("test images behind top1", "images", sign="positive")

    latency_ms: float | None = _column("median time of one batch", "ms", sign="positive")
    latency_low_ms: float | None = _column("lower end of its 95 % interval", "ms")
    latency_high_ms: float | None = _column("upper end of its 95 % interval", "ms")
    latency_mad_ms: float | None = _column("median absolute deviation of the samples", "ms")
    latency_p90_ms: float | None = _column("90th percentile; empty below 64 samples", "ms")
    latency_p99_ms: float | None = _column("99th percentile; empty below 662 samples", "ms")
    dense_latency_ms: float | None = _column(
        "the dense model's, interleaved in the same process", "ms", sign="positive"
    )
    fps: float | None = _column("batch / latency", "images/s", sign="positive")
    ms_saved: float | None = _column(
        "median of dense minus pruned, paired by round, at dense's mean time over processes",
        "ms",
        sign="any",
    )
    ms_saved_low: float | None = _column("lower end of its 95 % interval", "ms", sign="any")
    ms_saved_high: float | None = _column("upper end of its 95 % interval", "ms", sign="any")
    ms_saved_error: float | None = _column("its standard error", "ms")
    noise_ms: float | None = _column(
        "what a hidden copy of dense may seem to save: far end of its 95 % interval", "ms"
    )
    twin_ms: float | None = _column(
        "what models of one architecture with other weights seem to differ by: far end of the 95 % "
        "intervals of those that were timed as a check; empty where none was",
        "ms",
    )
    saves_time: bool | None = _column(
        "interval above zero, saving above noise_ms and twin_ms, session steady"
    )
    retained_per_ms_saved: float | None = _column(
        "retained / ms_saved; empty unless saves_time", "1/ms"
    )
    speedup_realised: float | None = _column(
        "dense_latency_ms / latency_ms over dense_macs / macs: how much of what leaves is saved in time"
    )
    rounds: int | None = _column("timed rounds, all processes; empty where the time is a simulator's")
    processes: int | None = _column("timing processes")
    stopped: str = _column(
        "why no more processes were timed: `precise`, `plateau` (of the noise), `time`, `processes`",
        default="",
    )
    steady: bool | None = _column("whether a hidden copy of dense timed like dense")
    load_ms: float | None = _column(
        "cold start: the backend takes the model over, mean of processes", "ms"
    )
    first_ms: float | None = _column(
        "cold start: its first inference, at the smallest batch size", "ms"
    )
    samples: str = _column("archive of the raw samples, in samples/", default="")
    deviation: float | None = _column(
        "largest output difference from PyTorch over largest output; empty where the backend takes "
        "PyTorch's model and another one of its architecture was timed"
    )

    energy_j: float | None = _column("energy of one inference, all its images", "J")
    dense_energy_j: float | None = _column("the same of the dense model", "J")
    energy_source: str = _column(
        "`measured:METER`, `simulated:SIMULATOR` or `estimated:HOW`; never ranked together", default=""
    )
    energy_reason: str = _column("why energy is not known", default="")
    cycles: int | None = _column("of the simulated device")
    sram_mb: float | None = _column("on-chip memory that the simulated device uses", "10^6 bytes")
    flash_mb: float | None = _column("off-chip memory that the simulated device uses", "10^6 bytes")
    operators_elsewhere: int | None = _column(
        "operators that the simulated device leaves to another processor; latency_ms is without them"
    )

    sparsity_reached: float | None = _column(
        "fraction of the prunable parameters truly removed", sign="any"
    )
    target_reached: float | None = _column(
        "fraction truly removed of what `target` names, zeros gone", sign="any"
    )
    params: int | None = _column("parameters left, zeros included")
    params_nonzero: int | None = _column("parameters that are not zero")
    dense_params: int | None = _column("parameters of the dense model")
    macs: int | None = _column("multiply-accumulates for one image, zeros included")
    dense_macs: int | None = _column("the same of the dense model")
    size_mb: float | None = _column("safetensors file", "10^6 bytes")
    compressed_mb: float | None = _column("the same after zstd level 3", "10^6 bytes")
    architecture: str = _column(
        "hash of the model apart from its weights' values: where the backend does not read these, rows "
        "with the same one share its time and its `samples`",
        default="",
    )
    file_mb: float | None = _column(
        "file that the backend loads; the safetensors file where it takes PyTorch's model", "10^6 bytes"
    )
    file_compressed_mb: float | None = _column("the same after zstd level 3", "10^6 bytes")
    memory_mb: float | None = _column(
        "peak resident memory that loading the model and running it at this and smaller batch sizes "
        "adds to a process of its own in which the runtime has run a small model; inputs and the bytes "
        "of the file that the backend loads aside; one measurement for each architecture",
        "10^6 bytes",
    )

    epochs: float | None = _column("spent since the schedule's start to reach this snapshot", "epochs")
    train_seconds: float | None = _column("fine-tuning time, shared rounds counted in full", "s")
    score_seconds: float | None = _column("scoring time, shared rounds counted in full", "s")
    timing_seconds: float | None = _column("wall time of the timing processes, all their models", "s")
    evidence: str = _column("what the criterion looked at", default="")
    reduction: str = _column("`elementwise`, `group` (coupled layers' mean) or `producers`", default="")
    layers_at_floor: int | None = _column(
        "channel groups held at the least number of channels that may stay, against their score"
    )
    excluded: str = _column("layers whose channels could not leave, the classifier aside", default="")
    search: str = _column(
        "steps of a search for a level of latency, in their order: sparsity tried, and the fraction of "
        "dense latency that it saves (`-`: more than can leave)",
        default="",
    )

    weights: str = _column(
        "hash of the file that dense training started from; empty: fresh weights", default=""
    )
    input_size: int | None = _column("height and width of an input", "pixels")
    crop_pct: float | None = _column(
        "side of the central square that inputs are cut from images by; empty, as the four after it, "
        "where a data set's images come ready",
        "fraction",
    )
    crop_mode: str = _column(
        "`center`, or `squash` where images are scaled to a square first", default=""
    )
    interpolation: str = _column("how images are scaled", default="")
    mean: str = _column("what pixels from 0 to 1 lose, by channel", default="")
    std: str = _column("what they are divided by then", default="")
    test_images_in_train: int | None = _column(
        "test images that are training images too, so that criteria, norm statistics and 8-bit ranges "
        "may have seen them; empty where the data set cannot tell",
        "images",
    )
    dense_epochs: float = _column("epochs of dense training", default=0.0)
    finetune_epochs: float = _column("fine-tuning budget of each level", default=0.0)
    penalty_epochs: float = _column(
        "epochs of each level trained with the criterion's penalty, before pruning; in `epochs`",
        default=0.0,
    )
    train_batch: int = _column("images per training step", "images", default=0)
    optimizer: str = _column("timm's name", default="")
    dense_lr: float = _column("peak learning rate of dense training", default=0.0)
    finetune_lr: float = _column("peak learning rate of fine-tuning", default=0.0)
    weight_decay: float = _column("of both", default=0.0)
    augmented: bool = _column("the dataset's own augmentation in training", default=False)
    arithmetic: str = _column(
        "how training computes: empty for 32-bit floats, or what of `cuda`, `channels_last`, `bf16`",
        default="",
    )
    norms: str = _column(
        "norm statistics: `own` are estimated anew on calibration images after every cut and training; "
        "`as-trained` are what training left",
        default="as-trained",
    )
    recipe: int = _column("version of the training and pruning procedure", default=0)
    data_hash: str = _column("of images, labels and splits", default="")
    model_hash: str = _column("of the model plugin's source", default="")
    dataset_hash: str = _column("of the dataset plugin's source", default="")
    pruner_hash: str = _column("of the criterion's source", default="")
    schedule_hash: str = _column("of the schedule's source", default="")

    device: str = _column("processor that ran the model", default="")
    runtime: str = _column("library that ran the model, with version", default="")
    lock: str = _column(
        "whose harnesses wait while this one times: those of the `machine`, of a `container`, of those "
        "that share a `folder` of locks, or of a `user`",
        default="",
    )
    governor: str = _column("frequency governor while timing", default="")
    turbo: bool | None = _column("whether the processor might boost its frequency")
    load_average: float | None = _column("of the last minute, the harness's own work included")
    temperature_c: float | None = _column("hottest sensor", "degrees Celsius", sign="any")
    steal: float | None = _column("processor time that the hypervisor gave to others", "fraction")
    others_cores: float | None = _column("cores that other processes kept busy, worst process", "cores")
    cores: int | None = _column("physical cores")
    machine: str = _column(
        "hash that tells one computer from another of its kind, and not which it is; empty in rows of "
        "earlier releases",
        default="",
    )
    platform: str = _column("operating system and machine type", default="")
    python: str = _column("version", default="")
    torch: str = _column("version", default="")
    timm: str = _column("version", default="")
    torch_pruning: str = _column("version", default="")
    harness: str = _column("version", default="")
    revision: str = _column(
        "commit the harness ran from, `+` when changed; a hash of its files where installed", default=""
    )
    written_at: str = _column("UTC time of the row", default="")

    correct: str = _column(
        "which test images are right, on the backend where top1_backend is known: base64 of zlib of "
        "packed bits",
        default="",
    )
    dense_correct: str = _column("the same of the dense model", default="")


RIVALS = "rivals"
"""Pruner of rows of smaller networks: each is a level of the one method."""
BLOBS = ("correct", "dense_correct")
"""Large columns, which the ledger keeps for the ranking's bootstrap and tables leave out."""


def column_units() -> dict[str, tuple[str, str]]:
    """Columns of a row in order: name to (explanation, unit)."""
    return {item.name: (item.metadata["text"], item.metadata["unit"]) for item in fields(Row)}


def network_name(row: Mapping[str, Any]) -> str:
    """Network that a row measured, pruned or not: `model`, or the rival in its place."""
    return str(row.get("rival") or row["model"])


def speedup(row: Mapping[str, Any]) -> float:
    """Speed-up of a row, or of a mean of rows: dense time over its own."""
    return float(row["dense_latency_ms"] / row["latency_ms"])


def speedup_realised(columns: Mapping[str, Any]) -> float:
    """Speed-up over the speed-up that fewer multiply-accumulates promise."""
    promised = max(columns["dense_macs"], 1) / max(columns["macs"], 1)
    return float(speedup(columns) / promised)
