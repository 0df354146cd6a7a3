"""``automl-bridge fit``: train, compare with the baseline, save."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Annotated, Any

import typer

from automl_bridge.cli.forecasting import forecasting
from automl_bridge.cli.options import (
    DATA_PANEL,
    BackendName,
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
    from automl_bridge.backend import Plan
    from automl_bridge.config import Config
    from automl_bridge.data.dataset import Dataset
    from automl_bridge.runs.record import RunRecord
    from automl_bridge.session import Session
    from automl_bridge.task import Task

__all__ = ["EXAMPLES", "fit", "leave_or_follow", "read_data"]

EXAMPLES = examples(
    "automl-bridge fit credit.csv --target status --max-time 2m",
    "automl-bridge fit s3://bucket/houses.parquet --target price --metric mae --max-trials 20",
    "automl-bridge fit churn.csv --target churn --type zip=categorical --weight weight --detach",
    "automl-bridge fit sales.csv --target sold --time day --series shop --horizon 14 --known-future promo",
    "automl-bridge fit photos/ --bad-images skip",
    "automl-bridge fit reviews.jsonl --target stars --task text-regression",
    "automl-bridge fit credit.csv --target status --dry-run --json",
)
_LIMITS, _OUTPUT = "Limits", "Output"


@command
@forecasting
def fit(  # noqa: PLR0913 - one parameter for each option
    *,
    data: Annotated[
        str,
        typer.Argument(
            metavar="DATA",
            help="A CSV, Parquet, Arrow or JSON-lines file, here or at s3://, gs:// or az://; "
            "or a folder with a subfolder of pictures a class.",
        ),
    ],
    target: Annotated[
        list[str] | None,
        typer.Option(
            "--target",
            "-t",
            metavar="COL",
            help="What to predict; repeat it for several. Not needed for a folder of pictures.",
        ),
    ] = None,
    task: TaskName = None,
    backend: BackendName = None,
    profile: ProfileName = None,
    metric: MetricName = None,
    objective: Annotated[
        str | None,
        typer.Option(metavar="nearest|exact", help="Whether a backend may optimise what is nearest to the metric."),
    ] = None,
    seed: Annotated[str | None, typer.Option(metavar="N", help="Seed of the split and of the search.")] = None,
    baseline: Annotated[
        bool,
        typer.Option("--baseline/--no-baseline", metavar="", help="Train the baseline beside it.", show_default=False),
    ] = True,
    max_time: Annotated[
        str | None, typer.Option(metavar="TIME", help="Such as 90s, 10m, 1h30m.", rich_help_panel=_LIMITS)
    ] = None,
    max_cost: Annotated[
        str | None, typer.Option(metavar="USD", help="US dollars for the whole run.", rich_help_panel=_LIMITS)
    ] = None,
    max_trials: Annotated[
        str | None, typer.Option(metavar="N", help="Number of candidate models.", rich_help_panel=_LIMITS)
    ] = None,
    cap: Annotated[
        str | None,
        typer.Option(
            metavar="any|strict", help="strict: only a cost cap that the service guarantees.", rich_help_panel=_LIMITS
        ),
    ] = None,
    types: Types = None,
    weight: Weight = None,
    group: Group = None,
    time: Annotated[
        str | None,
        typer.Option(
            metavar="COL",
            help="Split by time: the latest rows are held out. Of a forecast: the stamps.",
            rich_help_panel=DATA_PANEL,
        ),
    ] = None,
    holdout: Holdout = None,
    bad_images: BadImages = None,
    detach: Annotated[
        bool,
        typer.Option(
            "--detach", metavar="", help="Print the id and leave; runs wait goes on.", rich_help_panel=_OUTPUT
        ),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", metavar="", help="Print the plan; nothing is sent.", rich_help_panel=_OUTPUT)
    ] = False,
    forecast: dict[str, Any],
) -> None:
    """Train a model on DATA and score it beside the baseline on rows it has not seen."""
    from automl_bridge.cli.work import configuration, open_session
    from automl_bridge.reports.live import starting

    config = configuration(
        profile=profile,
        backend=backend,
        metric=metric,
        objective=objective,
        cap=cap,
        seed=seed,
        max_time=max_time,
        max_cost_usd=max_cost,
        max_trials=max_trials,
        holdout=holdout,
    )
    _check_names(config, task)
    roles = {"types": parse_types(types or []), "weight": weight, "group": group, "time": time, "forecast": forecast}
    roles["bad_images"] = bad_images or "refuse"
    learned, dataset, notes = read_data(data, target, task, config, roles)
    with open_session(config, look=not dry_run) as session:
        job: dict[str, Any] = {
            "task": learned,
            "target": tuple(target or ()) or None,
            "backend": config.backend,
            "metric": config.metric,
            "budget": config.budget,
            "objective": config.objective,
            "cap": config.cap,
            "seed": config.seed,
        }
        plan = session.plan(dataset, **job)
        if dry_run:
            _print_plan(plan, [*notes, *dataset.notes], config)
            return
        _print_beginning(plan, notes, detach=detach)
        with starting(current().err if detach else current().out, plan.backend):
            record = session.submit(dataset, **job, baseline=baseline)
        leave_or_follow(session, record, config, detach=detach, header=False)


def _check_names(config: Config, task: str | None) -> None:
    """Look at every name before the data: reading it may take minutes."""
    from automl_bridge.errors import UnknownNameError
    from automl_bridge.metrics import METRICS
    from automl_bridge.registry import load_class
    from automl_bridge.task import Task

    load_class(config.backend)
    if config.mlflow_tracking_uri:
        from automl_bridge.reports.mlflow_mirror import require_mlflow

        require_mlflow()
    if task is not None:
        Task.parse(task)
    if config.metric is not None and config.metric not in METRICS:
        raise UnknownNameError.of("metric", config.metric, METRICS)


def read_data(
    data: str, target: list[str] | None, task: str | None, config: Config, roles: dict[str, Any]
) -> tuple[Task, Dataset, list[str]]:
    """Read the data, and catch what its reader warns of, to be said once and in the report's own form."""
    from automl_bridge.data.build import build_dataset

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        learned, dataset = build_dataset(
            data,
            target=target[0] if target and len(target) == 1 else target or None,
            task=task,
            holdout=config.holdout,
            validation=config.validation,
            seed=config.seed,
            **roles,
        )
    return learned, dataset, list(dict.fromkeys(" ".join(str(warning.message).split()) for warning in caught))


def _print_plan(plan: Plan, notes: list[str], config: Config) -> None:
    from automl_bridge.registry import price_book
    from automl_bridge.reports.plan import plan_document, print_plan

    output = current()
    book = price_book(plan.backend, config)
    print_plan(output.out, plan, notes, book)
    if output.json_mode:
        output.document(plan_document(plan, notes, book))


def _print_beginning(plan: Plan, notes: list[str], *, detach: bool) -> None:
    """Say what is learned from what; with ``detach`` standard output is the id's, and only notes are said."""
    from automl_bridge.registry import load_class
    from automl_bridge.reports.build import header
    from automl_bridge.reports.terminal import print_header

    output = current()
    said = [*notes, *plan.notes]
    if not detach:
        sandbox = load_class(plan.backend, installed=False).in_sandbox()
        print_header(output.out, header(plan.spec, sandbox=sandbox), said)
    elif said:
        print_header(output.err, (), said)


def leave_or_follow(session: Session, record: RunRecord, config: Config, *, detach: bool, header: bool = True) -> None:
    """Print the id and leave, or watch the run to its end."""
    from automl_bridge.cli.follow import follow
    from automl_bridge.reports.words import short_id

    output = current()
    if not detach:
        follow(session, record, config, header=header)
    elif output.json_mode:
        output.document({"run_id": record.id, "state": str(record.state), "score": None, "backend": record.backend})
    else:
        output.out.print(record.id, highlight=False)
        output.err.print(f"automl-bridge runs wait {short_id(record.id)} shows how it ends", style="dim")
