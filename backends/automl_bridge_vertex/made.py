"""Things that are made once, though their names are not unique and an answer may be lost.

Before something is made, its intent is written to the job's folder, which is consistent at once; after it, the name
that the service gave (of the thing, or of the operation that makes it). So whoever comes next knows more than a list,
which may lag:

===========================  ======================================================================================
what is there                what is done
===========================  ======================================================================================
the thing, by its labels     it is taken
no intent                    it was never asked for: it is made
an intent and a name         the operation is resumed by its name
an intent without a name     the request may have got through: it is looked for until `settle` has passed since
===========================  ======================================================================================
"""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from automl_bridge.errors import RejectedError, TransientError

if TYPE_CHECKING:
    from collections.abc import Callable

    from automl_bridge.cloud.layout import Location
    from automl_bridge_vertex.clients import Clients
    from automl_bridge_vertex.objects import Objects

__all__ = ["Making", "wait_for"]

_LONGEST_WAIT = 10.0
"""Seconds between two looks at an operation, at most."""


class Making:
    """Makes the things of one job.

    Parameters
    ----------
    folder
        Of the job.
    settle
        Seconds that lists may lag behind.
    """

    def __init__(self, folder: Location, objects: Objects, settle: float) -> None:
        self._folder = folder / "made"
        self._objects = objects
        self._settle = settle
        self._seen: dict[str, float] = {}

    def name_of(self, kind: str) -> str | None:
        """Return the name that was noted for a thing, or for the operation that makes it; None if there is none."""
        found = self._objects.read_json(self._folder, f"{kind}.json")
        return None if found is None else str(found["name"])

    def note(self, kind: str, name: str) -> None:
        """Note a name; the first one that was noted stays."""
        self._objects.create(self._folder, f"{kind}.json", json.dumps({"name": name}).encode(), "application/json")

    def once(self, kind: str, find: Callable[[], Any | None], make: Callable[[], Any]) -> Any:
        """Return the thing that ``find`` finds; if it does so for long enough not, what ``make`` makes."""
        while True:
            found = find()
            if found is not None:
                return found
            attempts, age = self._attempts(kind)
            if age is None or age >= self._settle:
                break
            time.sleep(min(0.5, max(0.01, self._settle - age)))
        intent = json.dumps({"at": datetime.now(UTC).isoformat()}).encode()
        if not self._objects.create(self._folder, f"{kind}-{attempts}.intent", intent, "application/json"):
            # Another process is about to make the same thing: it will be there.
            raise TransientError(f"another process is making the {kind} of {self._folder.uri}")
        return make()

    def _attempts(self, kind: str) -> tuple[int, float | None]:
        """Return the number of attempts so far, and the seconds since the last one."""
        held = [one for one in self._objects.listed(self._folder) if one.key.endswith(".intent")]
        mine = [one for one in held if one.key.rpartition("/")[2].startswith(f"{kind}-")]
        if not mine:
            return 0, None
        last = max(mine, key=lambda one: one.modified)
        # By the bucket's clock and ours, or by ours alone since it was first seen: whichever says more.
        first_seen = self._seen.setdefault(last.key, time.monotonic())
        age = max((datetime.now(UTC) - last.modified).total_seconds(), time.monotonic() - first_seen)
        return len(mine), age


def wait_for(name: str, clients: Clients, client: Any, doing: str, patience: float) -> Any | None:
    """Wait for a long-running operation, by its name; returns it when it is done, None if it is not known any more.

    Raises
    ------
    RejectedError
        If it ended with an error.
    TransientError
        If it has not ended after ``patience`` seconds; asked again, the wait goes on.
    """
    deadline, pause = time.monotonic() + patience, 0.05
    while True:
        operation = clients.found(doing, client.get_operation, name)
        if operation is None:
            return None
        if operation.done:
            if operation.HasField("error"):
                error = operation.error
                raise RejectedError(f"{doing}: {error.message} (code {error.code})", hint="start a new run")
            return operation
        if time.monotonic() >= deadline:
            raise TransientError(
                f"{doing}: not done after {patience:.0f} s",
                hint="automl-bridge runs wait goes on waiting for it",
            )
        time.sleep(min(pause, max(0.0, deadline - time.monotonic())))
        pause = min(pause * 1.5, _LONGEST_WAIT)
