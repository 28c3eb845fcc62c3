"""`harness convert`: a run's rows for MLflow, or for Hugging Face's `datasets`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from harness.errors import HarnessError
from harness.exchange.dataset_folder import dataset_files
from harness.exchange.mlflow_store import is_address, write_mlflow
from harness.options.declaration import SETTINGS
from harness.options.value_types import WritablePath
from harness.storage.files import write_file
from harness.storage.run_folder import RunFolder

EXAMPLES = """\b
harness convert results/resnet18-digits --to mlflow --out mlruns
harness convert results/resnet18-digits --to datasets --out my-dataset
"""


class FolderOrAddress(click.ParamType["str"]):
    """Folders that can be written to, and addresses of stores."""

    name = "folder or address"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:  # noqa: ANN401 -- click's own signature
        """The folder or the address. Fails where it is a folder that cannot be written."""
        if is_address(str(value)):
            return str(value)
        return str(WritablePath(file_okay=False).convert(value, param, ctx))


@click.command(context_settings=SETTINGS, epilog=EXAMPLES)
@click.argument("folder", type=click.Path(path_type=Path), metavar="RUN")
@click.option("--to", type=click.Choice(["mlflow", "datasets"]), required=True, help="For which tool.")
@click.option(
    "--out",
    type=FolderOrAddress(),
    required=True,
    help="A folder; for MLflow also an address, as sqlite:///mlflow.db.",
)
def convert(*, folder: Path, to: str, out: str) -> None:
    """Write RUN's rows for another tool.

    MLflow gets an experiment of the run's name with a run a measured row: what was asked for as
    parameters, numbers as metrics. `datasets.load_dataset(OUT)` gets one table of all columns, with a
    data card that explains each.
    """
    rows = RunFolder(folder).rows
    if to == "mlflow":
        count = write_mlflow(rows, store=out, experiment=folder.name)
        click.echo(f"Wrote {count} runs of the experiment {folder.name} to {out}")
        return
    if Path(out).is_dir() and any(Path(out).iterdir()):
        raise HarnessError(f"--out: {out} holds files already; choose another folder")
    files = dataset_files(rows, name=folder.name)
    for name, content in files.items():
        write_file(Path(out) / name, content)
    click.echo(f"Wrote {', '.join(f'{out}/{name}' for name in files)}")
