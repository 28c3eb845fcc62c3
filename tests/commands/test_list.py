"""`harness list`: every plugin with what it is, and apart, what cannot be used and why."""

from click.testing import CliRunner

from harness.commands.list import list_plugins
from harness.discovery.loading import discover


def test_all_that_is_available_is_listed_and_the_rest_stands_apart(monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    done = CliRunner().invoke(list_plugins)
    assert done.exit_code == 0
    listed, _, apart = done.output.partition("Broken or unavailable")
    catalogue = discover()
    assert all(f" {offer.name} " in listed for offer in catalogue.available())
    assert all(f" {name} " in apart for name, _, _ in catalogue.missing())
