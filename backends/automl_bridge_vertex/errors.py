"""What Google's clients raise, in the terms of this package: one table, so that every call is read alike.

REST and gRPC have different classes for one answer (429 is `TooManyRequests` or its child `ResourceExhausted`), so the
table goes by the status code, which both have. One code has two meanings: over REST a 409 is `Conflict` whether the
thing is there already (ALREADY_EXISTS) or two requests met (ABORTED), and only the answer's body tells them apart.
"""

from __future__ import annotations

import json

from automl_bridge.cloud.translating import translating
from automl_bridge.errors import (
    BackendError,
    CredentialsError,
    RejectedError,
    ThrottledError,
    TransientError,
)

__all__ = ["is_missing", "is_taken", "passes", "translate", "translated"]

# Names of classes, so that the table needs no import of Google's packages.
_CREDENTIALS = frozenset({
    "DefaultCredentialsError", "RefreshError", "InvalidOperation", "UserAccessTokenError", "MalformedError",
    "ReauthFailError", "ReauthSamlChallengeFailError", "OAuthError", "MutualTLSChannelError", "Unauthorized",
    "Unauthenticated",
})  # fmt: skip
_TRANSIENT = frozenset({
    "TransportError", "ServerError", "RetryError", "DeadlineExceeded", "Cancelled", "ConnectionError",
    "Timeout", "ChunkedEncodingError", "ContentDecodingError", "ProtocolError", "ParseError", "DataCorruption",
    "ConnectionResetError", "IncompleteRead", "RpcError", "JSONDecodeError", "InvalidJSONError",
})  # fmt: skip
_CODES = frozenset({408, 499, 500, 502, 503, 504})
_THROTTLED_WORDS = ("ratelimitexceeded", "userratelimitexceeded", "rate limit", "quota exceeded for quota metric")
_MODULES = frozenset({"google", "requests", "urllib3", "grpc", "http"})

_LOGIN = "log in again (gcloud auth application-default login, or a new key file); the run goes on where it was"


def _kinds(error: BaseException) -> set[str]:
    return {kind.__name__ for kind in type(error).__mro__}


def _code(error: BaseException) -> int:
    """Return the HTTP status of an answer, or 0 where it is no answer of a service."""
    # Where the storage client repeats its own steps, the answer is not an exception of its own yet.
    response = getattr(error, "response", None)
    for code in (getattr(error, "code", None), getattr(response, "status_code", None)):
        if isinstance(code, int):
            return int(code)
    return 0


def is_missing(error: BaseException) -> bool:
    """Whether the service has no such thing."""
    return _code(error) == 404


def is_taken(error: BaseException) -> bool:
    """Whether an object is there already, which was to be made only if it is not."""
    return _code(error) == 412


def passes(error: BaseException) -> bool:
    """Whether the error may pass: what may be asked again at once, of a question that changes nothing.

    ABORTED may not: "these should not be retried for an individual request; they should be retried at a level higher"
    (https://google.aip.dev/194). That is the engine's, which looks again before it repeats anything.
    """
    return isinstance(translate(error, ""), TransientError) and not _is_aborted(error)


def _is_aborted(error: BaseException) -> bool:
    """Whether two requests met: ``google.rpc.Code.ABORTED``, 409 over HTTP (google/rpc/code.proto)."""
    if "Aborted" in _kinds(error):
        return True
    read = getattr(getattr(error, "response", None), "json", None)
    if _code(error) != 409 or not callable(read):
        return False
    try:
        said = read()
    except ValueError:
        return False
    told = said.get("error") if isinstance(said, dict) else None
    return isinstance(told, dict) and told.get("status") == "ABORTED"


def translate(error: BaseException, doing: str) -> BackendError:
    """Return the error of this package for what Google's clients raised.

    Parameters
    ----------
    doing
        What was asked for, as a sentence begins: ``creating the dataset ab-1``.
    """
    kinds, code = _kinds(error), _code(error)
    said = f"{doing}: {_message(error)}"
    if code == 429 or (code == 403 and any(word in said.lower() for word in _THROTTLED_WORDS)):
        return ThrottledError(said)
    if code == 401 or kinds & _CREDENTIALS:
        # google.auth says so where the server of tokens was at fault.
        retryable = bool(getattr(error, "retryable", False))
        return TransientError(said) if retryable else CredentialsError(said, hint=_LOGIN)
    if code == 403:
        return RejectedError(said, hint="grant the caller the permissions of roles.json, and enable the Vertex AI API")
    if code in _CODES or code >= 500 or kinds & _TRANSIENT or _is_aborted(error):
        return TransientError(said)
    return RejectedError(f"{said} ({code})" if code else said)


def _message(error: BaseException) -> str:
    message = getattr(error, "message", None)
    text = str(message) if isinstance(message, str) and message else str(error)
    return text.strip() or type(error).__name__


# A body that is no JSON is an answer that was damaged on its way.
translated = translating(translate, _MODULES, (ConnectionError, TimeoutError, json.JSONDecodeError))
"""Translates what is raised inside it: ``with translated("creating …"):``."""
