"""``automl-bridge backends`` and ``automl-bridge doctor``: what can be used, and whether it would work."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from automl_bridge.cli.options import command, complete_backend, examples
from automl_bridge.cli.output import current

if TYPE_CHECKING:
    from automl_bridge.backend import Backend, Check

__all__ = ["BACKENDS_EXAMPLES", "DOCTOR_EXAMPLES", "backends", "doctor"]

BACKENDS_EXAMPLES = examples("automl-bridge backends", "automl-bridge backends --json")
DOCTOR_EXAMPLES = examples("automl-bridge doctor", "automl-bridge doctor autokeras")


@command
def backends() -> None:
    """Show which backend can do what, with the reason where it cannot; not installed ones too."""
    from automl_bridge.registry import names
    from automl_bridge.reports.terminal import Field

    kinds, broken = _loaded(names())
    output = current()
    if output.json_mode:
        described = [_description(name, kind) for name, kind in kinds.items()]
        output.document({"backends": described, "broken": broken})
    else:
        _print_backends(kinds)
        for name, why in broken.items():
            output.out.print(Field(name, [f"cannot be loaded: {why}"], width=13, style="red"))


def _loaded(names: list[str]) -> tuple[dict[str, type[Backend]], dict[str, str]]:
    """Load the classes; one whose package is broken must not hide the others."""
    from automl_bridge.registry import load_class

    kinds, broken = {}, {}
    for name in names:
        try:
            kinds[name] = load_class(name, installed=False)
        except Exception as error:  # noqa: BLE001 - a plugin's import may raise anything
            broken[name] = f"{type(error).__name__}: {error}"
    return kinds, broken


def _pip(name: str, kind: type[Backend]) -> str | None:
    """Return the line that installs what is missing; None if nothing is."""
    from automl_bridge.registry import missing_module

    return f'pip install "automl-bridge[{kind.extra or name}]"' if missing_module(kind) else None


def _description(name: str, kind: type[Backend]) -> dict[str, Any]:
    from automl_bridge.capabilities import Feature
    from automl_bridge.task import Task

    able = kind.capabilities
    return {
        "name": name,
        "installed": _pip(name, kind) is None,
        "install": _pip(name, kind),
        "verified": kind.verified,
        "tasks": {str(task): {"supported": able.supports(task), "reason": able.reason(task)} for task in Task},
        "features": {str(f): {"supported": able.supports(f), "reason": able.reason(f)} for f in Feature},
    }


def _print_backends(kinds: dict[str, type[Backend]]) -> None:
    from automl_bridge.capabilities import Feature
    from automl_bridge.reports.listing import matrix
    from automl_bridge.reports.terminal import Field
    from automl_bridge.task import Task

    out = current().out
    wanted: list[Task | Feature] = [*Task, *Feature]
    lines = [(str(name), [kind.capabilities.reason(name) for kind in kinds.values()]) for name in wanted]
    tasks = len(Task)
    out.print(matrix(list(kinds), lines[:tasks]))
    out.print()
    out.print(matrix(list(kinds), lines[tasks:]))
    for name, kind in kinds.items():
        out.print()
        pip = _pip(name, kind)
        out.print(Field(name, [kind.verified or "verified by nobody yet" if pip is None else f"not installed.   {pip}"],
                        width=13))  # fmt: skip
        for reason, what in _reasons(kind, wanted).items():
            out.print(Field("✘", [f"{', '.join(what)}: {reason}"], width=13, style="dim"))


def _reasons(kind: type[Backend], wanted: list[Any]) -> dict[str, list[str]]:
    """Group by reason: what cannot be done for the same one is said once."""
    grouped: dict[str, list[str]] = {}
    for name in wanted:
        reason = kind.capabilities.reason(name)
        if reason is not None:
            grouped.setdefault(reason, []).append(str(name))
    return grouped


@command
def doctor(
    *,
    backend: Annotated[
        str | None,
        typer.Argument(metavar="[BACKEND]", help="One backend; all if not given.", autocompletion=complete_backend),
    ] = None,
) -> None:
    """Look whether backends would work: packages, credentials, region, quota. Spends nothing.

    Ends with 1 if something that was found would keep a backend from working.
    """
    from automl_bridge.backend import Check
    from automl_bridge.registry import load_class, names

    if backend:
        # One that is asked for by name must be there; of all, those not installed are told how.
        kinds = {backend: load_class(backend)}
        broken: dict[str, str] = {}
    else:
        kinds, broken = _loaded(names())
    found = {name: _checks(name, kind) for name, kind in kinds.items()}
    found |= {
        name: [Check(name="package", ok=False, detail=f"cannot be loaded: {why}")] for name, why in broken.items()
    }
    _print_checks(found, kinds)
    if any(check.ok is False for checks in found.values() for check in checks):
        raise typer.Exit(1)


def _checks(name: str, kind: type[Backend]) -> list[Check]:
    from automl_bridge.backend import Check
    from automl_bridge.cli.work import open_session

    pip = _pip(name, kind)
    if pip is not None:
        return [Check(name="packages", ok=None, detail=f"not installed.   {pip}")]
    with open_session() as session:
        return list(session.check(name))


def _print_checks(found: dict[str, list[Check]], kinds: dict[str, type[Backend]]) -> None:
    from automl_bridge.reports.listing import checks_table

    output = current()
    if output.json_mode:
        listed = {name: [check.model_dump(mode="json") for check in checks] for name, checks in found.items()}
        output.document({"ok": all(c.ok is not False for checks in found.values() for c in checks), "checks": listed})
        return
    for name, checks in found.items():
        verified = kinds[name].verified if name in kinds else ""
        output.line(f"  {name}" + (f"   {verified}" if verified else ""))
        output.out.print(checks_table(checks))
