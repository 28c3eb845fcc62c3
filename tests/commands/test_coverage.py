"""`harness coverage`: a table that goes on where it was, and a line that sums it up."""

import pandas as pd

from harness.commands.coverage import summary
from harness.runs.coverage import CoverageResult
from tests.doubles import refusal


def test_what_works_and_what_does_not_is_counted_by_granularity():
    results = [
        CoverageResult(model="a", granularity="channel", removed=0.5),
        CoverageResult(model="b", granularity="channel", step="pruning", reason="no channels"),
        CoverageResult(model="a", granularity="weight", removed=0.5),
    ]
    assert "1 of 2 at channel, 1 of 1 at weight" in summary(results)


def test_the_command_writes_a_table_and_goes_on_where_it_was(command, tmp_path):
    models = ("coverage", "--models", "test_resnet", "--granularities", "channel,2:4")
    arguments = (*models, "--backend", "eager_cpu", "--out", "covered")
    first = command(*arguments, "--side", "224")
    assert first.returncode == 0, first.stderr
    assert "1 of 1 at channel, 1 of 1 at 2:4" in first.stdout
    table = pd.read_csv(tmp_path / "covered" / "coverage.csv")
    assert list(table["granularity"]) == ["channel", "2:4"]
    again = command(*arguments, "--side", "224")
    assert (again.returncode, again.stdout) == (0, first.stdout)
    assert pd.read_csv(tmp_path / "covered" / "coverage.csv").equals(table), "nothing was done again"
    told = refusal(command(*arguments))
    assert "covered holds coverage with pruner magnitude_l2,group_norm_l2, backend eager_cpu" in told
    assert "side 224: choose another --out" in told, "what timm states is another side"
