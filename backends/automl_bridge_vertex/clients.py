"""Google's clients, made when they are first needed, and the one way to call them.

What changes something is sent once: the engine repeats it, after it has looked whether the first try got through. What
only reads is asked again for a few seconds. Credentials are google.auth's own business; an endpoint with ``http://`` is
an emulator's and gets none, and Cloud Storage has its own variable for that (``STORAGE_EMULATOR_HOST``).
"""

from __future__ import annotations

import os
from functools import cached_property
from typing import TYPE_CHECKING, Any

from automl_bridge_vertex.errors import passes, translated

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from automl_bridge_vertex.settings import VertexSettings

__all__ = ["TIMEOUT", "Clients"]

TIMEOUT = 60.0
"""Seconds for one call; without it the clients would wait for ever."""
_PATIENCE = 8.0
"""Seconds in which a question that changes nothing is asked again."""
_SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)


class Clients:
    """Clients of one location."""

    def __init__(self, settings: VertexSettings) -> None:
        self._settings = settings

    @cached_property
    def credentials(self) -> Any:
        """What google.auth's chain finds: a key file, gcloud's login, a metadata server."""
        import google.auth

        with translated("looking for credentials"):
            found, _ = google.auth.default(scopes=_SCOPES)
        return found

    @cached_property
    def retry(self) -> Any:
        """How questions are repeated: a few times, quickly; the engine takes it from there."""
        from google.api_core.retry import Retry

        return Retry(predicate=passes, initial=0.1, maximum=1.0, multiplier=2.0, timeout=_PATIENCE)

    def _client(self, name: str) -> Any:
        from google.cloud import aiplatform_v1

        kind = getattr(aiplatform_v1, f"{name}Client")
        settings = self._settings
        host = settings.host
        with translated(f"connecting to {host}"):
            if settings.transport == "grpc" and settings.emulated:
                import grpc

                channel = grpc.insecure_channel(host)
                return kind(transport=kind.get_transport_class("grpc")(channel=channel))
            if settings.emulated:
                from google.auth.credentials import AnonymousCredentials

                credentials: Any = AnonymousCredentials()  # type: ignore[no-untyped-call]
            else:
                credentials = self.credentials
            options = {"api_endpoint": f"http://{host}" if settings.emulated else host}
            return kind(transport=settings.transport, credentials=credentials, client_options=options)

    @cached_property
    def datasets(self) -> Any:
        """Datasets and their imports."""
        return self._client("DatasetService")

    @cached_property
    def pipelines(self) -> Any:
        """Training pipelines."""
        return self._client("PipelineService")

    @cached_property
    def models(self) -> Any:
        """Models and their evaluations."""
        return self._client("ModelService")

    @cached_property
    def jobs(self) -> Any:
        """Batch prediction jobs."""
        return self._client("JobService")

    @cached_property
    def endpoints(self) -> Any:
        """Endpoints, and what is deployed to them."""
        return self._client("EndpointService")

    @cached_property
    def storage(self) -> Any:
        """Cloud Storage."""
        from google.cloud import storage

        credentials = None
        if not os.environ.get("STORAGE_EMULATOR_HOST"):
            credentials = self.credentials
        else:
            from google.auth.credentials import AnonymousCredentials

            credentials = AnonymousCredentials()  # type: ignore[no-untyped-call]
        with translated("connecting to Cloud Storage"):
            client = storage.Client(project=self._settings.project, credentials=credentials)
        # It would ask for the bucket in a thread of its own, for traces that nobody has switched on: one more right
        # to grant, and a request that goes on when its caller is gone.
        client._bucket_metadata_cache = None  # noqa: SLF001 - the client's only other switch is a variable of the process
        return client

    def ask(self, doing: str, method: Callable[..., Any], request: Any) -> Any:
        """Call what only reads; asked again for a few seconds."""
        with translated(doing):
            return method(request=request, timeout=TIMEOUT, retry=self.retry)

    def tell(self, doing: str, method: Callable[..., Any], request: Any) -> Any:
        """Call what changes something, once."""
        with translated(doing):
            return method(request=request, timeout=TIMEOUT, retry=None)

    def found(self, doing: str, method: Callable[..., Any], name: str) -> Any | None:
        """Return what the service says of the thing ``name``; None if it is not there."""
        from google.api_core.exceptions import NotFound

        with translated(doing):
            try:
                return method(request={"name": name}, timeout=TIMEOUT, retry=self.retry)
            except NotFound:
                return None

    def listed(self, doing: str, method: Callable[..., Any], request: Mapping[str, Any]) -> Iterator[Any]:
        """Yield all things of a list, page by page."""
        with translated(doing):
            yield from method(request=dict(request), timeout=TIMEOUT, retry=self.retry)
