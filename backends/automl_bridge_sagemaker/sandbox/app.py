"""The stand-in as it is served: faults worded, access checked, ours answered, the rest left to moto."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from automl_bridge.sandbox.faults import FaultKind
from automl_bridge_sagemaker.sandbox import pricing, quotas, s3
from automl_bridge_sagemaker.sandbox.access import Access
from automl_bridge_sagemaker.sandbox.handlers import OPERATIONS
from automl_bridge_sagemaker.sandbox.protocol import AwsError, parse, read_body, render_error, render_json
from automl_bridge_sagemaker.sandbox.shapes import check_request
from automl_bridge_sagemaker.sandbox.world import World

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from automl_bridge.sandbox.faults import Fault
    from automl_bridge.sandbox.service import Context, Environ
    from automl_bridge_sagemaker.sandbox.protocol import Answer, Call

__all__ = ["BUCKET", "REGION", "ROLE", "AwsSandbox", "create"]

REGION = "us-east-1"
BUCKET = "automl-bridge-sandbox"
ROLE = "automl-bridge-sandbox"
FAULTS = {  # kind: code and status in JSON, in S3's XML and in the query protocol; the message
    FaultKind.THROTTLE: ((("ThrottlingException", 400), ("SlowDown", 503), ("Throttling", 400)), "Rate exceeded"),
    FaultKind.SERVER_ERROR: (
        (("InternalFailure", 500), ("InternalError", 500), ("InternalFailure", 500)),
        "We encountered an internal error. Please try again.",
    ),
    FaultKind.EXPIRED: (
        (("ExpiredTokenException", 400), ("ExpiredToken", 400), ("ExpiredToken", 403)),
        "The security token included in the request is expired",
    ),
    FaultKind.QUOTA: (
        (("ResourceLimitExceeded", 400), ("SlowDown", 503), ("LimitExceeded", 409)),
        "The account-level service limit is reached for this resource.",
    ),
}
PLACES = {"json": 0, "s3": 1, "query": 2}


def create(context: Context) -> AwsSandbox:
    """Make the stand-in: the factory that the entry point ``aws`` names."""
    return AwsSandbox(context)


class AwsSandbox:
    """AWS in small: SageMaker Autopilot, S3, STS, IAM, the price list and Service Quotas.

    It starts with a bucket and a role, which `environment` names. moto keeps its state for the whole process:
    a second stand-in in one process starts afresh and takes the first one's state away.
    """

    name = "aws"

    def __init__(self, context: Context) -> None:
        from moto.moto_api._internal.models import moto_api_backend
        from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app

        self.request_handler: type | None = MotoRequestHandler
        moto_api_backend.reset()
        self.context = context
        self.world = World(context)
        self.access = Access()
        self._moto = DomainDispatcherApplication(create_backend_app)
        self.world.store.create_bucket(BUCKET, REGION)
        self.role = self.world.store.create_role(ROLE)
        self.world.work(_warm_up)

    def operation(self, environ: Environ) -> str:
        """Name the operation of a request: ``sagemaker.CreateModel``."""
        call = parse(environ)
        environ["sandbox.call"] = call
        return call.name

    def refuse(self, environ: Environ, fault: Fault) -> Answer:
        """Word a fault in the protocol of the request."""
        call: Call = environ["sandbox.call"]
        codes, message = FAULTS[fault.kind]
        code, status = codes[PLACES[call.protocol]]
        return render_error(call, AwsError(code, fault.message or message, status))

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        """Answer a request (WSGI)."""
        call: Call = environ["sandbox.call"]
        self.world.settle()
        try:
            self.access.check(call, environ)
            answer = self._answer(call, environ)
        except AwsError as error:
            answer = render_error(call, error)
        if answer is None:
            return self._moto(environ, start_response)  # type: ignore[no-any-return]
        status, headers, body = answer
        start_response(status, [*headers, ("Content-Length", str(len(body)))])
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]

    def _answer(self, call: Call, environ: Environ) -> Answer | None:
        """Answer what is ours; None leaves it to moto."""
        if call.service == "s3":
            home = self.world.store.region_of(call.bucket)
            if home not in {None, call.region} and call.operation != "GetBucketLocation":
                return s3.redirect(call.bucket, str(home))
            return None
        if call.service == "pricing":
            return render_json(pricing.answer(call.operation, _json(environ), call.region))
        if call.service == "servicequotas":
            return render_json(quotas.answer(call.operation, _json(environ), call.region))
        if call.service != "sagemaker" or call.operation not in OPERATIONS:
            return None
        body = _json(environ)
        check_request("sagemaker", call.operation, body)
        with self.world.lock:
            answer = OPERATIONS[call.operation](self.world, call.region, body)
        return render_json(answer)

    def control(self, action: str, body: Any) -> Any:
        """Set, show or clear the policy in force; show the actions that were used and refused."""
        if action == "policy":
            if body is not None:
                self.access.document = body
            return self.access.document
        if action == "delete-policy":
            self.access.document = None
            self.access.used.clear()
            self.access.refused.clear()
            return None
        if action == "actions":
            return {"used": sorted(self.access.used), "refused": self.access.refused}
        raise LookupError(f"no control action {action}")

    def environment(self, url: str) -> Mapping[str, str]:
        """Return the variables that lead AWS's clients, and the adapter's settings, to this stand-in."""
        return {
            "AWS_ENDPOINT_URL": url,
            "AWS_ACCESS_KEY_ID": "sandbox",
            "AWS_SECRET_ACCESS_KEY": "sandbox",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AUTOML_BRIDGE_SAGEMAKER__REGION": REGION,
            "AUTOML_BRIDGE_SAGEMAKER__BUCKET": BUCKET,
            "AUTOML_BRIDGE_SAGEMAKER__ROLE_ARN": self.role,
        }

    def close(self) -> None:
        """Stop the workers."""
        self.world.close()


def _warm_up() -> None:
    """Load what the first job would wait for."""
    import sklearn.ensemble
    import sklearn.linear_model  # noqa: F401


def _json(environ: Environ) -> dict[str, Any]:
    try:
        body = json.loads(read_body(environ) or b"{}")
    except ValueError:
        raise AwsError("SerializationException", "the body is not JSON") from None
    return dict(body)
