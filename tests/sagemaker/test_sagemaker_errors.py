"""One table for what botocore raises: every code and every exception class of it."""

from __future__ import annotations

import botocore.exceptions as b
import pytest
from botocore.exceptions import ClientError

from automl_bridge.errors import CredentialsError, RejectedError, ThrottledError, TransientError
from automl_bridge_sagemaker import errors
from automl_bridge_sagemaker.errors import translate, translated

CODES = [
    *[(code, 400, ThrottledError) for code in sorted(errors.THROTTLED)],
    *[(code, 400, CredentialsError) for code in sorted(errors.CREDENTIALS)],
    *[(code, 500, TransientError) for code in sorted(errors.TRANSIENT)],
    *[(code, 403, RejectedError) for code in sorted(errors.DENIED)],
    *[(code, 400, RejectedError) for code in sorted(errors.QUOTA)],
    ("ValidationException", 400, RejectedError),
    ("ResourceInUse", 400, RejectedError),
    ("SomethingNew", 400, RejectedError),
    ("SomethingNew", 502, TransientError),
    ("SomethingNew", 429, ThrottledError),
]

RAISED = [
    (b.NoCredentialsError(), CredentialsError),
    (b.PartialCredentialsError(provider="env", cred_var="x"), CredentialsError),
    (b.CredentialRetrievalError(provider="process", error_msg="x"), CredentialsError),
    (b.TokenRetrievalError(provider="sso", error_msg="x"), CredentialsError),
    (b.UnauthorizedSSOTokenError(), CredentialsError),
    (b.SSOTokenLoadError(error_msg="x"), CredentialsError),
    (b.ProfileNotFound(profile="x"), CredentialsError),
    (b.EndpointConnectionError(endpoint_url="x"), TransientError),
    (b.ConnectionClosedError(endpoint_url="x"), TransientError),
    (b.ConnectTimeoutError(endpoint_url="x"), TransientError),
    (b.ReadTimeoutError(endpoint_url="x"), TransientError),
    (b.HTTPClientError(error="x"), TransientError),
    (b.ProxyConnectionError(proxy_url="x"), TransientError),
    (b.ResponseStreamingError(error="x"), TransientError),
    (b.IncompleteReadError(actual_bytes=1, expected_bytes=2), TransientError),
    (b.ParamValidationError(report="x"), RejectedError),
]


def answer(code: str, status: int) -> ClientError:
    shaped = {"Error": {"Code": code, "Message": "words"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(shaped, "Operation")


@pytest.mark.parametrize(("code", "status", "kind"), CODES)
def test_codes_of_the_service(code, status, kind):
    found = translate(answer(code, status), "doing it")
    assert type(found) is kind
    assert "doing it: words" in found.message


@pytest.mark.parametrize(("raised", "kind"), RAISED, ids=lambda value: type(value).__name__)
def test_exceptions_of_the_sdk(raised, kind):
    with pytest.raises(kind) as caught, translated("doing it"):
        raise raised
    assert type(caught.value) is kind


def test_what_is_no_answer_goes_through():
    with pytest.raises(KeyError), translated("doing it"):
        raise KeyError("a bug of ours")


def test_expired_credentials_speak_of_a_login_and_of_the_run():
    found = translate(answer("ExpiredTokenException", 400), "polling")
    assert "log in again" in found.hint
    assert "the run goes on" in found.hint
