"""Plugin template: the files of a new plugin, as a distribution or as one file."""

from __future__ import annotations

import keyword
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from string import Template

from harness.authoring._requirement import harness_requirement
from harness.discovery.plugin_name import name_problem
from harness.errors import HarnessError

TEMPLATES = Path(__file__).parent / "templates"
GRIDS: Mapping[str, str] = {
    "pruner": 'pruners = "$name,random"',
    "schedule": 'pruners = "random"\nschedules = "$name"\nfinetune-epochs = 1',
    "model": 'pruners = "random"\nmodels = "$name"',
    "dataset": 'pruners = "random"\ndataset = "$name"',
    "backend": 'pruners = "random"\nbackends = "$name"',
    "meter": 'pruners = "random"\nmeter = "$name"',
    "reporter": 'pruners = "random"',
}
"""By kind, the lines of a small grid that a new plugin is part of."""
SMALL_GRID: Mapping[str, str] = {
    "models": '"test_resnet"',
    "granularities": '"channel"',
    "levels": "[0.5]",
    "seeds": "[0]",
    "backends": '"eager_cpu"',
    "batch-sizes": '"1"',
    "dense-epochs": "4",
    "finetune-epochs": "0.5",
    "timing-seconds": "5",
    "arithmetic": '"fp32"',
}
"""What the grid says besides."""


@dataclass(frozen=True, kw_only=True)
class PluginTemplate:
    """Template of one kind of plugin, filled in with a name."""

    kind: str
    name: str

    def __post_init__(self) -> None:
        """Raise HarnessError where the name cannot be that of a plugin and of a module."""
        problem = name_problem(self.kind, self.name)
        if problem is None and keyword.iskeyword(self.name):
            problem = f"{self.name!r} cannot be a module's name too: it is a word of Python itself"
        if problem is None and not self.name.isidentifier():
            problem = (
                f"{self.name!r} cannot be a module's name too: letters, digits and _, no digit first"
            )
        if problem:
            raise HarnessError(problem)

    @property
    def module(self) -> str:
        """The module that holds the plugin, in a distribution."""
        return f"harness_{self.name}"

    @property
    def distribution(self) -> str:
        """The distribution's name, and its folder's."""
        return self.module.replace("_", "-").lower()

    def module_text(self) -> str:
        """The plugin itself: at most 25 lines."""
        return self._filled(f"{self.kind}.py")

    def files(self) -> dict[str, str]:
        """Text of each file of the distribution, by its path in the folder."""
        return {
            "pyproject.toml": self._filled("pyproject.toml"),
            f"{self.module}.py": self.module_text(),
            f"tests/test_{self.name}.py": self._filled("test.py"),
            "tox.ini": self._filled("tox.ini"),
            "requirements.txt": f"{harness_requirement()}\n",
            "regression/grid.toml": self._grid(),
            "README.md": self._filled("README.md"),
            "LICENSE": self._filled("LICENSE"),
            ".gitignore": "/.tox/\n__pycache__/\n/dist/\n",
        }

    def _grid(self) -> str:
        own = Template(GRIDS[self.kind]).substitute(self._words)
        typed = {line.partition(" = ")[0] for line in own.splitlines()}
        rest = [f"{key} = {value}" for key, value in SMALL_GRID.items() if key not in typed]
        return "\n".join(
            ("# A small grid, for `tox -e baseline` and `tox -e regression`.", own, *rest, "")
        )

    def _filled(self, file: str) -> str:
        text = (TEMPLATES / f"{file}.template").read_text(encoding="utf-8")
        return Template(text).substitute(self._words)

    @property
    def _words(self) -> dict[str, str]:
        words = self.name.split("_")
        return {
            "kind": self.kind,
            "name": self.name,
            "Class": "".join(word[:1].upper() + word[1:] for word in words),
            "module": self.module,
            "distribution": self.distribution,
            "year": str(datetime.now(tz=UTC).year),
        }
