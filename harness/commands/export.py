"""`harness export`: the file that a row measured, to be deployed."""

from __future__ import annotations

from pathlib import Path

import click

from harness.discovery.loading import discover
from harness.options.declaration import SETTINGS, plugin_option
from harness.options.value_types import WritablePath
from harness.planning.row_dataset import row_dataset
from harness.runs.deployment_bundle import RowSelector, select_row, write_bundle
from harness.storage.files import write_file
from harness.storage.row import network_name
from harness.storage.run_folder import RunFolder

EXAMPLES = """\b
harness export results/resnet18-digits taylor@0.6 --backend onnxruntime_cpu
harness export RUN "group_norm_l2 channel@0.5" --backend ethos_u55 --out deployed
"""


@click.command("export", context_settings=SETTINGS, epilog=EXAMPLES)
@click.argument("run", type=click.Path(path_type=Path))
@click.argument("method")
@click.option("--backend", required=True, help="Whose row.")
@click.option("--model", help="Where the run has several.")
@click.option("--batch", type=int, help="Images per inference.  [default: the smallest]")
@click.option("--seed", type=int, help="[default: the smallest]")
@click.option("--dataset", help="Where it is elsewhere now.  [default: as the run was asked for]")
@click.option("--data-dir", type=click.Path(path_type=Path), help="Likewise.")
@click.option(
    "--out",
    type=WritablePath(file_okay=False),
    default=Path("exported"),
    help="A folder for the files.",
)
@plugin_option
def export(
    *,
    run: Path,
    method: str,
    backend: str,
    model: str | None,
    batch: int | None,
    seed: int | None,
    dataset: str | None,
    data_dir: Path | None,
    out: Path,
    plugin: str,
) -> None:
    """Write the file that a row of RUN measured, with a manifest of what it is.

    METHOD is `PRUNER@LEVEL`, with more words of the method where there are several, as
    "taylor channel@0.8"; or `dense`, or the name of a rival. A backend that loads a file gets
    that file; of one that runs PyTorch's model you get its weights and a program for
    torch.export.load. Nothing of the harness is needed to load them: the manifest says how an image
    becomes an input, and what the file itself says of its inputs and outputs.
    """
    folder, catalogue = RunFolder(run), discover(plugin)
    selector = RowSelector(method=method, backend=backend, model=model, batch=batch, seed=seed)
    row = select_row(folder.rows, selector)
    [network] = catalogue.choose_models(network_name(row))
    runtime = catalogue.choose_one("backend", backend, option="--backend")
    images = row_dataset(catalogue, row, folder.options, text=dataset, folder=data_dir)
    files = write_bundle(folder, row, model=network, dataset=images, backend=runtime)
    now = runtime.describe()["runtime"]
    if now != row["runtime"]:
        click.echo(f"measured with {row['runtime']}, made again with {now}", err=True)
    for name, content in files.items():
        write_file(out / name, content)
        click.echo(f"{out / name}  {len(content) / 1e6:.2f} MB")
