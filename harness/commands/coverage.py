"""`harness coverage`: which architectures can be pruned, in a table."""

from __future__ import annotations

import json
import sys
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
import pandas as pd
from tabulate import tabulate

from harness.console.progress import ConsoleProgress
from harness.discovery.loading import discover
from harness.discovery.selection import split_terms
from harness.engines.local import LocalEngine
from harness.errors import HarnessError
from harness.machine.environment import physical_cores
from harness.options.declaration import SETTINGS, plugin_option
from harness.options.value_types import FiniteRange, WritablePath
from harness.planning.axis_selection import channel_multiples, selected_granularities
from harness.presentation.table import escaped_markdown
from harness.runs.coverage import CoverageJob, CoverageResult, criterion_at, run_coverage
from harness.runs.families import smallest_by_module, smallest_of, stated_side
from harness.runs.preloads import preloads_of
from harness.storage.files import write_file

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from harness.contracts.data import Model
    from harness.discovery.catalogue import Catalogue
    from harness.engines.engine import Outcome

Job = TypeVar("Job")
Result = TypeVar("Result")

MODELS = (
    "resnet18", "resnet50", "resnext50_32x4d", "wide_resnet50_2", "res2net50_26w_4s", "resnetv2_50",
    "regnetx_002", "regnety_002", "densenet121", "vgg11_bn", "vgg16", "mobilenetv2_100",
    "mobilenetv3_small_100", "mobilenetv3_large_100", "mobilenetv4_conv_small", "efficientnet_b0",
    "efficientnet_lite0", "mnasnet_100", "ghostnet_100", "convnext_atto", "convnextv2_atto",
    "vit_tiny_patch16_224", "vit_small_patch32_224", "deit_tiny_patch16_224",
    "deit3_small_patch16_224", "swin_tiny_patch4_window7_224", "swinv2_tiny_window8_256",
    "mixer_s32_224", "resmlp_12_224", "pvt_v2_b0", "maxvit_rmlp_pico_rw_256", "levit_128s",
    "mobilevit_xxs", "mobilevitv2_050", "edgenext_xx_small", "inception_v3", "inception_v4", "dla34",
    "rexnet_100", "legacy_seresnet18", "skresnet18", "poolformer_s12", "repvit_m0_9", "fastvit_t8",
    "hrnet_w18_small", "cspresnet50", "ese_vovnet19b_dw", "tinynet_e",
)  # fmt: skip
"""More than twenty families; the smallest of each where several are alike."""
FAMILIES, FAMILIES_FILE = "families", "families.json"
SIDE = 224
STATED = f"{SIDE} or stated"
SIZING_LIMIT = 600.0
"""Seconds for the architectures of one module."""
TABLE, PAGE, SETTINGS_FILE = "coverage.csv", "coverage.md", "settings.json"


@click.command("coverage", context_settings=SETTINGS)
@click.option(
    "--models",
    default=",".join(MODELS),
    show_default=False,
    help="Names, patterns, or families: of each of timm's modules the smallest.",
)
@click.option("--granularities", default="weight,channel,2:4", help="What leaves.")
@click.option(
    "--pruner",
    default="magnitude_l2,group_norm_l2",
    help="The criterion; several where each granularity has one that is defined there.",
)
@click.option("--backend", default="onnxruntime_cpu", help="Exported to this one.")
@click.option(
    "--side",
    type=click.IntRange(min=32),
    help="Of the images, in pixels.  [default: 224, or what timm states where that does not run]",
)
@click.option("--workers", type=click.IntRange(min=1), help="Processes.  [default: cores]")
@click.option("--time-limit", type=FiniteRange(min=1), default=300, help="Seconds for each.")
@click.option(
    "--out",
    type=WritablePath(file_okay=False),
    default=Path("results/coverage"),
    help="Where coverage.csv and coverage.md go.",
)
@plugin_option
def coverage(
    *,
    models: str,
    granularities: str,
    pruner: str,
    backend: str,
    side: int | None,
    workers: int | None,
    time_limit: float,
    out: Path,
    plugin: str,
) -> None:
    """Prune many architectures to half, run them, export them, and compare the outputs.

    Half is of the multiply-accumulates at channel, else of the prunable weights. Weights are random:
    what is tested is whether it can be done, not how well. By default 48 architectures of more than
    twenty families. What is pruned at channel or weight is cut at 0.1 and 0.9 and in two rounds too;
    each must be read back as what it was. Exit code 1 where one cannot be covered.
    """
    catalogue = discover(plugin)
    criteria = catalogue.choose("pruner", pruner)
    runtime = catalogue.choose_one("backend", backend, option="--backend")
    chosen = selected_granularities(granularities, channel_multiples(catalogue))
    pruners = {granularity: criterion_at(granularity, criteria) for granularity in chosen}
    names, workers = ",".join(criterion.name for criterion in criteria), workers or physical_cores()
    architectures = _models(catalogue, models, out, workers=workers)
    _claim(out, {"pruner": names, "backend": runtime.name, "side": side or STATED})
    jobs = [
        CoverageJob(
            model=model,
            granularity=granularity,
            prune=pruner,
            backend=runtime,
            sides=(side,) if side else sides_of(model),
        )
        for model in architectures
        for granularity, pruner in pruners.items()
    ]
    files = {Path(file).stem for file in split_terms(plugin)}
    own = {model.name for model in architectures if type(model).__module__ in files}
    results = cover_all(jobs, out, workers=workers, time_limit=time_limit, anew=own)
    click.echo(summary(results))
    if any(result.step for result in results):
        sys.exit(1)


def _claim(out: Path, settings: Mapping[str, Any]) -> None:
    """Raises HarnessError where a folder's finished rows were made in another way."""
    path = out / SETTINGS_FILE
    earlier = json.loads(path.read_text()) if path.is_file() else settings
    if earlier != settings:
        settings_words = ", ".join(f"{name} {value}" for name, value in earlier.items())
        raise HarnessError(f"{out} holds coverage with {settings_words}: choose another --out")
    write_file(path, json.dumps(settings).encode())


def sides_of(model: Model) -> tuple[int, ...]:
    """Sides of images that are tried: 224, and what timm states where that is another."""
    stated = stated_side(model.name)
    return (SIDE, stated) if stated and stated != SIDE else (SIDE,)


def _models(catalogue: Catalogue, terms: str, out: Path, *, workers: int) -> list[Model]:
    if terms not in (",".join(MODELS), FAMILIES):
        return catalogue.choose_models(terms)
    # What one release of timm does not have costs its own line, not the command.
    names = _families(out, workers) if terms == FAMILIES else MODELS
    return [model for name in names for model in catalogue.models(name)]


def _families(out: Path, workers: int) -> list[str]:
    """The smallest architecture of each of timm's modules, found by building all that there are."""
    import timm

    path = out / FAMILIES_FILE
    if not path.is_file():
        modules = {module: module for module in timm.list_modules()}
        sizings = _outcomes(
            smallest_of, modules, "sizing", out, workers=workers, time_limit=SIZING_LIMIT
        )
        smallest = smallest_by_module(dict(sizings))
        write_file(path, json.dumps(smallest, indent=1, sort_keys=True).encode())
    names: dict[str, str] = json.loads(path.read_text())
    return list(names.values())


def cover_all(
    jobs: Sequence[CoverageJob],
    out: Path,
    *,
    workers: int,
    time_limit: float,
    anew: Collection[str] = (),
) -> list[CoverageResult]:
    """What became of each, in their order; written after each one, and finished ones taken over.

    Models `anew` are covered again: a file of theirs may have been edited since.
    """
    results = {f"{r.model} {r.granularity}": r for r in _finished(out) if r.model not in anew}
    pending = {job.label: job for job in jobs if job.label not in results}
    covering = _outcomes(run_coverage, pending, "covering", out, workers=workers, time_limit=time_limit)
    for label, outcome in covering:
        job = pending[label]
        lost = CoverageResult(
            model=job.model.name,
            granularity=job.granularity,
            step="process",
            reason=outcome.failure,
        )
        results[label] = outcome.value or lost
        _write(out, [results[job.label] for job in jobs if job.label in results])
    return [results[job.label] for job in jobs]


def _outcomes(
    function: Callable[[Job], Result],
    jobs: Mapping[str, Job],
    phase: str,
    out: Path,
    *,
    workers: int,
    time_limit: float,
) -> Iterator[tuple[str, Outcome[Result]]]:
    """Label and outcome of each job as it ends, with a bar of how many have."""
    out.mkdir(parents=True, exist_ok=True)
    engine = LocalEngine(
        workers=workers, time_limit=time_limit, log=out / "log.txt", preloads=preloads_of()
    )
    with ConsoleProgress(0) as progress:
        progress.phase(phase, len(jobs))
        for label, outcome in engine.run(function, jobs, watching=progress.running):
            yield label, outcome
            progress.done(label, 1)


def _finished(out: Path) -> list[CoverageResult]:
    if not (out / TABLE).is_file():
        return []
    table = pd.read_csv(out / TABLE, keep_default_na=False, na_values=[""])
    good = table[table["step"].isna()].astype(object).fillna("")
    return [CoverageResult(**{str(n): row[n] for n in row}) for row in good.to_dict("records")]


def _write(out: Path, results: Sequence[CoverageResult]) -> None:
    table = pd.DataFrame([asdict(result) for result in results])
    table.to_csv(out / TABLE, index=False)
    lines = [
        (r.model, r.granularity, r.step or "ok", f"{r.removed:.1%}" if r.removed else "", r.reason)
        for r in results
    ]
    escaped = [[escaped_markdown(word) for word in line] for line in lines]
    headers = ("model", "granularity", "result", "removed", "reason")
    page = tabulate(escaped, headers, tablefmt="github", disable_numparse=True)
    (out / PAGE).write_text(f"# Coverage\n\n{summary(results)}\n\n{page}\n", encoding="utf-8")


def summary(results: Sequence[CoverageResult]) -> str:
    """How many succeed at each granularity, in one sentence."""
    every = Counter(result.granularity for result in results)
    good = Counter(result.granularity for result in results if not result.step)
    counts = [f"{good[name]} of {count} at {name}" for name, count in every.items()]
    return f"Pruned to half, run, exported and compared: {', '.join(counts)}."
