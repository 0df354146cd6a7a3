"""JSON from a plain address, where a vendor has no client for it: price lists."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from automl_bridge.errors import CredentialsError, RejectedError, ThrottledError, TransientError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["read_json"]

SECONDS = 30.0


def read_json(url: str, params: Mapping[str, str], *, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return the JSON document at an address.

    Raises
    ------
    CredentialsError, ThrottledError, TransientError, RejectedError
        By the status of the answer, or if there is none; names host and status.
    """
    from urllib.error import HTTPError, URLError
    from urllib.request import Request, urlopen

    full = f"{url}{'&' if urlsplit(url).query else '?'}{urlencode(params)}" if params else url
    if urlsplit(full).scheme not in {"http", "https"}:
        raise RejectedError(f"{url} is no address of the web", hint="give one that begins with https://")
    host = urlsplit(full).netloc
    try:
        request = Request(full, headers={"User-Agent": "automl-bridge", **(headers or {})})  # noqa: S310 - looked at above
        with urlopen(request, timeout=SECONDS) as answer:  # noqa: S310
            found: dict[str, Any] = json.loads(answer.read())
            return found
    except HTTPError as error:
        message = f"{host} answered {error.code} {error.reason}"
        if error.code in {401, 403}:
            raise CredentialsError(message, hint="log in again, or ask for the right to read the price list") from error
        if error.code == 429:
            raise ThrottledError(message) from error
        raise (TransientError(message) if error.code >= 500 else RejectedError(message)) from error
    except (URLError, OSError, ValueError) as error:
        raise TransientError(f"{host} cannot be read: {error}") from error
