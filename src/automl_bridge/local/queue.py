"""LocalQueue: jobs for worker processes on this machine, as a cloud service would take them."""

from __future__ import annotations

import json
import re
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from automl_bridge.errors import StateError, UnknownNameError, UsageError
from automl_bridge.local import launch
from automl_bridge.local.files import claim_text, storage_error
from automl_bridge.local.layout import JobFolder, Record, Workspace

if TYPE_CHECKING:
    from collections.abc import Mapping

    from automl_bridge.backend import Outcome, Progress

__all__ = ["LocalQueue"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


class LocalQueue:
    """Jobs that one handler works on, one at a time, in a process that stays warm between them.

    Everything is in files: any process may submit, look, cancel and collect, at the same time, and after any of
    them was killed. A job that has not ended and has no living supervisor is taken up again when someone looks.

    Parameters
    ----------
    workspace
        The folder of the queue; made when it is needed.
    handler
        ``package.module:function``, called in the worker as ``function(job: Job) -> Outcome``. It should be
        importable where the queue is used; folders of ``sys.path`` are handed on.
    linger
        Seconds that the worker stays warm after its last job.
    max_memory
        Bytes of resident memory that the worker and its children may use together; None: no limit.
    env
        Variables for the worker, beside those of the process that started the supervisor.
    """

    def __init__(
        self,
        workspace: Path,
        handler: str,
        *,
        linger: float = 30,
        max_memory: int | None = None,
        env: Mapping[str, str] | None = None,
    ) -> None:
        # Absolute, and always the same: processes are told apart by it.
        self._files = Workspace(Path(workspace).absolute())
        self._handler = handler
        self._linger = float(linger)
        self._max_memory = max_memory
        self._env = dict(env or {})

    def submit(self, name: str, request: dict[str, Any]) -> None:
        """Queue a job and start a supervisor if none is alive. A job of that name that exists stays as it is.

        Parameters
        ----------
        name
            The key of idempotency; letters, digits, ``.``, ``_`` and ``-``.
        request
            What the handler is asked; JSON. Keys that the queue reads too: ``max_time`` (seconds of work, from
            submission unless another job is before it), ``grace`` (seconds after the deadline until the worker
            is killed; 3, or 10 % of max_time if less), ``cancel_grace`` (seconds after a cancel; 3),
            ``attempts`` (how often a job that crashes is started in all; 2).

        Raises
        ------
        StorageError
            If it cannot be written.
        """
        folder = self._job(name)
        if folder.outcome.exists():
            return
        if not folder.request.exists():
            self._write_request(folder, request)
        self._ensure()
        launch.wake(self._files)

    def exists(self, name: str) -> bool:
        """Whether the job was submitted."""
        return self._job(name).request.exists()

    def folder(self, name: str) -> Path:
        """Return the job's folder, which need not exist."""
        return self._job(name).path

    def progress(self, name: str) -> Progress | None:
        """Look how far a job is; None if there is none of that name."""
        from automl_bridge.backend import JobState, Progress

        folder = self._job(name)
        text = _read(folder.progress)
        known = Progress(state=JobState.RUNNING) if text is None else Progress.model_validate_json(text)
        if folder.outcome.exists():
            ended = self.outcome(name)
            trials = ended.trials or known.trials
            return known.model_copy(update={"state": ended.state, "trials": trials})
        if not folder.request.exists():
            return None
        self._ensure()
        begun = folder.run.exists()
        return known.model_copy(update={"state": JobState.RUNNING if begun else JobState.PENDING})

    def cancel(self, name: str) -> None:
        """Ask a job to end and keep its best so far. One that has ended stays as it is.

        Raises
        ------
        UnknownNameError
            If there is no job of that name.
        """
        folder = self._known(name)
        if folder.outcome.exists():
            return
        claim_text(folder.cancel, "")
        self._ensure()
        launch.wake(self._files)

    def outcome(self, name: str) -> Outcome:
        """Return what came of a job that has ended.

        Raises
        ------
        UnknownNameError
            If there is no job of that name.
        StateError
            If it has not ended.
        """
        from automl_bridge.backend import Outcome

        folder = self._known(name)
        text = _read(folder.outcome)
        if text is None:
            self._ensure()
            raise StateError(f'job "{name}" has not ended', hint="wait until poll says so")
        return Outcome.model_validate_json(text)

    def kill(self) -> None:
        """End supervisor and worker now, and return when they are gone. Jobs that have not ended stay queued."""
        if self._files.path.exists():
            launch.kill(self._files)

    def _write_request(self, folder: JobFolder, request: dict[str, Any]) -> None:
        record = Record(
            name=folder.name,
            handler=self._handler,
            request=request,
            submitted=time.time(),
            env=self._env,
            python=sys.executable or "",
            path=[str(Path(entry).absolute()) for entry in sys.path],
            linger=self._linger,
            max_memory=self._max_memory,
        )
        text = json.dumps(asdict(record))
        try:
            folder.path.mkdir(parents=True, exist_ok=True)
            self._files.queue.mkdir(parents=True, exist_ok=True)
            # Before the request: killed in between, there is a sign without a job, which means nothing.
            # The other way round there would be a job that is never looked at.
            (self._files.queue / folder.name).touch()
        except OSError as error:
            raise storage_error(error, self._files.path) from error
        claim_text(folder.request, text)

    def _ensure(self) -> None:
        launch.ensure(self._files)

    def _job(self, name: str) -> JobFolder:
        if not _NAME.fullmatch(name):
            raise UsageError(f'"{name}" cannot be the name of a job', hint="use letters, digits, dots and dashes")
        return self._files.job(name)

    def _known(self, name: str) -> JobFolder:
        folder = self._job(name)
        if not folder.request.exists():
            known = self._files.jobs.iterdir() if self._files.jobs.exists() else ()
            raise UnknownNameError.of("job", name, sorted(path.name for path in known))
        return folder


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return None
