"""Runs of several backends side by side: a thread for each backend, so that none waits for another's upload.

Each thread has a session of its own and drives all runs of its backend by one loop, which asks the service about all
of them in one call. The store, not memory, is what the threads share; a process that dies leaves runs that the next
one goes on with.
"""

from __future__ import annotations

import queue
import threading
import time
from functools import partial
from typing import TYPE_CHECKING

from automl_bridge.runs.states import RunState

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from automl_bridge.runs.record import RunRecord
    from automl_bridge.session import Session

__all__ = ["drive_all"]

_LEAVE_SECONDS = 10.0
"""How long threads get to give their runs back when the caller is interrupted."""


def drive_all(
    open_session: Callable[[], Session],
    runs: Mapping[str, Sequence[str]],
    on_progress: Callable[[RunRecord], None] = lambda _: None,
    afterwards: Callable[[Session, list[RunRecord]], None] = lambda _session, _runs: None,
    scoring: Callable[[Session, RunRecord], None] = lambda _session, _run: None,
) -> dict[str, Exception]:
    """Bring all runs to their ends.

    Parameters
    ----------
    open_session
        Makes a session for a thread.
    runs
        Ids by backend.
    on_progress
        Called in the caller's thread with a run whose record has changed.
    afterwards
        Called in a backend's own thread with its session and its runs, when they have ended: what takes time there
        takes none of the others'.
    scoring
        Called there too with a run that has a model now, before its holdout is predicted.

    Returns
    -------
    dict of str to Exception
        What keeps the runs of a backend from going on (credentials, a full disk); they are not failed by it.

    Raises
    ------
    KeyboardInterrupt
        If the caller is interrupted: the runs are let go of as they are.
    """
    blocked: dict[str, Exception] = {}
    # A thread that has ended says so by None.
    news: queue.SimpleQueue[RunRecord | None] = queue.SimpleQueue()
    leave = threading.Event()

    def drive(backend: str, ids: Sequence[str]) -> None:
        try:
            with open_session() as session:
                ended = session.drive(
                    ids,
                    until=lambda run: run.state.is_final or leave.is_set(),
                    on_progress=_telling(news.put, partial(scoring, session)),
                )
                if not leave.is_set():
                    afterwards(session, ended)
        except Exception as error:  # noqa: BLE001 - one backend must not end the others; it is said at the end
            blocked[backend] = error
        finally:
            news.put(None)

    # Daemons: one that is stuck in a call of a service must not keep an interrupted process alive.
    threads = [
        threading.Thread(target=drive, args=item, name=f"compare-{item[0]}", daemon=True) for item in runs.items()
    ]
    for thread in threads:
        thread.start()
    try:
        left = len(threads)
        while left:
            record = news.get()
            if record is None:
                left -= 1
            else:
                on_progress(record)
    except BaseException:
        leave.set()
        deadline = time.monotonic() + _LEAVE_SECONDS
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        raise
    return blocked


def _telling(news: Callable[[RunRecord], None], scoring: Callable[[RunRecord], None]) -> Callable[[RunRecord], None]:
    def told(run: RunRecord) -> None:
        news(run)
        if run.state is RunState.SCORING:
            scoring(run)

    return told
