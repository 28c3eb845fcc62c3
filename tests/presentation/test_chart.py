"""Charts as files, the same bytes each time, and packed for a page."""

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


def unpacked(part):
    """A specification as a page makes it again: columns back to records, numbers back to texts."""
    if isinstance(part, list):
        return [unpacked(own) for own in part]
    if not isinstance(part, dict):
        return part
    if "packed" not in part:
        return {name: unpacked(own) for name, own in part.items()}
    columns = {
        name: [own["texts"][number] for number in own["numbers"]] if isinstance(own, dict) else own
        for name, own in part["packed"].items()
    }
    return [dict(zip(columns, record, strict=True)) for record in zip(*columns.values(), strict=True)]


def test_an_svg_is_well_formed_and_the_same_bytes_each_time():
    svg = chart().svg()
    assert svg == chart().svg()
    root = ElementTree.fromstring(svg)  # noqa: S314 -- its own
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert TITLE in list(root.itertext()), "a name is text and no markup"


def test_a_png_and_a_pdf_are_what_they_are_called():
    assert chart().png().startswith(b"\x89PNG\r\n\x1a\n")
    assert chart().pdf().startswith(b"%PDF-")


def test_a_packed_chart_holds_the_same_records():
    packed = chart().packed
    assert packed["data"]["values"]["packed"]["method"] == {"texts": ["a", TITLE], "numbers": [0, 1, 0]}
    assert packed["data"]["values"]["packed"]["level"] == [0.5, 0.5, 0.9]
    assert unpacked(packed) == chart().spec
    assert unpacked(chart([]).packed) == chart([]).spec


def test_a_number_that_is_none_is_refused():
    with pytest.raises(ValueError, match="not JSON compliant"):
        chart([{"level": float("nan")}]).svg()
