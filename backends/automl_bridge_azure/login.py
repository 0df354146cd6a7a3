"""azure-identity's chain, which tells a login service that fails from a login that is refused.

The chain reports both with one error that has nothing but words. What the service answered is known while it answers:
no answer, too many requests or a 5xx are worth asking again; the run is not to be told that its login is wrong.
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Login", "quiet"]

_PASSING = frozenset({408, 429, 500, 502, 503, 504})
_ASKED = 0
"""A question without an answer."""


def quiet(name: str) -> None:
    """Keep a library's warnings to itself, unless somebody has set what is logged of it."""
    logger = logging.getLogger(name)
    if logger.level == logging.NOTSET:
        logger.setLevel(logging.ERROR)


class Login:
    """A token credential; what it takes are the options of ``DefaultAzureCredential``."""

    def __init__(self, **options: Any) -> None:
        # It logs a warning for what it raises as well.
        quiet("azure.identity")
        self._options = options
        self._last = threading.local()
        self._chain = self._new()

    def _new(self) -> Any:
        from azure.identity import DefaultAzureCredential

        return DefaultAzureCredential(raw_request_hook=self._asks, raw_response_hook=self._hears, **self._options)

    def _asks(self, _: Any) -> None:
        self._last.status = _ASKED

    def _hears(self, response: Any) -> None:
        self._last.status = response.http_response.status_code

    def get_token(self, *scopes: str, **options: Any) -> Any:
        """Return a token, as the SDK's clients ask for it."""
        return self._asked(self._chain.get_token, scopes, options)

    def get_token_info(self, *scopes: str, **options: Any) -> Any:
        """Return a token with what is known of it."""
        return self._asked(self._chain.get_token_info, scopes, options)

    def _asked(self, call: Callable[..., Any], scopes: tuple[str, ...], options: dict[str, Any]) -> Any:
        from azure.core.exceptions import ClientAuthenticationError, ServiceResponseError

        self._last.status = None
        try:
            return call(*scopes, **options)
        except ClientAuthenticationError as error:
            status = self._last.status
            if status == _ASKED or status in _PASSING:
                # MSAL remembers a failure for a minute and answers with it; a new chain asks again.
                self._chain = self._new()
                what = "did not answer" if status == _ASKED else f"answered {status}"
                raise ServiceResponseError(f"the login service {what}") from error
            raise
