"""What a new distribution asks pip for is what installs the harness that wrote it."""

import json
from importlib.metadata import Distribution

import pytest

from harness.authoring import _requirement
from tests.doubles import ROOT

INDEX = None
REPOSITORY = {
    "url": "https://example.org/harness",
    "vcs_info": {"vcs": "git", "commit_id": "4b535dc"},
}
FOLDER = {"url": ROOT.as_uri(), "dir_info": {"editable": True}}
GONE = {"url": "file:///home/somebody/pruning_harness-0.1.0-py3-none-any.whl", "archive_info": {}}


class Installed(Distribution):
    """A distribution of which pip noted where it came from."""

    def __init__(self, noted):
        self.noted = noted

    def read_text(self, filename):
        if filename == "direct_url.json":
            return json.dumps(self.noted) if self.noted else None
        return "Metadata-Version: 2.1\nName: pruning-harness\nVersion: 0.1.0\n"

    def locate_file(self, path):
        return path


@pytest.mark.parametrize(
    ("noted", "requirement"),
    [
        (INDEX, "pruning-harness>=0.1.0"),
        (REPOSITORY, "pruning-harness @ git+https://example.org/harness@4b535dc"),
        (FOLDER, f"pruning-harness @ {ROOT.as_uri()}"),
        # As what tox builds of a checkout, and removes once it is installed.
        (GONE, f"pruning-harness @ {ROOT.as_uri()}"),
    ],
)
def test_it_comes_from_where_this_one_came(noted, requirement, monkeypatch):
    monkeypatch.setattr(_requirement, "distribution", lambda _: Installed(noted))
    assert _requirement.harness_requirement() == requirement
