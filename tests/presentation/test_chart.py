"""Charts as files, the same bytes each time, and packed for a page."""

import base64
import gzip
import json
from xml.etree import ElementTree

import pytest

from harness.presentation.chart import Chart

TITLE = "<script>alert(1)</script> & $x$"
RECORDS = [
    {"method": "a", "level": 0.5, "top1": 0.9, "kind": None},
    {"method": TITLE, "level": 0.5, "top1": None, "kind": "channel"},
    {"method": "a", "level": 0.9, "top1": 0.75, "kind": "channel"},
]


def chart(records=RECORDS) -> Chart:
    encoding = {"x": {"field": "level", "type": "quantitative"}}
    ends = {"data": {"values": [{"level": 0.0}, {"level": 1.0}]}, "mark": "rule", "encoding": encoding}
    layers = [{"mark": "point", "encoding": encoding}, ends]
    return Chart(spec={"title": TITLE, "data": {"values": records}, "layer": layers})


def test_an_svg_is_well_formed_and_the_same_bytes_each_time():
    svg = chart().svg()
    assert svg == chart().svg()
    root = ElementTree.fromstring(svg)  # noqa: S314 -- its own
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert TITLE in list(root.itertext()), "a name is text and no markup"


def test_a_png_and_a_pdf_are_what_they_are_called():
    assert chart().png().startswith(b"\x89PNG\r\n\x1a\n")
    assert chart().pdf().startswith(b"%PDF-")


def test_what_a_page_unpacks_is_what_is_drawn():
    unpacked = gzip.decompress(base64.b64decode(chart().gzipped))
    assert json.loads(unpacked) == chart().spec
    assert chart().gzipped == chart().gzipped


def test_a_number_that_is_none_is_refused():
    with pytest.raises(ValueError, match="not JSON compliant"):
        chart([{"level": float("nan")}]).svg()
