"""What the commands print: tables of plugins, plans and rankings."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

import click
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness.console._best_methods import best_sentences, listed
from harness.console._ranking_table import ranking_table
from harness.console._reports import write_reports
from harness.errors import visible
from harness.planning.training_cost import cost_alone, cost_shared
from harness.presentation.board_titles import recipe_sentences
from harness.ranking.leaderboard import leaderboards
from harness.ranking.remarks import remarks

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from harness.comparisons.comparison import MetricVerdict
    from harness.discovery.catalogue import Catalogue
    from harness.planning.plan import Plan
    from harness.planning.training_cost import TrainingCost
    from harness.ranking.leaderboard import RankedRows

FILE_WIDTH = 150
"""Characters of a line where output goes to a file."""


def console(*, stderr: bool = False) -> Console:
    """The terminal, or a page wide enough for the tables where output goes to a file."""
    page = Console(stderr=stderr)
    return page if page.is_terminal else Console(stderr=stderr, width=FILE_WIDTH)


def print_plan(page: Console, plan: Plan) -> None:
    """How many trials and cells there are, how many are owed, and the work they ask for."""
    table = _table("model", "pruner", "granularity", "scope", "schedule", "trials", "note")
    grouped = Counter(
        (
            trial.dense.model.name,
            *trial.method,
            trial.impossible or "",
        )
        for trial in plan.trials
    )
    for (*words, note), count in grouped.items():
        table.add_row(*map(_plain, words), str(count), _plain(note and f"skipped: {note}"))
    page.print(table)
    backends = {cell.backend.name for cell in plan.cells}
    page.print(
        f"{len(plan.trials)} trials, {len(plan.cells)} cells on {', '.join(sorted(backends))}; "
        f"{len(plan.pending)} cells are owed, "
        f"{len(plan.pending) - len(plan.runnable)} of them skipped.\n"
        f"Each snapshot for itself: {_cost_words(cost_alone(plan))}.\n"
        f"Shared, at most: {_cost_words(cost_shared(plan))}; less what is kept from earlier runs.",
        markup=False,
        highlight=False,
    )


def _cost_words(cost: TrainingCost) -> str:
    return (
        f"{cost.dense_epochs:g} epochs of dense training, {cost.finetune_epochs:g} of fine-tuning, "
        f"{cost.scorings} scorings, {cost.exports} exports, {cost.timings} timings"
    )


def print_ranking(page: Console, rows: RankedRows, *, batch: int | None = None) -> None:
    """The leaderboards (of one batch size where given) and what they show."""
    for board in leaderboards(rows):
        if batch is None or board.conditions["batch"] == batch:
            page.print(ranking_table(page, board))
            for sentence in remarks(board):
                print_sentence(page, f"  {sentence}")
            page.print()
    for sentence in recipe_sentences(rows.leaderboards):
        print_sentence(page, sentence)


def print_reports(folder: Path, rows: RankedRows, catalogue: Catalogue) -> None:
    """Let every reporter write, and say on stderr what was written and what went wrong."""
    written, problems = write_reports(folder, rows, catalogue.choose("reporter", "all"))
    for problem in problems:
        click.echo(f"harness: warning: {visible(problem)}", err=True)
    names = ", ".join(path.relative_to(folder).as_posix() for path in written)
    click.echo(f"Wrote into {folder}: {names}", err=True)


def print_best(page: Console, rows: RankedRows) -> None:
    """Which methods are best on each board, in a line each."""
    for sentence in best_sentences(rows.leaderboards):
        print_sentence(page, sentence)


def print_skipped(page: Console, rows: Sequence[Mapping[str, Any]]) -> None:
    """The cells that were skipped, in a line a reason; nothing where there are none."""
    cells, pruners = Counter[str](), defaultdict[str, dict[str, str]](dict)
    for row in rows:
        if row["status"] == "skipped":
            reason = str(row["reason"])
            # What is true of several criteria begins with the name of each.
            shared = reason.removeprefix(f"{row['pruner']} ")
            cells[shared] += 1
            pruners[shared][str(row["pruner"])] = reason
    for shared, count in cells.items():
        names = pruners[shared]
        [whole, *others] = names.values()
        told = f"{listed([*names])}: each {shared}" if others and whole != shared else whole
        print_sentence(page, f"Skipped {count} {'cell' if count == 1 else 'cells'}: {told}.")


def print_failed(page: Console, rows: Sequence[Mapping[str, Any]]) -> None:
    """The cells that failed, in a line a reason; nothing where there are none."""
    by_reason = defaultdict[str, list["Mapping[str, Any]"]](list)
    for row in rows:
        if row["status"] == "failed":
            by_reason[str(row["reason"])].append(row)
    for reason, failed in by_reason.items():
        methods = dict.fromkeys(f"{row['pruner']} {row['granularity']}".strip() for row in failed)
        backends = dict.fromkeys(str(row["backend"]) for row in failed)
        cells = f"{len(failed)} {'cell' if len(failed) == 1 else 'cells'}"
        where = f"{listed([*methods])} on {listed([*backends])}"
        print_sentence(page, f"Failed {cells}, of {where}: {reason}")


def print_sentence(page: Console, text: str) -> None:
    """A sentence for people, whatever its brackets mean to the terminal; nothing where it is empty."""
    if text:
        page.print(visible(text), markup=False, highlight=False)


def print_table(
    page: Console, headers: Sequence[str], lines: Sequence[Sequence[object]], *, title: str = ""
) -> None:
    """A table of plain words; nothing where there are no lines."""
    if lines:
        table = _table(*headers, title=title or None)
        for line in lines:
            table.add_row(*(_plain(str(word)) for word in line))
        page.print(table)


def print_findings(page: Console, title: str, remarks: Sequence[tuple[MetricVerdict, str]]) -> None:
    """What changed, each with its verdict in a word and the loss with its 95 % interval."""
    lines = [(f.metric, f.label, word, _loss(f)) for f, word in remarks]
    print_table(page, ("metric", "what", "verdict", "worse by"), lines, title=title)


def _loss(finding: MetricVerdict) -> str:
    if finding.loss is None:
        return ""
    unit = {"accuracy": " points", "score": " / 100"}.get(finding.metric, " %")
    value, low, high = (100 * bound for bound in vars(finding.loss).values())
    return f"{value:+.1f} ({low:+.1f} to {high:+.1f}){unit}"


def _table(*headers: str, title: str | None = None) -> Table:
    return Table(*headers, title=title, title_justify="left", box=box.SIMPLE_HEAD)


def _plain(text: str) -> Any:  # noqa: ANN401 -- rich takes a Text wherever it takes markup
    return Text(visible(text))
