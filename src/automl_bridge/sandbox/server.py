"""A stand-in on a socket, in this process: what tests use, and what `life` runs in a process of its own."""

from __future__ import annotations

import logging
import threading
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Any, Self
from wsgiref.handlers import format_date_time

from automl_bridge.errors import MissingExtraError, UnknownNameError
from automl_bridge.sandbox.clock import DEFAULT_FACTOR, SimulatedClock
from automl_bridge.sandbox.middleware import SandboxApp
from automl_bridge.sandbox.service import Context

if TYPE_CHECKING:
    from collections.abc import Callable

    from automl_bridge.sandbox.faults import FaultBook
    from automl_bridge.sandbox.service import Calls, Service
    from automl_bridge.sandbox.tls import Certificate

__all__ = ["GROUP", "SandboxServer", "load_factory", "providers"]

GROUP = "automl_bridge.sandboxes"
"""Entry points of this group name a factory each: ``factory(context) -> Service``."""


def providers() -> list[str]:
    """Return the names of the stand-ins that are installed."""
    return sorted({point.name for point in entry_points(group=GROUP)})


def load_factory(provider: str) -> Callable[[Context], Service]:
    """Load the factory of ``provider``: the name of an entry point, or ``module:function`` itself.

    Raises
    ------
    UnknownNameError
        If no stand-in has that name.
    MissingExtraError
        If what it needs is not installed.
    """
    points = {point.name: point for point in entry_points(group=GROUP)}
    if ":" in provider:
        points = {provider: EntryPoint(provider, provider, GROUP)}
    if provider not in points:
        raise UnknownNameError.of("sandbox", provider, sorted(points))
    try:
        return points[provider].load()  # type: ignore[no-any-return]
    except ModuleNotFoundError as error:
        raise MissingExtraError.of(f"{provider} sandbox", "sandbox", error.name or str(error)) from error


class SandboxServer:
    """A stand-in that listens on the loopback address until it is closed.

    Parameters
    ----------
    factory
        Makes the service; a name loads the factory of that provider.
    port
        0 takes a free one.
    factor
        Simulated seconds in a real one while a job runs.
    """

    host = "127.0.0.1"

    def __init__(
        self, factory: str | Callable[[Context], Service], *, port: int = 0, factor: float = DEFAULT_FACTOR
    ) -> None:
        from werkzeug.serving import WSGIRequestHandler, make_server

        make = load_factory(factory) if isinstance(factory, str) else factory
        self.context = Context(clock=SimulatedClock(factor))
        self.service = make(self.context)
        base = self.service.request_handler or WSGIRequestHandler
        handler = type("Handler", (_Handler, base), {"clock": self.context.clock})
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        self.certificate: Certificate | None = getattr(self.service, "certificate", None)
        self._server = make_server(
            self.host,
            port,
            SandboxApp(self.service, self.context),
            threaded=True,
            request_handler=handler,
            ssl_context=self.certificate.server_context() if self.certificate else None,
        )
        listening = getattr(self.service, "listening", None)
        if listening is not None:
            listening(self.url)
        self._thread = threading.Thread(target=self._server.serve_forever, name=f"sandbox-{self.service.name}")
        self._thread.daemon = True
        self._thread.start()

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        """Its address."""
        return f"http{'s' if self.certificate else ''}://{self.host}:{self.port}"

    @property
    def env(self) -> dict[str, str]:
        """The variables that lead the vendor's clients here, and ``AUTOML_BRIDGE_SANDBOX``."""
        return {**self.service.environment(self.url), "AUTOML_BRIDGE_SANDBOX": self.service.name}

    @property
    def clock(self) -> SimulatedClock:
        """Its simulated clock."""
        return self.context.clock

    @property
    def faults(self) -> FaultBook:
        """The faults in force."""
        return self.context.faults

    @property
    def calls(self) -> Calls:
        """How often each operation was called."""
        return self.context.calls

    def close(self) -> None:
        """Stop listening; may be called twice."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self.service.close()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_exc: object) -> None:
        """Stop listening."""
        self.close()


class _Handler:
    """Tells the simulated time; a dropped connection is closed, not kept for the next request."""

    close_connection: bool
    clock: SimulatedClock

    def date_time_string(self, timestamp: float | None = None) -> str:
        """Word the ``Date`` header: the service's time is the simulated one."""
        return format_date_time(self.clock.time() if timestamp is None else timestamp)

    def connection_dropped(self, _error: BaseException, _environ: Any = None) -> None:
        self.close_connection = True

    def log_request(self, *_args: Any) -> None:
        """Say nothing: what was called is counted."""
