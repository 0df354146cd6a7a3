"""Watch a run to its end; Ctrl-C asks once, a second one ends at once."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
from typing import TYPE_CHECKING, Any

import typer

from automl_bridge.cli.entry import INTERRUPTED, typed
from automl_bridge.cli.output import current
from automl_bridge.cli.work import summary
from automl_bridge.errors import AutoMLBridgeError
from automl_bridge.reports.words import short_id

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    from automl_bridge.config import Config
    from automl_bridge.runs.record import RunRecord
    from automl_bridge.session import Session

__all__ = ["finish", "follow", "say_how_to_go_on", "show"]


def follow(session: Session, record: RunRecord, config: Config, *, header: bool = True) -> None:
    """Watch ``record`` to its end, say what came of it, and leave with the exit code that fits.

    Parameters
    ----------
    session, record, config
        What to watch, and by what.
    header
        Whether to say what is learned from what; False where that was said.

    Raises
    ------
    typer.Exit
        With 1 if it ended without a model, 130 after Ctrl-C.
    """
    try:
        ended = _watch(session, record, header=header)
    except KeyboardInterrupt:
        _interrupted(session, record.id, config)
        raise typer.Exit(INTERRUPTED) from None
    except AutoMLBridgeError as error:
        # The run is as it was: what kept us from watching it is the caller's to mend.
        go_on = f"automl-bridge runs wait {short_id(record.id)} goes on with the run"
        error.hint = f"{error.hint}; then {go_on}" if error.hint else go_on
        error.run_id = record.id  # type: ignore[attr-defined] # for the document of the error
        raise
    finish(session, ended, config)


def _watch(session: Session, record: RunRecord, *, header: bool) -> RunRecord:
    from automl_bridge.reports.live import watcher_for

    with watcher_for(current().out, header=header) as watcher:
        watcher.update(record)
        return session.wait(record.id, on_progress=watcher.update)


def finish(session: Session, record: RunRecord, config: Config, *, header: bool = False) -> None:
    """Say what came of a run that has ended, and mirror it if it is to be; exit code 1 if there is no model."""
    show(session, record, config, header=header)
    if config.mlflow_tracking_uri:
        from automl_bridge.reports.mlflow_mirror import mirror_run

        current().line(f"  mlflow     {mirror_run(session, record, config.mlflow_tracking_uri)}")
    if record.model is None or record.failure is not None:
        raise typer.Exit(1)


def show(session: Session, record: RunRecord, config: Config, *, header: bool) -> None:
    """Print a run, or write its document."""
    from automl_bridge.reports.terminal import print_view

    output = current()
    view, document = summary(session, record, config)
    print_view(output.out, view, header=header)
    if output.json_mode:
        output.document(document | _error(record))


def _error(record: RunRecord) -> dict[str, Any]:
    """Return the error that a run without a model stands for, as any other error has it; nothing for the others."""
    if not record.state.is_final:
        return {}
    try:
        record.raise_if_failed()
    except AutoMLBridgeError as error:
        return {"error": typed(error)}
    return {}


def _interrupted(session: Session, run_id: str, config: Config) -> None:
    """Ask whether to stop it; where nobody can be asked, stop it."""
    output = current()
    with _second_interrupt_ends(session, run_id):
        if output.is_terminal and sys.stdin.isatty() and _keep_running():
            output.line(f"\n  It goes on.   automl-bridge runs wait {short_id(run_id)}")
            if output.json_mode:
                output.document(summary(session, session.get(run_id), config)[1])
            return
        output.line("\n  Stopping; the best model so far is kept. Ctrl-C again ends at once.")
        session.cancel(run_id)
        record = session.wait(run_id)
        show(session, record, config, header=False)
        _let_go(session, record)
        say_how_to_go_on(record)


def say_how_to_go_on(record: RunRecord) -> None:
    """Name the command that goes on with a stopped run, where its backend can."""
    from automl_bridge.capabilities import Feature
    from automl_bridge.registry import load_class

    if load_class(record.backend, installed=False).capabilities.supports(Feature.RESUME):
        current().line(f"  go on      automl-bridge runs resume {short_id(record.id)}")


def _let_go(session: Session, record: RunRecord) -> None:
    """End workers that stay warm for a next job, unless another run is at work there: who stops wants them gone."""
    others = (run for run in session.list() if run.backend == record.backend)
    if all(run.state.is_final or run.cancelling for run in others):
        session.kill()


def _keep_running() -> bool:
    """Ask once. No answer, or one that is not understood, stops: that loses nothing."""
    out = current().out
    out.print("\n  Stop the search?  [bold]s[/bold]  stop and keep the best so far   ", end="")
    out.print("[bold]b[/bold]  keep it running in the background", highlight=False)
    out.print("  s/b [s]: ", end="", markup=False)
    # Not input(): a Ctrl-C that comes before it sleeps would not be seen until Enter is pressed.
    while not select.select([sys.stdin], [], [], 0.2)[0]:
        pass
    return sys.stdin.readline().strip().lower().startswith("b")


@contextlib.contextmanager
def _second_interrupt_ends(session: Session, run_id: str) -> Iterator[None]:
    """End this process and its workers at once on another SIGINT; what was written down stays."""

    def end(_number: int, _frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        with contextlib.suppress(Exception):
            # Or it would go on before the next job as soon as somebody looks.
            if not session.get(run_id).cancelling:
                session.cancel(run_id)
        with contextlib.suppress(Exception):
            session.kill()
        message = f"\n  Ended at once. Finished trials are kept: automl-bridge runs resume {short_id(run_id)}\n"
        os.write(2, message.encode())
        # Not sys.exit: whatever this interrupted must not have a say.
        os._exit(INTERRUPTED)

    before = signal.signal(signal.SIGINT, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
