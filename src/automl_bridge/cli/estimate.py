"""``automl-bridge estimate``: what a job would cost, at all backends, before anything is sent."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from automl_bridge.cli.forecasting import forecasting
from automl_bridge.cli.options import (
    BadImages,
    MetricName,
    ProfileName,
    TaskName,
    command,
    examples,
    parse_types,
)
from automl_bridge.cli.output import current

__all__ = ["EXAMPLES", "estimate"]

EXAMPLES = examples(
    "automl-bridge estimate credit.csv --target status --max-time 1h",
    "automl-bridge estimate credit.csv --target status --backends autokeras,sagemaker --max-cost 5 --json",
)


@command
@forecasting
def estimate(  # noqa: PLR0913 - one parameter for each option
    *,
    data: Annotated[
        str,
        typer.Argument(metavar="DATA", help="What fit takes: a file, here or at s3://, gs:// or az://, or a folder."),
    ],
    target: Annotated[
        list[str] | None,
        typer.Option("--target", "-t", metavar="COL", help="What to predict; repeat it for several."),
    ] = None,
    backends: Annotated[
        str | None, typer.Option(metavar="A,B", help="Backends to ask; all if not set, installed or not.")
    ] = None,
    task: TaskName = None,
    profile: ProfileName = None,
    metric: MetricName = None,
    objective: Annotated[
        str | None, typer.Option(metavar="nearest|exact", help="Whether what is nearest to the metric will do.")
    ] = None,
    max_time: Annotated[str | None, typer.Option(metavar="TIME", help="Such as 90s, 10m, 1h30m.")] = None,
    max_cost: Annotated[str | None, typer.Option(metavar="USD", help="US dollars for the whole run.")] = None,
    max_trials: Annotated[str | None, typer.Option(metavar="N", help="Number of candidate models.")] = None,
    cap: Annotated[
        str | None, typer.Option(metavar="any|strict", help="strict: only a cost cap that the service guarantees.")
    ] = None,
    types: Annotated[
        list[str] | None, typer.Option("--type", metavar="COL=KIND", help="Set a column's kind by hand.")
    ] = None,
    holdout: Annotated[str | None, typer.Option(metavar="SHARE", help="Share of the rows to set aside.")] = None,
    bad_images: BadImages = None,
    time: Annotated[str | None, typer.Option(metavar="COL", help="Column of the stamps.")] = None,
    forecast: dict[str, Any],
) -> None:
    """Show what a job on DATA would cost at each backend; no account is needed and nothing is sent."""
    from automl_bridge.cli.fit import read_data
    from automl_bridge.cli.process import spare_pandas
    from automl_bridge.cli.work import configuration, open_session
    from automl_bridge.reports.estimate import estimates_document, print_estimates

    config = configuration(
        profile=profile,
        metric=metric,
        objective=objective,
        cap=cap,
        max_time=max_time,
        max_cost_usd=max_cost,
        max_trials=max_trials,
        holdout=holdout,
    )
    names = _names(backends)
    roles: dict[str, Any] = {"types": parse_types(types or []), "time": time, "forecast": forecast}
    roles["bad_images"] = bad_images or "refuse"
    spare_pandas()
    learned, dataset, notes = read_data(data, target, task, config, roles)
    with open_session(config) as session:
        rows = session.estimate(dataset, backends=names, task=learned, target=tuple(target or ()) or None)
    output = current()
    print_estimates(output.out, rows, notes)
    if output.json_mode:
        output.document(estimates_document(rows, notes))
    if not any(row.able for row in rows):
        raise typer.Exit(2)


def _names(words: str | None) -> list[str] | None:
    """Read ``a,b`` and look at each name before the data is read."""
    from automl_bridge.registry import load_class

    if words is None:
        return None
    names = list(dict.fromkeys(word.strip() for word in words.split(",") if word.strip()))
    for name in names:
        load_class(name, installed=False)
    return names
