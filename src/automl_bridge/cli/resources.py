"""``automl-bridge resources``: what this tool left at services, what it costs a day, and its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from automl_bridge.cli.options import command, complete_backend, examples
from automl_bridge.cli.output import current

if TYPE_CHECKING:
    from automl_bridge.backend import Resource
    from automl_bridge.costs.cost import Cost
    from automl_bridge.session import Session

__all__ = ["EXAMPLES", "resources"]

EXAMPLES = examples(
    "automl-bridge resources",
    "automl-bridge resources --backend sagemaker --kind endpoint --delete",
)


@command
def resources(
    *,
    backend: Annotated[
        str | None,
        typer.Option("--backend", "-b", metavar="NAME", help="One backend.", autocompletion=complete_backend),
    ] = None,
    kind: Annotated[str | None, typer.Option(metavar="KIND", help="Only resources of this kind.")] = None,
    delete: Annotated[bool, typer.Option("--delete", metavar="", help="Delete what is listed, after asking.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", metavar="", help="Delete without asking.")] = False,
) -> None:
    """List what still exists at all services and may bill, with dollars a day; --delete removes it.

    What runs that have not ended use is never deleted: cancel them first. Ends with 1 if a service could not be asked.
    """
    from automl_bridge.cli.work import configuration, open_session
    from automl_bridge.costs.cost import cost_of

    output = current()
    with open_session(configuration(), look=True) as session:
        found, silent = _found(session, backend)
        listed = [one for one in found if kind in (None, one.kind)]
        owners = _owners(session, listed)
        costs = [cost_of(one.usage_per_day, session.price_book(one.backend)) for one in listed]
        _print(listed, costs, owners, silent)
        removed = _delete(session, listed, owners, yes=yes) if delete and listed else {}
    if output.json_mode:
        output.document(_document(listed, costs, owners, silent, removed))
    if silent or any(removed.values()):
        raise typer.Exit(1)


def _found(session: Session, backend: str | None) -> tuple[list[Resource], dict[str, str]]:
    """Return what backends list, and for those that could not be asked why; not installed ones have left nothing."""
    from automl_bridge.errors import AutoMLBridgeError, MissingExtraError
    from automl_bridge.registry import names

    found: list[Resource] = []
    silent = {}
    for name in [backend] if backend else names():
        try:
            found += session.resources(name)
        except MissingExtraError:
            if backend:
                raise
        except AutoMLBridgeError as error:
            if backend:
                raise
            silent[name] = error.message
    return found, silent


def _owners(session: Session, listed: list[Resource]) -> dict[str, str]:
    """Return for each name that a resource was made under how its run stands, or that this store does not know it."""
    states = {run.name: str(run.state) for run in session.list()} if listed else {}
    # A run's further jobs have its name and an ending of their own.
    names = {one.run: "-".join(one.run.split("-")[:2]) for one in listed if one.run}
    return {made: states.get(name, "not in this store") for made, name in names.items()}


def _in_use(resource: Resource, owners: dict[str, str]) -> bool:
    state = owners.get(resource.run or "", "not in this store")
    return state not in {"succeeded", "failed", "cancelled", "not in this store"}


def _print(listed: list[Resource], costs: list[Cost], owners: dict[str, str], silent: dict[str, str]) -> None:
    from automl_bridge.reports.resources import resources_table, total
    from automl_bridge.reports.terminal import Field

    output = current()
    if listed:
        output.out.print(resources_table(listed, costs, owners))
        output.line(f"  {total(costs)}   automl-bridge resources --delete")
    elif not silent:
        output.line("  nothing: no service holds anything that this tool made")
    for name, why in silent.items():
        output.out.print(Field(name, [f"could not be asked: {why}"], style="yellow", width=13))


def _delete(session: Session, listed: list[Resource], owners: dict[str, str], *, yes: bool) -> dict[str, str]:
    """Delete what no running run uses; returns for each what went wrong, empty if nothing did."""
    from automl_bridge.errors import AutoMLBridgeError, UsageError

    output = current()
    free = [one for one in listed if not _in_use(one, owners)]
    if len(free) < len(listed):
        output.line(f"  {len(listed) - len(free)} of them are used by runs that have not ended: they stay")
    if not free:
        return {}
    if not yes:
        if output.json_mode or not output.is_terminal:
            raise UsageError("nobody can be asked whether to delete", hint="add --yes to delete without being asked")
        typer.confirm(f"  Delete {len(free)}? Models among them can then no longer predict", abort=True)
    removed = {}
    for one in free:
        try:
            session.delete(one)
            removed[one.name] = ""
            output.line(f"  deleted {one.kind} {one.name}")
        except AutoMLBridgeError as error:
            removed[one.name] = error.message
            output.line(f"  {one.kind} {one.name} could not be deleted: {error.message}")
    return removed


def _document(
    listed: list[Resource], costs: list[Cost], owners: dict[str, str], silent: dict[str, str], removed: dict[str, str]
) -> dict[str, Any]:
    rows = [
        {
            **one.model_dump(mode="json", exclude={"usage_per_day"}),
            "usd_per_day": cost.usd,
            "unknown": list(cost.unknown),
            "run_state": owners.get(one.run or ""),
            "deleted": removed.get(one.name) == "",
            "error": removed.get(one.name) or None,
        }
        for one, cost in zip(listed, costs, strict=True)
    ]
    known = all(cost.usd is not None for cost in costs)
    total = sum(cost.known_usd for cost in costs)
    return {"resources": rows, "usd_per_day": total if known else None, "known_usd_per_day": total, "silent": silent}
