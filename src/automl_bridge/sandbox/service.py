"""What a vendor's stand-in hands over to be served."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, Any, Protocol

from automl_bridge.sandbox.clock import SimulatedClock
from automl_bridge.sandbox.faults import FaultBook

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from automl_bridge.sandbox.faults import Fault

__all__ = ["Calls", "Context", "Service"]

Environ = dict[str, Any]
StartResponse = "Callable[..., Any]"


class Calls:
    """How often each operation was called, faults included."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._lock = Lock()

    def count(self, operation: str) -> None:
        """Count one call of ``operation``."""
        with self._lock:
            self._counts[operation] += 1

    def clear(self) -> None:
        """Start again from nothing."""
        with self._lock:
            self._counts.clear()

    def to_json(self) -> dict[str, int]:
        """Return calls by operation, sorted by name."""
        with self._lock:
            return dict(sorted(self._counts.items()))


@dataclass
class Context:
    """What a stand-in works with: the clock, the faults in force, and where calls are counted."""

    clock: SimulatedClock = field(default_factory=SimulatedClock)
    faults: FaultBook = field(default_factory=FaultBook)
    calls: Calls = field(default_factory=Calls)
    settings: dict[str, Any] = field(default_factory=dict)
    """Switches of the vendor's own, changed by ``POST /sandbox/settings``."""


class Service(Protocol):
    """A vendor's stand-in: a WSGI application that can name the operation of a request and word a fault.

    It may have a ``certificate`` (`automl_bridge.sandbox.tls.Certificate`), and is then served over TLS, and a
    ``listening(url)``, which is told its address before the first request.
    """

    name: str
    request_handler: type | None
    """A subclass of werkzeug's request handler if the protocol needs one."""

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        """Answer a request (WSGI)."""
        ...

    def operation(self, environ: Environ) -> str:
        """Name the operation of a request, as ``service.Operation``; leaves the body readable.

        Nothing ("") for what is the stand-in's own and no call of the service: not counted, met by no fault.
        """
        ...

    def refuse(self, environ: Environ, fault: Fault) -> tuple[str, list[tuple[str, str]], bytes]:
        """Word a fault as the service does: status line, headers, body."""
        ...

    def control(self, action: str, body: Any) -> Any:
        """Do what ``POST /sandbox/<action>`` asks beyond the common ones; LookupError for an unknown one."""
        ...

    def environment(self, url: str) -> Mapping[str, str]:
        """Return the variables that lead the vendor's own clients to ``url``."""
        ...

    def close(self) -> None:
        """Stop what runs in the background."""
        ...
