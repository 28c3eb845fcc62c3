"""What the distribution says of what it needs is what is tested."""

import tomllib

from packaging.requirements import Requirement
from packaging.version import Version

from tests.doubles import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def lower_bounds() -> dict[str, Version]:
    needed = map(Requirement, PROJECT["dependencies"])
    return {
        requirement.name: Version(bound.version)
        for requirement in needed
        for bound in requirement.specifier
        if bound.operator == ">="
    }


def test_the_lowest_versions_that_are_tested_are_the_lowest_that_are_allowed():
    text = (ROOT / "tests" / "lowest.txt").read_text(encoding="utf-8")
    pinned = [Requirement(line) for line in text.splitlines() if not line.startswith("#")]
    tested = {pin.name: Version(next(iter(pin.specifier)).version) for pin in pinned}
    # Its first release of that minor version is on no index.
    assert tested.pop("torch").release[:2] == lower_bounds()["torch"].release
    assert tested == {n: v for n, v in lower_bounds().items() if n != "torch"}


def test_every_python_that_is_promised_is_allowed():
    promised = [word.split(" :: ")[-1] for word in PROJECT["classifiers"] if ":: Python ::" in word]
    assert promised == ["3.11", "3.12", "3.13"]
    assert PROJECT["requires-python"] == ">=3.11,<3.14"
