"""Plain requests with the caller's token, for what ``MLClient`` hides or reads wrong.

Its list of a parent's children stops after one page, its jobs carry no error text, no times and no machines, and a
body that it cannot parse makes a job vanish from its lists. Here answers stay JSON.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from automl_bridge_azure.errors import translated

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["HISTORY", "JOBS_VERSION", "MLFLOW", "Rest"]

JOBS_VERSION = "2024-01-01-preview"
"""``api-version`` with which the SDK reads and writes AutoML jobs."""
HISTORY, MLFLOW = "history/v1.0", "mlflow/v2.0"
"""Services of the data plane."""

_MOST_PAGES = 10_000
_LONGEST_PAUSE = 1.0
"""Seconds between two attempts at one call."""


class Rest:
    """GET and POST of JSON; errors are azure-core's, translated.

    Parameters
    ----------
    credential, scope
        Whose tokens, and what for.
    """

    def __init__(self, credential: Any, scope: str) -> None:
        from azure.core.pipeline.policies import BearerTokenCredentialPolicy

        self._client = _client(BearerTokenCredentialPolicy(credential, scope))
        self._anonymous = _client()

    def get(self, url: str, params: Mapping[str, str], *, anonymous: bool = False) -> dict[str, Any]:
        """Return the answer to a GET, a JSON document."""
        return self._send("GET", url, params, None, anonymous=anonymous)

    def find(self, url: str, params: Mapping[str, str]) -> dict[str, Any] | None:
        """Return the answer to a GET, or None if there is no such thing."""
        from azure.core.exceptions import ResourceNotFoundError

        with translated(f"reading {_path(url)}"):
            try:
                return self._answer("GET", url, params, None, anonymous=False)
            except ResourceNotFoundError:
                return None

    def post(self, url: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Return the answer to a POST of JSON; for questions only: it may be repeated."""
        return self._send("POST", url, {}, body, anonymous=False)

    def pages(self, url: str, params: Mapping[str, str]) -> Iterator[list[dict[str, Any]]]:
        """Yield the ``value`` of each page; ``nextLink`` is followed to its end."""
        step: Mapping[str, str] = params
        for _ in range(_MOST_PAGES):
            page = self.get(url, step)
            yield page.get("value") or []
            following = page.get("nextLink")
            if not following or (following == url and not step):
                return
            url, step = following, {}

    def _send(
        self, method: str, url: str, params: Mapping[str, str], body: Mapping[str, Any] | None, *, anonymous: bool
    ) -> dict[str, Any]:
        with translated(f"reading {_path(url)}"):
            return self._answer(method, url, params, body, anonymous=anonymous)

    def _answer(
        self, method: str, url: str, params: Mapping[str, str], body: Mapping[str, Any] | None, *, anonymous: bool
    ) -> dict[str, Any]:
        from azure.core.exceptions import HttpResponseError, ResourceNotFoundError, map_error
        from azure.core.rest import HttpRequest

        request = HttpRequest(method, url, params=dict(params), json=body, headers={"Accept": "application/json"})
        client = self._anonymous if anonymous else self._client
        options = {} if anonymous or urlsplit(url).scheme == "https" else {"enforce_https": False}
        answer = client.send_request(request, **options)
        if answer.status_code >= 400:
            map_error(answer.status_code, answer, {404: ResourceNotFoundError})
            raise HttpResponseError(response=answer)
        found: dict[str, Any] = answer.json()
        return found


def _client(*further: Any) -> Any:
    """Return a client with policies of its own: a pipeline links them to each other, so they cannot be shared.

    A call that fails is repeated twice at once; where the service asks for a longer pause, the engine takes it.
    """
    from azure.core import PipelineClient
    from azure.core.pipeline.policies import ProxyPolicy, RetryPolicy, UserAgentPolicy

    from automl_bridge_azure.clients import AGENT, PATIENCE

    class AtOnce(RetryPolicy[Any, Any]):
        def get_retry_after(self, response: Any) -> float | None:
            asked = super().get_retry_after(response)
            return None if asked is None else min(float(asked), _LONGEST_PAUSE)

    retry = AtOnce(retry_total=2, retry_backoff_factor=0.1, retry_backoff_max=_LONGEST_PAUSE)
    policies = [UserAgentPolicy(base_user_agent=AGENT), ProxyPolicy(), retry, *further]
    options: dict[str, Any] = dict(PATIENCE)
    return PipelineClient("https://", policies=policies, **options)


def _path(url: str) -> str:
    """Return the telling end of an address."""
    return urlsplit(url).path.rpartition("/workspaces/")[2] or url
