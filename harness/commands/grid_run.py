"""The run of a grid: planned, carried out in its folder, ranked and accounted for.

What functions import here brings PyTorch or worker processes, which a finished run has no need of.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import click
import psutil

from harness.console.run_report import RunOutcome, RunReport
from harness.machine.time_breakdown import TimeBreakdown, time_sentence
from harness.planning.initial_weights import unlike_inputs
from harness.planning.plan import make_plan
from harness.ranking.leaderboard import RankingRule
from harness.ranking.ranks import contenders
from harness.runs.level_check import check_levels, measure_reaches, trials_to_try
from harness.runs.preloads import import_for_run, preloads_of
from harness.runs.sizing import (
    in_arithmetic_of,
    in_fastest_arithmetic,
    remembered_costs,
    training_step_ms,
    try_training_costs,
    workers_that_fit,
)
from harness.storage.files import write_file
from harness.storage.ledger import DAMAGED, Ledger
from harness.storage.run_folder import OPTIONS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from harness.console.progress import ConsoleProgress
    from harness.discovery.catalogue import Catalogue
    from harness.engines.engine import Engine, EngineFactory
    from harness.engines.ray_cluster import Cluster
    from harness.engines.shard import Shard
    from harness.planning.grid import Grid
    from harness.planning.plan import Plan
    from harness.runs.execution import Execution
    from harness.runs.level_check import Reach
    from harness.runs.runner import Runner


MAX_PODIUM_SEEDS = 8
LEVELS = "trying how much can leave"
LEVELS_SECONDS = 5.0
"""That it takes, about."""


@dataclass(frozen=True, kw_only=True)
class GridRun:
    """What is run, where, how, and with which plugins.

    With `auto_arithmetic`, models train as the folder's rows of them did, or in what is fastest here;
    with `workers_by_memory`, on fewer workers where memory is short. Where a `podium` is asked for,
    further seeds are spent on methods that may be on it, until it is decided or eight are spent.
    """

    grid: Grid
    folder: Path
    execution: Execution
    catalogue: Catalogue
    rule: RankingRule = RankingRule()
    cluster: Cluster | None = None
    auto_arithmetic: bool = False
    workers_by_memory: bool = False
    podium: int | None = None

    def plan(self, *, fresh: bool) -> Plan:
        """What is owed, as far as is known without trying anything; all of it where `fresh`."""
        rows = [] if fresh else Ledger(self.folder).read()[0]
        return self._in_earlier_arithmetics(rows)._plan(rows)

    def reaches(
        self, plan: Plan, time_breakdown: TimeBreakdown | None = None, *, sufficing: bool = False
    ) -> list[Reach]:
        """How much of each network can leave; only what a check of levels needs where `sufficing`.

        Nothing is written.
        """
        trials = trials_to_try(plan, sufficing=sufficing)
        if not trials:
            return []
        time_breakdown = time_breakdown or TimeBreakdown()
        with TemporaryDirectory() as folder:
            engine = self._local_engine(time_breakdown, Path(folder))
            with time_breakdown.counting("pruning"):
                return measure_reaches(trials, engine)

    def execute(self, *, fresh: bool, began: float, options: str = "") -> RunOutcome:
        """Do what is owed, then print and write the ranking; `began` is when the command did.

        What was asked for is kept in the folder as `options`, a configuration file.
        """
        from harness.console.progress import ConsoleProgress

        time_breakdown, progress = TimeBreakdown(), ConsoleProgress()
        with progress:
            if fresh or not Ledger(self.folder).read()[0]:
                # Before the plan, which imports PyTorch: there is work to be done.
                self._begin_imports(time_breakdown)
            plan = self.plan(fresh=fresh)
            if plan.pending:
                self._expect(plan, progress)
            progress.phase(LEVELS, 0)
            check_levels(self.reaches(plan, time_breakdown, sufficing=True))
        with Ledger(self.folder).lock():
            if fresh:
                from harness.runs.runner import clear

                clear(self.folder)
            write_file(self.folder / OPTIONS, options.encode())
            if plan.pending:
                progress.note(f"{len(plan.pending)} rows to be measured, into {self.folder}")
            rows = self._sound_rows(progress)
            with progress:
                grid_run = self._in_earlier_arithmetics(rows)._sized_to_machine(time_breakdown)
            plan = grid_run._plan(rows)
            if not plan.pending:
                text = f"Nothing to do: all {len(plan.cells)} cells are in {self.folder}."
                click.echo(text, err=True)
            worked = bool(plan.pending)
            try:
                if worked:
                    grid_run._hold_weights_against_images(time_breakdown)
                for further in grid_run._plans(plan):
                    plan = plan.with_cells(further)
                    if further.pending:
                        worked = True
                        grid_run._carry_out(further, plan, time_breakdown, progress)
            except KeyboardInterrupt:
                grid_run._report.answer(grid_run._report.conclude(plan))
                raise
            outcome = grid_run._report.conclude(plan)
        if worked:
            spent, workers = time.perf_counter() - began, grid_run.execution.workers
            click.echo(time_sentence(time_breakdown, seconds=spent, workers=workers), err=True)
        self._report.answer(outcome)
        return outcome

    def _sound_rows(self, progress: ConsoleProgress) -> list[dict[str, Any]]:
        """Rows of the folder; those that are damaged are set aside, and named."""
        rows, damages = Ledger(self.folder).read()
        if damages:
            Ledger(self.folder).set_aside_damaged()
        for damage in damages:
            progress.note(f"{damage}: set aside in {DAMAGED}")
        return rows

    def _hold_weights_against_images(self, time_breakdown: TimeBreakdown) -> None:
        """Say where given weights were trained on other inputs, before anything is done."""
        grid = self.grid
        with time_breakdown.counting("evaluating"):
            for sentence in unlike_inputs(
                grid.networks, grid.inputs, grid.weights, reset_classifier=grid.reset_classifier
            ):
                click.echo(sentence, err=True)

    def _plans(self, plan: Plan) -> Iterator[Plan]:
        """The plan, then a seed at a time of those methods of which it is open who is on the podium."""
        yield plan
        seeds = list(self.grid.seeds)
        while self.podium and len(seeds) < MAX_PODIUM_SEEDS:
            boards = self._report.rows(plan).leaderboards
            methods = contenders([board.ranking for board in boards], self.podium)
            if not methods:
                return
            seeds.append(max(seeds) + 1)
            click.echo(
                f"Who is among the best {self.podium} is open among {len(methods)} methods: "
                f"seed {seeds[-1]} is spent on them.",
                err=True,
            )
            grid = replace(self.grid, seeds=seeds[-1:], methods=methods)
            further = replace(self, grid=grid)._plan(Ledger(self.folder).rows())
            yield further
            plan = plan.with_cells(further)

    def train_shard(self, shard: Shard) -> RunOutcome:
        """Only train a shard of what is owed, beside others in the same folder, writing no rows."""
        plan = self.plan(fresh=False)
        from harness.console.progress import ConsoleProgress

        with self._runner(TimeBreakdown(), ConsoleProgress()) as runner:
            return RunOutcome(failures=len(runner.train(plan, shard)), folder=self.folder)

    def _plan(self, rows: Sequence[Mapping[str, Any]]) -> Plan:
        least, metered = self.execution.stopping_rule.least, self.execution.meter is not None
        return make_plan(self.grid, rows, processes=least, metered=metered)

    def _in_earlier_arithmetics(self, rows: Sequence[Mapping[str, Any]]) -> GridRun:
        """The same, where models that were trained before are trained as then."""
        if not self.auto_arithmetic:
            return self
        source = self.execution.dense_from
        earlier = [*(Ledger(source).rows() if source else ()), *rows]
        return replace(self, grid=in_arithmetic_of(self.grid, earlier))

    def _sized_to_machine(self, time_breakdown: TimeBreakdown) -> GridRun:
        """The same, with what is fastest here for other models, and as many workers as have memory."""
        if self.cluster is not None:
            # Elsewhere another arithmetic may be the fastest, and there is other memory.
            return self
        say, workers, grid = partial(click.echo, err=True), self.execution.workers, self.grid
        step_costs = remembered_costs(grid)
        new = {model.name for model in grid.networks} - grid.arithmetics.keys() - step_costs.keys()
        if self.auto_arithmetic and new and grid.trains:
            engine = self._local_engine(time_breakdown, self.folder)
            with time_breakdown.counting("training"):
                step_costs |= try_training_costs(grid, new, engine, say=say)
        if self.auto_arithmetic and grid.trains:
            grid = in_fastest_arithmetic(grid, step_costs, say=say)
        if self.workers_by_memory:
            free = psutil.virtual_memory().available / 1e6
            workers = workers_that_fit(workers, step_costs, free_mb=free, say=say)
        return replace(self, grid=grid, execution=replace(self.execution, workers=workers))

    def _expect(self, plan: Plan, progress: ConsoleProgress) -> None:
        """Say what is to come, and about how long it takes."""
        from harness.planning.run_forecast import run_forecast

        step_ms = training_step_ms(self.grid)
        rule, workers = self.execution.stopping_rule, self.execution.workers
        phases = run_forecast(
            self._stages(plan), step_ms=step_ms, workers=workers, timing_seconds=rule.seconds
        )
        progress.expect(len(plan.pending), [(LEVELS, LEVELS_SECONDS), *phases])

    def _stages(self, plan: Plan) -> Sequence[Plan]:
        """Seed by seed on this machine; a cluster takes all."""
        return [plan] if self.cluster is not None else plan.stages()

    def _carry_out(
        self, plan: Plan, whole: Plan, time_breakdown: TimeBreakdown, progress: ConsoleProgress
    ) -> None:
        """Stage by stage, with a provisional table after each.

        The first is of what is timed first, so that there is one to look at as early as can be.
        """
        stages = self._stages(plan)
        self._expect(plan, progress)
        with self._runner(time_breakdown, progress) as runner:
            show = partial(self._report.show_provisional, progress.console, whole)
            runner.carry_out(stages[0], first_timed=show)
            for stage in stages[1:]:
                show()
                runner.carry_out(stage)

    @contextmanager
    def _runner(self, time_breakdown: TimeBreakdown, progress: ConsoleProgress) -> Iterator[Runner]:
        with self._engine(time_breakdown) as engine, progress:
            from harness.runs.runner import Runner

            runner = Runner(
                self.folder.resolve(),
                replace(self.execution, engine=engine),
                catalogue=self.catalogue,
                observer=progress,
                time_breakdown=time_breakdown,
            )
            yield runner

    @contextmanager
    def _engine(self, time_breakdown: TimeBreakdown) -> Iterator[EngineFactory | None]:
        """What makes engines where others than this machine work; processes here start in time."""
        if self.cluster is not None:
            from harness.engines.ray_engine import ray_engines

            grid = self.grid
            plugins = [*grid.networks, grid.dataset, *grid.pruners, *grid.schedules, *grid.backends]
            with ray_engines(self.cluster, self.folder.resolve(), plugins) as engine:
                yield engine
            return
        self._start_processes(time_breakdown)
        yield None

    def _local_engine(self, time_breakdown: TimeBreakdown, folder: Path) -> Engine:
        """Processes here that print to a file of that folder, before the run itself begins."""
        self._start_processes(time_breakdown)
        from harness.engines.local import LocalEngine
        from harness.runs.runner import LOG

        return LocalEngine(
            workers=self.execution.workers,
            time_limit=self.execution.time_limit,
            limits=self.execution.limits,
            log=folder / LOG,
            preloads=preloads_of(self.grid.dataset),
        )

    def _begin_imports(self, time_breakdown: TimeBreakdown) -> None:
        """Start the workers' server where they run here; this process imports its own meanwhile."""
        from harness.engines.local import start_server

        with time_breakdown.counting("starting"):
            if self.cluster is None:
                start_server(preloads_of(self.grid.dataset))
            import_for_run()

    def _start_processes(self, time_breakdown: TimeBreakdown) -> None:
        """Wait until processes here start in no time."""
        from harness.engines.local import wait_for_server

        self._begin_imports(time_breakdown)
        with time_breakdown.counting("starting"):
            wait_for_server(preloads_of(self.grid.dataset))

    @property
    def _report(self) -> RunReport:
        return RunReport(grid=self.grid, folder=self.folder, catalogue=self.catalogue, rule=self.rule)
