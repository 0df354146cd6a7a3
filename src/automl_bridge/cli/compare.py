"""``automl-bridge compare``: one job at several backends, side by side, and a verdict."""

from __future__ import annotations

import sys
from pathlib import Path  # noqa: TC003 - the parser reads annotations
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from automl_bridge.cli.entry import INTERRUPTED
from automl_bridge.cli.forecasting import forecasting
from automl_bridge.cli.options import (
    DATA_PANEL,
    BadImages,
    Group,
    Holdout,
    MetricName,
    ProfileName,
    TaskName,
    Types,
    Weight,
    command,
    examples,
    parse_types,
)
from automl_bridge.cli.output import current

if TYPE_CHECKING:
    from automl_bridge.comparison.experiment import Prepared
    from automl_bridge.comparison.result import Comparison
    from automl_bridge.config import Config
    from automl_bridge.data.dataset import Dataset
    from automl_bridge.runs.record import RunRecord
    from automl_bridge.session import Session
    from automl_bridge.task import Task

__all__ = ["EXAMPLES", "compare"]

EXAMPLES = examples(
    "automl-bridge compare credit.csv --target status --backends autokeras,sagemaker --max-cost 30",
    "automl-bridge compare credit.csv --target status --backends autokeras --seeds 3 --yes --report report.html",
    "automl-bridge compare --resume 3f2a91c0 --save result.parquet",
)
_LIMITS, _OUTPUT = "Limits", "Output"


@command
@forecasting
def compare(  # noqa: PLR0913 - one parameter for each option
    *,
    data: Annotated[
        str | None,
        typer.Argument(metavar="DATA", help="What fit takes: a file, here or at s3://, gs:// or az://, or a folder."),
    ] = None,
    target: Annotated[
        list[str] | None,
        typer.Option("--target", "-t", metavar="COL", help="What to predict. Not needed for a folder of pictures."),
    ] = None,
    backends: Annotated[
        str | None, typer.Option(metavar="A,B", help="Who takes part besides the baseline; your backend if not set.")
    ] = None,
    seeds: Annotated[int, typer.Option(metavar="N", help="Seeds for each backend.", show_default=True)] = 1,
    task: TaskName = None,
    profile: ProfileName = None,
    metric: MetricName = None,
    objective: Annotated[
        str | None, typer.Option(metavar="nearest|exact", help="Whether what is nearest to the metric will do.")
    ] = None,
    seed: Annotated[
        str | None, typer.Option(metavar="N", help="Seed of the split, and the first of each backend.")
    ] = None,
    resume: Annotated[
        str | None, typer.Option(metavar="ID", help="Go on with this comparison; DATA is not needed.")
    ] = None,
    fresh: Annotated[bool, typer.Option("--fresh", metavar="", help="Begin anew although it has been made.")] = False,
    retry: Annotated[bool, typer.Option("--retry", metavar="", help="Try runs again that failed in it.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", metavar="", help="Start without asking.")] = False,
    max_time: Annotated[
        str | None, typer.Option(metavar="TIME", help="Of each run: 90s, 10m, 1h30m.", rich_help_panel=_LIMITS)
    ] = None,
    max_cost: Annotated[
        str | None, typer.Option(metavar="USD", help="US dollars for all runs together.", rich_help_panel=_LIMITS)
    ] = None,
    max_trials: Annotated[
        str | None, typer.Option(metavar="N", help="Candidate models of each run.", rich_help_panel=_LIMITS)
    ] = None,
    cap: Annotated[
        str | None,
        typer.Option(
            metavar="any|strict", help="strict: only cost caps that the services guarantee.", rich_help_panel=_LIMITS
        ),
    ] = None,
    types: Types = None,
    weight: Weight = None,
    group: Group = None,
    time: Annotated[
        str | None,
        typer.Option(metavar="COL", help="Split by time: the latest rows are held out.", rich_help_panel=DATA_PANEL),
    ] = None,
    holdout: Holdout = None,
    bad_images: BadImages = None,
    report: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write an HTML report.", rich_help_panel=_OUTPUT)
    ] = None,
    save: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the result as .parquet or .csv.", rich_help_panel=_OUTPUT),
    ] = None,
    forecast: dict[str, Any],
) -> None:
    """Train on several backends side by side, score them on one holdout, and say which is worth its money."""
    from automl_bridge.cli.work import configuration, open_session

    _check(data, resume, report, save)
    config = configuration(
        profile=profile, metric=metric, objective=objective, cap=cap, seed=seed, max_time=max_time,
        max_trials=max_trials, holdout=holdout,
    )  # fmt: skip
    roles: dict[str, Any] = {
        "types": parse_types(types or []),
        "weight": weight,
        "group": group,
        "time": time,
        "forecast": forecast,
        "bad_images": bad_images or "refuse",
    }
    how: dict[str, Any] = {"max_cost_usd": _dollars(max_cost), "seeds": seeds, "fresh": fresh, "retry": retry}
    if resume is not None:
        read = None
    else:
        assert data is not None
        read = _read(data, target or [], task, config, roles, _names(backends or config.backend))
    with open_session(config, look=True) as session:
        prepared = _prepare(session, resume, read, how)
        _go(session, prepared, config, yes=yes, report=report, save=save)


def _check(data: str | None, resume: str | None, report: Path | None, save: Path | None) -> None:
    """Look at everything that can be wrong before the data is read: that may take minutes."""
    from automl_bridge.errors import UsageError

    if resume is None and data is None:
        raise UsageError("compare needs DATA", hint="or --resume ID, to go on with a comparison")
    if save is not None and save.suffix not in {".parquet", ".csv"}:
        raise UsageError(f"--save {save} is neither .parquet nor .csv", hint="name it result.parquet or result.csv")
    for path in (report, save):
        if path is not None and not path.absolute().parent.is_dir():
            raise UsageError(f"there is no folder {path.absolute().parent}", hint="make it, or name another file")


def _names(words: str) -> list[str]:
    """Read ``a,b`` and look at each name."""
    from automl_bridge.registry import load_class

    names = list(dict.fromkeys(word.strip() for word in words.split(",") if word.strip()))
    for name in names:
        load_class(name, installed=False)
    return names


def _dollars(max_cost: str | None) -> float | None:
    from automl_bridge.budget import Budget

    return Budget(max_cost_usd=max_cost).max_cost_usd if max_cost is not None else None


class _Read(NamedTuple):
    """What was read: the data, what is learned from it, by whom, and what reading it gave cause to say."""

    dataset: Dataset
    task: Task
    target: tuple[str, ...] | None
    backends: list[str]
    notes: list[str]


def _read(
    data: str, target: list[str], task: str | None, config: Config, roles: dict[str, Any], backends: list[str]
) -> _Read:
    from automl_bridge.cli.fit import read_data

    learned, dataset, notes = read_data(data, target, task, config, roles)
    return _Read(dataset, learned, tuple(target) or None, backends, notes)


def _prepare(session: Session, resume: str | None, read: _Read | None, how: dict[str, Any]) -> Prepared:
    from automl_bridge.comparison.experiment import prepare, prepare_again

    if read is None:
        assert resume is not None
        return prepare_again(session, resume, retry=how["retry"])
    spec = session.spec(read.dataset, task=read.task, target=read.target)
    return prepare(session, read.dataset, spec, read.backends, notes=read.notes, **how)


def _go(
    session: Session, prepared: Prepared, config: Config, *, yes: bool, report: Path | None, save: Path | None
) -> None:
    """Show the estimate, ask, start, watch, and say what came of it."""
    from automl_bridge.comparison.experiment import start

    _require_extras(config, report)
    _say_beginning(prepared)
    if prepared.fresh and not yes:
        _ask(prepared)
    start(session, prepared)
    comparison = _watch(session, prepared, config, report=report is not None)
    _say_end(comparison, report=report, save=save)
    if config.mlflow_tracking_uri:
        from automl_bridge.reports.mlflow_mirror import mirror

        current().line(f"  mlflow     {mirror(comparison, config.mlflow_tracking_uri)}")
    if not comparison.complete or not any(row.score is not None for row in comparison.rows):
        raise typer.Exit(1)


def _require_extras(config: Config, report: Path | None) -> None:
    """Look whether what is wanted at the end can be had, before anything is run."""
    if report is not None:
        from automl_bridge.reports.plots.svg import require

        require()
    if config.mlflow_tracking_uri:
        from automl_bridge.reports.mlflow_mirror import require_mlflow

        require_mlflow()


def _say_beginning(prepared: Prepared) -> None:
    from automl_bridge.reports.build import header
    from automl_bridge.reports.comparison_text import print_estimate
    from automl_bridge.reports.terminal import print_header

    output, experiment = current(), prepared.experiment
    sandbox = any(run.sandbox for run in prepared.existing.values()) or _sandboxed(prepared)
    print_header(output.out, header(experiment.spec, sandbox=sandbox), experiment.notes)
    if prepared.fresh:
        print_estimate(output.out, prepared)
    else:
        words = f"{prepared.open_runs} of its runs go on" if prepared.open_runs else "nothing is run again"
        output.line(f"  note       comparison {experiment.id} is in the store: {words}; --fresh begins anew\n")


def _sandboxed(prepared: Prepared) -> bool:
    from automl_bridge.registry import load_class

    names = {one.member.backend for one in prepared.planned if one.plan is not None}
    return any(load_class(name, installed=False).in_sandbox() for name in names)


def _ask(prepared: Prepared) -> None:
    """Ask before anything is spent; where nobody can be asked, refuse.

    Raises
    ------
    UsageError
        If there is no terminal.
    typer.Exit
        If the answer is no.
    """
    from automl_bridge.errors import UsageError
    from automl_bridge.reports.words import plural

    output = current()
    if not (sys.stdin.isatty() and output.err.is_terminal):
        hint = "--yes starts without asking; automl-bridge estimate shows the costs alone"
        raise UsageError("compare asks before it starts, and there is no terminal to ask on", hint=hint)
    output.err.print(f"  Start {plural(prepared.fresh, 'run')}? [bold]y[/bold]/[bold]N[/bold]: ", end="")
    if not sys.stdin.readline().strip().lower().startswith("y"):
        output.line("  Nothing was started.")
        raise typer.Exit(0)
    output.err.print()


def _watch(session: Session, prepared: Prepared, config: Config, *, report: bool) -> Comparison:
    from automl_bridge.comparison.experiment import finish
    from automl_bridge.reports.compare_live import compare_watcher
    from automl_bridge.reports.page import get_ready
    from automl_bridge.runs.states import RunState
    from automl_bridge.session import Session as Opened

    def told(run: RunRecord) -> None:
        watcher.update(run)
        if report and run.state is RunState.SCORING:
            # Before the slowest has ended, and while this thread only waits for news.
            get_ready()

    try:
        with compare_watcher(current().out, prepared.experiment, session.price_book) as watcher:
            for run in session.get_many(prepared.experiment.runs).values():
                watcher.update(run)
            return finish(session, prepared, lambda: Opened(config), told)
    except KeyboardInterrupt:
        _say_how_to_go_on(session, prepared)
        raise typer.Exit(INTERRUPTED) from None


def _say_how_to_go_on(session: Session, prepared: Prepared) -> None:
    """Pause what works on this machine, and name what goes on at services without us."""
    from automl_bridge.comparison.experiment import pause
    from automl_bridge.reports.words import short_id

    away = pause(session, prepared.experiment)
    short = short_id(prepared.experiment.id)
    output = current()
    output.line(f"\n  Interrupted. The same command, or automl-bridge compare --resume {short}, goes on where it was.")
    if away:
        listed = ", ".join(f"{run.backend} {short_id(run.id)}" for run in away)
        output.line(f"  These go on at their services, and bill: {listed}")
        output.line(f"  automl-bridge runs cancel {short_id(away[0].id)} stops one and keeps its best model.")
    if any(run.plan.cap.kind == "watched" and run.spec.budget.max_cost_usd is not None for run in away):
        output.line("  A watched cap is looked after by the next fit, compare or runs list, and by nobody until then.")
    if output.json_mode:
        output.document({"comparison": prepared.experiment.id, "state": "interrupted"})


def _say_end(comparison: Comparison, *, report: Path | None, save: Path | None) -> None:
    from automl_bridge.reports.comparison_text import print_comparison
    from automl_bridge.reports.words import short_id

    output = current()
    print_comparison(output.out, comparison)
    written: dict[str, str] = {}
    if save is not None:
        written["saved"] = str(comparison.save(save))
    if report is not None:
        written["report"] = str(comparison.report(report))
    for label, path in written.items():
        output.line(f"  {label.ljust(11)}{path}")
    if not report:
        output.line(f"  report     automl-bridge compare --resume {short_id(comparison.id)} --report report.html")
    if output.json_mode:
        output.document(comparison.to_dict() | {"report": written.get("report"), "saved": written.get("saved")})
