"""What botocore raises, in the terms of this package: one table, so that every call is read alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

from automl_bridge.cloud.translating import translating
from automl_bridge.errors import (
    BackendError,
    CredentialsError,
    RejectedError,
    ThrottledError,
    TransientError,
)

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

__all__ = ["code_of", "is_code", "is_missing", "translate", "translated"]

THROTTLED = frozenset(
    {
        "Throttling", "ThrottlingException", "ThrottledException", "RequestThrottled", "RequestThrottledException",
        "TooManyRequestsException", "RequestLimitExceeded", "BandwidthLimitExceeded", "LimitExceededException",
        "SlowDown", "PriorRequestNotComplete", "EC2ThrottledException", "TransactionInProgressException",
        "ProvisionedThroughputExceededException",
    }
)  # fmt: skip
"""Codes by which AWS asks for fewer calls: botocore's own list (``botocore.retries.standard``)."""

CREDENTIALS = frozenset(
    {
        "ExpiredToken", "ExpiredTokenException", "RequestExpired", "InvalidToken", "InvalidClientTokenId",
        "InvalidAccessKeyId", "UnrecognizedClientException", "SignatureDoesNotMatch", "InvalidSignatureException",
        "AuthFailure", "MissingAuthenticationToken", "MissingAuthenticationTokenException", "NotAuthorized",
        "TokenRefreshRequired", "IncompleteSignature", "OptInRequired", "RequestTimeTooSkewed",
    }
)  # fmt: skip
"""Codes that a new login mends: AWS's common errors and S3's error list."""

TRANSIENT = frozenset(
    {
        "InternalError", "InternalFailure", "InternalServerError", "InternalServerException", "ServiceUnavailable",
        "ServiceUnavailableException", "RequestTimeout", "RequestTimeoutException", "OperationAborted", "503", "500",
        # Two conditional writes of one object at a time: S3 asks for another try ("Conditional writes", user guide).
        "ConditionalRequestConflict",
    }
)  # fmt: skip

DENIED = frozenset({"AccessDenied", "AccessDeniedException", "AllAccessDisabled", "Forbidden", "403"})

QUOTA = frozenset({"ResourceLimitExceeded", "ServiceQuotaExceededException"})

# Names of botocore's own exceptions (not answers of the service), so that the table needs no import of botocore.
_CREDENTIAL_ERRORS = frozenset(
    {
        "NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError", "TokenRetrievalError",
        "SSOError", "SSOTokenLoadError", "UnauthorizedSSOTokenError", "ProfileNotFound", "InvalidConfigError",
        "RefreshWithMFAUnsupportedError", "NoAuthTokenError", "MissingDependencyException", "LoginRefreshTokenExpired",
    }
)  # fmt: skip
_TRANSIENT_ERRORS = frozenset(
    {
        "HTTPClientError", "ConnectionError", "EndpointConnectionError", "ConnectionClosedError", "ConnectTimeoutError",
        "ReadTimeoutError", "ProxyConnectionError", "SSLError", "ResponseStreamingError", "IncompleteReadError",
        "ResponseParserError", "FlexibleChecksumError", "ProtocolError", "IncompleteRead", "ReadTimeout",
    }
)  # fmt: skip


def code_of(error: BaseException) -> str:
    """Return the service's error code, or the empty string where it is no answer of a service."""
    response = getattr(error, "response", None)
    return str(response.get("Error", {}).get("Code", "")) if isinstance(response, dict) else ""


def _message_of(error: BaseException) -> str:
    response = getattr(error, "response", None)
    found = str(response.get("Error", {}).get("Message", "")) if isinstance(response, dict) else ""
    return found or str(error)


def _status_of(error: BaseException) -> int:
    response = getattr(error, "response", None)
    if not isinstance(response, dict):
        return 0
    return int(response.get("ResponseMetadata", {}).get("HTTPStatusCode") or 0)


def is_code(error: ClientError, *codes: str, says: str = "") -> bool:
    """Whether the service answered with one of ``codes`` and, if given, with ``says`` in its words."""
    return code_of(error) in codes and says.lower() in _message_of(error).lower()


def is_missing(error: ClientError) -> bool:
    """Whether there is no such thing: ResourceNotFound for AutoML jobs, a ValidationException for the older kinds.

    The words differ: "Could not find requested job with name", "Requested resource not found".
    """
    if is_code(error, "ResourceNotFound", "ResourceNotFoundException"):
        return True
    words = ("could not find", "not found", "does not exist")
    return any(is_code(error, "ValidationException", says=said) for said in words)


def translate(error: BaseException, doing: str) -> BackendError:
    """Return the error of this package for what botocore raised.

    Parameters
    ----------
    doing
        What was asked for, as a sentence begins: ``creating AutoML job ab-1``.
    """
    code, said = code_of(error), f"{doing}: {_message_of(error)}"
    kinds = {kind.__name__ for kind in type(error).__mro__}
    if code in THROTTLED or _status_of(error) == 429:
        return ThrottledError(said)
    if code in CREDENTIALS or kinds & _CREDENTIAL_ERRORS:
        return CredentialsError(said, hint="log in again (aws sso login, or new keys); the run goes on where it was")
    if code in DENIED:
        return RejectedError(
            said, hint="grant the action of iam-policy.json to the caller, or check the bucket's policy"
        )
    if code in QUOTA:
        return RejectedError(said, hint="wait for other jobs to end, or raise the quota in Service Quotas")
    # "Cannot update in-progress endpoint": it can be deleted once it is up, or has failed.
    in_progress = code == "ValidationException" and "in-progress" in said
    if in_progress or code in TRANSIENT or _status_of(error) >= 500 or kinds & _TRANSIENT_ERRORS:
        return TransientError(said)
    return RejectedError(f"{said} ({code})" if code else said)


translated = translating(translate, frozenset({"botocore", "boto3", "s3transfer", "urllib3"}))
"""Translates what is raised inside it: ``with translated("creating …"):``."""
