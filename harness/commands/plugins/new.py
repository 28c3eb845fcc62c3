"""`harness new`: a plugin of one's own, from a template."""

from __future__ import annotations

from pathlib import Path

import click

from harness.authoring.plugin_template import GRIDS, PluginTemplate
from harness.commands.plugins._plugin_facts import example_run
from harness.discovery.loading import discover
from harness.errors import HarnessError
from harness.machine.availability import has_module
from harness.options.declaration import SETTINGS
from harness.options.value_types import WritablePath
from harness.storage.files import write_file

EXAMPLES = """\b
harness new pruner kurtosis            harness-kurtosis/, a distribution that passes its own tests
harness new dataset scans --file       scans.py, one file for --plugin
"""


@click.command(context_settings=SETTINGS, epilog=EXAMPLES)
@click.argument("kind", type=click.Choice(list(GRIDS)))
@click.argument("name")
@click.option("--file", "as_file", is_flag=True, help="One file instead, to be used with --plugin.")
@click.option(
    "--out",
    type=WritablePath(),
    show_default="here, under the plugin's name",
    help="Folder, or with --file the file, to write.",
)
def new(*, kind: str, name: str, as_file: bool, out: Path | None) -> None:
    """Begin a plugin of your own: module, entry point, tests with the conformance kit, tox, licence.

    What is written works as it is. Change the module; the tests say what its contract asks for.
    """
    template = PluginTemplate(kind=kind, name=name)
    _refuse_taken(kind, name)
    if as_file:
        _write_file(template, out or Path(f"{name}.py"))
    else:
        _write_distribution(template, out or Path(template.distribution))


def _refuse_taken(kind: str, name: str) -> None:
    catalogue = discover()
    if kind == "model":
        taken = bool(catalogue.models(name))
    else:
        taken = any((offer.kind, offer.name) == (kind, name) for offer in catalogue.offers)
    if taken:
        raise HarnessError(
            f"a {kind} is called {name!r} already (`harness list {kind}s`): take another"
        )


def _write_file(template: PluginTemplate, path: Path) -> None:
    if path.suffix != ".py" or not path.stem.isidentifier():
        raise HarnessError(f"--out {path}: a Python module's name, as my_{template.kind}.py")
    _refuse_existing(path)
    other = path.with_name(f"my_{path.name}")
    _refuse_hiding(path, way_out=f"name another with --out, as {other}")
    write_file(path, template.module_text().encode())
    click.echo(
        f"{path} is a {template.kind}. Next:\n\n"
        f"  harness check {path}\n"
        f"  {example_run(template.kind, template.name)} --plugin {path} --dry-run"
    )


def _refuse_hiding(path: Path, *, way_out: str) -> None:
    """Python finds a file before an installed module, in every program that is started beside it."""
    if has_module(path.stem):
        raise HarnessError(
            f"{path} would hide the module {path.stem!r} from programs beside it: {way_out}"
        )


def _write_distribution(template: PluginTemplate, folder: Path) -> None:
    _refuse_existing(folder)
    _refuse_hiding(Path(f"{template.module}.py"), way_out="take another name")
    for name, text in template.files().items():
        write_file(folder / name, text.encode())
    click.echo(
        f"{folder}/ is a distribution of a {template.kind}, which {template.module}.py holds. Next:\n\n"
        f"  cd {folder}\n"
        f"  pip install -e .\n"
        f"  harness check {template.distribution}\n"
        f"  {example_run(template.kind, template.name)} --dry-run"
    )


def _refuse_existing(path: Path) -> None:
    if path.exists():
        raise HarnessError(f"{path} is there already: remove it, or name another with --out")
