"""``automl-bridge runs``: what was started, by whomever and whenever, and how it ended."""

from __future__ import annotations

from typing import Annotated

import typer

from automl_bridge.cli.options import RunId, command, examples
from automl_bridge.cli.output import current

__all__ = ["app"]

app = typer.Typer(help="List, show, wait for, cancel and resume runs.", no_args_is_help=True, rich_markup_mode="rich")


@app.command("list", epilog=examples("automl-bridge runs list", "automl-bridge runs list --limit 5 --json"))
@command
def list_(
    *,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, metavar="N", help="How many, newest first.")] = 20,
) -> None:
    """List runs, newest first."""
    from automl_bridge.cli.work import document, open_session
    from automl_bridge.reports.listing import runs_table

    output = current()
    with open_session(look=True) as session:
        found = sorted(session.list(), key=lambda record: record.created, reverse=True)
    shown = found[:limit]
    if output.json_mode:
        output.document({"runs": [document(record) for record in shown], "total": len(found)})
    elif not found:
        output.line("  no runs yet.   automl-bridge fit DATA.csv --target COLUMN")
    else:
        output.out.print(runs_table(shown))
        if len(found) > len(shown):
            output.line(f"  and {len(found) - len(shown):,} older; --limit N shows more")


@app.command("show", epilog=examples("automl-bridge runs show 2f9c31d0"))
@command
def show(*, run: RunId) -> None:
    """Show one run: where it stands, its trials, its scores."""
    from automl_bridge.cli.follow import show as show_run
    from automl_bridge.cli.work import configuration, open_session

    config = configuration()
    with open_session(config, look=True) as session:
        show_run(session, session.get(run), config, header=True)


@app.command("wait", epilog=examples("automl-bridge runs wait 2f9c31d0"))
@command
def wait(*, run: RunId) -> None:
    """Watch a run to its end, whoever started it, and finish what a killed process left undone."""
    from automl_bridge.cli.follow import finish, follow
    from automl_bridge.cli.work import configuration, open_session

    config = configuration()
    with open_session(config) as session:
        record = session.get(run)
        if record.state.is_final:
            finish(session, record, config, header=True)
        else:
            follow(session, record, config)


@app.command("cancel", epilog=examples("automl-bridge runs cancel 2f9c31d0"))
@command
def cancel(*, run: RunId) -> None:
    """Stop a run and keep its best model so far."""
    from automl_bridge.cli.follow import say_how_to_go_on
    from automl_bridge.cli.work import open_session
    from automl_bridge.reports.words import short_id

    output = current()
    with open_session() as session:
        record = session.get(run)
        if record.state.is_final:
            output.line(f"  {short_id(record.id)} had ended already: {record.state}")
        else:
            session.cancel(record.id)
            record = session.wait(record.id)
            kept = "the best model so far is kept" if record.model is not None else "there was no model yet"
            output.line(f"  {short_id(record.id)} is {record.state}: {kept}")
            say_how_to_go_on(record)
    if output.json_mode:
        output.document({"run_id": record.id, "state": str(record.state), "score": record.score})


@app.command("resume", epilog=examples("automl-bridge runs resume 2f9c31d0 --max-time 10m"))
@command
def resume(
    *,
    run: RunId,
    max_time: Annotated[
        str | None, typer.Option(metavar="TIME", help="Time for the rest; the run's own if not set.")
    ] = None,
    max_trials: Annotated[str | None, typer.Option(metavar="N", help="Trials in all.")] = None,
    max_cost: Annotated[str | None, typer.Option(metavar="USD", help="US dollars for the rest.")] = None,
    detach: Annotated[bool, typer.Option("--detach", help="Print the id and leave.")] = False,
) -> None:
    """Go on with a run that was stopped: a new run that starts from its finished trials."""
    from automl_bridge.budget import Budget
    from automl_bridge.cli.fit import leave_or_follow
    from automl_bridge.cli.work import configuration, open_session

    limits = {"max_time": max_time, "max_trials": max_trials, "max_cost_usd": max_cost}
    given = {name: value for name, value in limits.items() if value is not None}
    config = configuration()
    budget = Budget(**given) if given else None
    with open_session(config) as session:
        old = session.get(run)
        if old.cancelling and not old.state.is_final:
            # It was stopped in haste; what is left is to write down how it ended.
            session.wait(old.id)
        record = session.resume(old.id, budget=budget)
        leave_or_follow(session, record, config, detach=detach)
