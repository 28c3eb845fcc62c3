"""Values of papers beside what was measured."""

import pytest

from harness.errors import HarnessError
from harness.publishing.reported import read_reported, reported_of
from tests.doubles import ROOT, made_row

KNOWN = """
[[reported]]
model = "resnet18"
dataset = "dig*"
pruner = "fpgm"
value = "93 %"
source = "He 2019"
"""


def test_a_value_is_of_one_criterion_on_one_network(tmp_path):
    (tmp_path / "r.toml").write_text(KNOWN)
    reported = read_reported(tmp_path / "r.toml")
    assert reported_of(reported, made_row(pruner="fpgm")) == "93 % (He 2019)"
    for other in ({"pruner": "hrank"}, {"model": "resnet50"}, {"dataset": "cifar"}):
        assert reported_of(reported, made_row(**{"pruner": "fpgm"} | other)) == ""


WRONG = [
    "[[reported]]\nmodel = 'a'", KNOWN + "year = '2019'", KNOWN.replace('"93 %"', "93"),
    "reported = [3]", "x =", "reported = 5", "reported = 'a'", "x = " + "[" * 60_000,
]  # fmt: skip


@pytest.mark.parametrize("text", WRONG)
def test_what_is_no_reported_value_is_refused_with_what_one_needs(tmp_path, text):
    (tmp_path / "r.toml").write_text(text)
    with pytest.raises(HarnessError, match="--reported"):
        read_reported(tmp_path / "r.toml")


def test_the_published_file_is_one():
    assert len(read_reported(ROOT / "results" / "reported.toml")) == 1
