"""Scripts of libraries that a site carries."""

import pytest

from harness.errors import HarnessError
from harness.publishing._assets import site_assets, site_module


def test_scripts_are_classic_ones_that_a_page_opened_from_a_file_may_load():
    assets = site_assets()
    tables = assets["assets/tables.js"].decode()
    assert "globalThis.DataTable=" in tables
    assert "\nexport{" not in tables
    assert "DataTables" in tables.rpartition("globalThis")[2]
    assert b"vegaEmbed" in assets["assets/charts.js"]
    assert assets == site_assets()


def test_a_library_that_is_missing_is_named_with_what_brings_it():
    with pytest.raises(HarnessError, match=r"no_such_library.*pip install 'pruning-harness\[site\]'"):
        site_module("no_such_library")
