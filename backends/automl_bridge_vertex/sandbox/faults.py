"""Faults of calls in the words of Vertex AI."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from automl_bridge.sandbox.faults import FaultKind
from automl_bridge_vertex.sandbox.errors import RpcError

if TYPE_CHECKING:
    from automl_bridge.sandbox.faults import Fault

__all__ = ["error_of"]

WORDS = {
    FaultKind.THROTTLE: (
        "RESOURCE_EXHAUSTED",
        (
            "Quota exceeded for quota metric 'Resource management (CRUD) requests' and limit 'Resource management "
            "(CRUD) requests per minute per region' of service 'aiplatform.googleapis.com' for consumer "
            "'project_number:123456789012'."
        ),
    ),
    FaultKind.EXPIRED: (
        "UNAUTHENTICATED",
        (
            "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other "
            "valid authentication credential. See "
            "https://developers.google.com/identity/sign-in/web/devconsole-project."
        ),
    ),
    FaultKind.QUOTA: (
        "RESOURCE_EXHAUSTED",
        "The following quota metrics exceed quota limits: aiplatform.googleapis.com/automl_tabular_training_jobs",
    ),
}
REASONS = {
    FaultKind.THROTTLE: "RATE_LIMIT_EXCEEDED",
    FaultKind.EXPIRED: "ACCESS_TOKEN_EXPIRED",
    FaultKind.QUOTA: "RESOURCE_QUOTA_EXCEEDED",
}


def error_of(fault: Fault) -> RpcError:
    """Return the error that stands for a fault; server errors are 503 and 500 in turn."""
    if fault.kind is FaultKind.SERVER_ERROR:
        if fault.struck % 2:
            return RpcError("UNAVAILABLE", fault.message or "The service is currently unavailable.")
        return RpcError("INTERNAL", fault.message or "Internal error encountered.")
    status, text = WORDS[fault.kind]
    details: list[dict[str, Any]] = [
        {
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": REASONS[fault.kind],
            "domain": "googleapis.com",
            "metadata": {"service": "aiplatform.googleapis.com"},
        }
    ]
    return RpcError(status, fault.message or text, details)
