"""What Azure's SDKs raise, in the terms of this package: one table, so that every call is read alike."""

from __future__ import annotations

from automl_bridge.cloud.translating import translating
from automl_bridge.errors import (
    BackendError,
    CredentialsError,
    RejectedError,
    ThrottledError,
    TransientError,
)

__all__ = ["code_of", "status_of", "translate", "translated"]

_CREDENTIAL_ERRORS = frozenset(
    {"ClientAuthenticationError", "CredentialUnavailableError", "AuthenticationRequiredError"}
)
_CREDENTIAL_CODES = frozenset({
    "ExpiredAuthenticationToken", "InvalidAuthenticationToken", "InvalidAuthenticationTokenTenant",
    "AuthenticationFailed", "InvalidAuthenticationInfo", "Unauthorized", "TokenExpired",
})  # fmt: skip
"""Codes that a new login mends: of Resource Manager, the data plane and storage."""

# Names of azure-core's and requests' own exceptions (not answers of a service), so that the table imports neither.
_TRANSIENT_ERRORS = frozenset({
    "ServiceRequestError", "ServiceResponseError", "ServiceRequestTimeoutError", "ServiceResponseTimeoutError",
    "IncompleteReadError", "HttpResponsePayloadError", "ConnectionError", "ReadTimeout", "ConnectTimeout",
    "ChunkedEncodingError", "ProtocolError", "DecodeError", "StreamConsumedError",
})  # fmt: skip
_TRANSIENT_STATUS = frozenset({408, 500, 502, 503, 504})
_MODULES = frozenset({"azure", "msrest", "msal", "requests", "urllib3", "marshmallow"})


def status_of(error: BaseException) -> int:
    """Return the HTTP status of an answer, or 0 where it is none."""
    status = getattr(error, "status_code", None)
    if status is None:
        status = getattr(getattr(error, "response", None), "status_code", None)
    return status if isinstance(status, int) else 0


def code_of(error: BaseException) -> str:
    """Return the service's error code, or the empty string."""
    code = getattr(error, "error_code", None) or getattr(getattr(error, "error", None), "code", None)
    return str(getattr(code, "value", code) or "")


def _message_of(error: BaseException) -> str:
    said = getattr(error, "message", None) or str(error) or type(error).__name__
    lines = [line.strip() for line in str(said).splitlines() if line.strip()]
    return " ".join(lines)[:2000]


def translate(error: BaseException, doing: str) -> BackendError:
    """Return the error of this package for what an SDK raised.

    Parameters
    ----------
    doing
        What was asked for, as a sentence begins: ``creating the job ab-1``.
    """
    status, code, said = status_of(error), code_of(error), f"{doing}: {_message_of(error)}"
    kinds = {kind.__name__ for kind in type(error).__mro__}
    if status == 429 or code in {"TooManyRequests", "ServerBusy", "RequestThrottled"}:
        return ThrottledError(said)
    if status == 401 or code in _CREDENTIAL_CODES or kinds & _CREDENTIAL_ERRORS:
        return _credentials(error, said)
    if status in _TRANSIENT_STATUS or (status == 0 and kinds & _TRANSIENT_ERRORS):
        return TransientError(said)
    return RejectedError(f"{said} ({code})" if code and code not in said else said, hint=_hint(status, said))


def _hint(status: int, said: str) -> str | None:
    if status == 403:
        return "grant the caller the roles that the backend's README lists"
    if "quota" in said.lower():
        return "wait for other jobs to end, or ask for more quota in the portal"
    return "check subscription_id, resource_group and workspace" if status == 404 else None


def _credentials(error: BaseException, said: str) -> BackendError:
    """Tell a login that is refused from a login service that does not answer."""
    cause: BaseException | None = error
    while cause is not None:
        if {kind.__name__ for kind in type(cause).__mro__} & _TRANSIENT_ERRORS and status_of(cause) == 0:
            return TransientError(said)
        cause = cause.__cause__ or cause.__context__
    return CredentialsError(said, hint="log in again (az login, or a new secret); the run goes on where it was")


translated = translating(translate, _MODULES)
"""Translates what is raised inside it: ``with translated("creating …"):``."""
