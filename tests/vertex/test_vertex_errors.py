"""One table for all that Google's clients raise, over both transports."""

from __future__ import annotations

import json

import pytest
from vx_service import conflict, over_rest

from automl_bridge.errors import CredentialsError, RejectedError, ThrottledError, TransientError
from automl_bridge_vertex.errors import passes, translate, translated


def cases():
    import google.auth.exceptions as auth
    import requests
    from google.api_core import exceptions as core

    return [
        (core.TooManyRequests("slow down"), ThrottledError),
        (core.ResourceExhausted("slow down"), ThrottledError),
        (core.Forbidden("rateLimitExceeded"), ThrottledError),
        (core.ServiceUnavailable("x"), TransientError),
        (core.InternalServerError("x"), TransientError),
        (core.BadGateway("x"), TransientError),
        (core.GatewayTimeout("x"), TransientError),
        (core.DeadlineExceeded("x"), TransientError),
        (core.Cancelled("x"), TransientError),
        (core.RetryError("x", core.ServiceUnavailable("x")), TransientError),
        (core.Unauthorized("expired"), CredentialsError),
        (core.Unauthenticated("expired"), CredentialsError),
        (auth.DefaultCredentialsError("none"), CredentialsError),
        (auth.RefreshError("expired"), CredentialsError),
        (auth.RefreshError("the server of tokens", retryable=True), TransientError),
        (auth.InvalidOperation("anonymous credentials cannot be refreshed"), CredentialsError),
        (auth.TransportError("x"), TransientError),
        (requests.ConnectionError("reset"), TransientError),
        (requests.Timeout("x"), TransientError),
        (core.Forbidden("no"), RejectedError),
        (core.PermissionDenied("no"), RejectedError),
        (core.InvalidArgument("bad"), RejectedError),
        (core.BadRequest("bad"), RejectedError),
        (core.NotFound("none"), RejectedError),
        (core.FailedPrecondition("not now"), RejectedError),
        (core.AlreadyExists("there"), RejectedError),
        (json.JSONDecodeError("cut short", "{", 1), TransientError),
    ]


def test_each_is_what_it_is():
    for error, kind in cases():
        found = translate(error, "creating the dataset ab-1")
        assert type(found) is kind, error
        assert found.message.startswith("creating the dataset ab-1: ")
        assert passes(error) == issubclass(kind, TransientError)


def test_two_requests_that_met_are_tried_again_by_the_engine_over_either_transport():
    """ABORTED is retried "at a level higher", never as the same request (https://google.aip.dev/194)."""
    import grpc
    from google.api_core.exceptions import from_grpc_status

    for error in (conflict("ABORTED"), from_grpc_status(grpc.StatusCode.ABORTED, "etag")):
        assert type(translate(error, "creating the dataset ab-1")) is TransientError
        assert not passes(error)


def test_a_conflict_that_does_not_say_so_is_a_rejection():
    bodies = (b"", b"<html>", b"[]", b'{"error": {"status": null}}')
    for error in (conflict("ALREADY_EXISTS"), *(over_rest(409, body) for body in bodies)):
        assert type(translate(error, "creating the dataset ab-1")) is RejectedError
        assert not passes(error)


def test_credentials_speak_of_a_new_login_and_rights_of_roles():
    from google.api_core import exceptions as core

    assert "log in again" in translate(core.Unauthenticated("x"), "y").hint
    assert "roles.json" in translate(core.Forbidden("x"), "y").hint


def test_a_step_of_the_storage_client_is_read_by_its_status():
    from google.cloud.storage.exceptions import InvalidResponse

    class Response:
        status_code = 404

    assert not passes(InvalidResponse(Response()))
    Response.status_code = 503
    assert passes(InvalidResponse(Response()))


def test_what_is_no_answer_of_google_passes_as_it_is():
    with pytest.raises(ValueError, match="ours"), translated("doing"):
        raise ValueError("ours")
    with pytest.raises(TransientError), translated("doing"):
        raise ConnectionResetError("gone")
