"""Which IAM actions, on what, a request needs; refused where the policy in force does not grant them.

Source: Service Authorization Reference for SageMaker, S3 and IAM. An action of a list, and those of the price
list and of quotas, have no resource: ``*``.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote

from automl_bridge_sagemaker.sandbox import s3
from automl_bridge_sagemaker.sandbox.jobs import arn_of
from automl_bridge_sagemaker.sandbox.policy import granted
from automl_bridge_sagemaker.sandbox.protocol import AwsError, read_body
from automl_bridge_sagemaker.sandbox.store import ACCOUNT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from automl_bridge.sandbox.service import Environ
    from automl_bridge_sagemaker.sandbox.protocol import Call

__all__ = ["Access"]

Need = tuple[str, tuple[str, ...], dict[str, str]]
USER = f"arn:aws:iam::{ACCOUNT}:user/sandbox"
RESOURCES = {"AutoMLJob": "automl-job", "TrainingJob": "training-job", "ProcessingJob": "processing-job",
             "TransformJob": "transform-job", "Model": "model", "EndpointConfig": "endpoint-config",
             "Endpoint": "endpoint"}  # fmt: skip


class Access:
    """The policy in force (None grants everything) and a record of what was asked of it."""

    def __init__(self) -> None:
        self.document: dict[str, Any] | None = None
        self.used: set[tuple[str, str]] = set()
        self.refused: list[tuple[str, str]] = []

    def check(self, call: Call, environ: Environ) -> None:
        """Raise what AWS answers to a caller who may not do this."""
        for action, resources, context in _needs(call, environ):
            self.used.add((action, resources[0]))
            if self.document is None or any(granted(self.document, action, one, context) for one in resources):
                continue
            self.refused.append((action, resources[0]))
            message = (
                f"User: {USER} is not authorized to perform: {action} on resource: {resources[0]} because no "
                f"identity-based policy allows the {action} action"
            )
            if call.protocol == "json":
                raise AwsError("AccessDeniedException", message)
            raise AwsError("AccessDenied", message, 403)


def _needs(call: Call, environ: Environ) -> Iterator[Need]:
    if call.service == "s3":
        yield from _s3(call, environ)
    elif call.service == "sagemaker":
        yield from _sagemaker(call, json.loads(read_body(environ) or b"{}"))
    elif call.service == "iam":
        form = parse_qs(read_body(environ).decode())
        role = f"arn:aws:iam::{ACCOUNT}:role/{form['RoleName'][0]}" if "RoleName" in form else "*"
        yield f"iam:{call.operation}", (role,), {}
    elif (call.service, call.operation) != ("sts", "GetCallerIdentity"):  # that one needs no permission
        yield f"{call.service}:{call.operation}", ("*",), {}


def _s3(call: Call, environ: Environ) -> Iterator[Need]:
    bucket = f"arn:aws:s3:::{call.bucket}" if call.bucket else "*"
    resource = f"{bucket}/{call.key}" if call.key else bucket
    action = f"s3:{s3.action_of(call.operation)}"
    if call.operation == "DeleteObjects":
        keys = re.findall(r"<Key>([^<]*)</Key>", read_body(environ).decode())
        for key in keys:
            yield action, (f"{bucket}/{key}",), {}
        return
    query = parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True)
    yield action, (resource,), {"s3:prefix": query.get("prefix", [""])[0]}
    if "HTTP_X_AMZ_TAGGING" in environ:
        yield "s3:PutObjectTagging", (resource,), {}
    if call.operation == "CopyObject":
        source = unquote(environ["HTTP_X_AMZ_COPY_SOURCE"]).lstrip("/").partition("?")[0]
        yield "s3:GetObject", (f"arn:aws:s3:::{source}",), {}


def _sagemaker(call: Call, body: dict[str, Any]) -> Iterator[Need]:
    tags = {f"aws:RequestTag/{tag['Key']}": tag.get("Value", "") for tag in body.get("Tags", [])}
    resource = _resource(call, body)
    # Whether an operation that lists within a resource takes it or "*" differs between them: either will do.
    either = (resource,) if not call.operation.startswith("List") else tuple(dict.fromkeys((resource, "*")))
    yield f"sagemaker:{call.operation}", either, tags
    if body.get("Tags") and call.operation.startswith("Create"):
        yield "sagemaker:AddTags", (resource,), tags
    for key in ("RoleArn", "ExecutionRoleArn"):
        if key in body and call.operation.startswith("Create"):
            yield "iam:PassRole", (body[key],), {"iam:PassedToService": "sagemaker.amazonaws.com"}


def _resource(call: Call, body: dict[str, Any]) -> str:
    if "ResourceArn" in body:
        return str(body["ResourceArn"])
    bare = call.operation.removesuffix("V2")
    for word, kind in RESOURCES.items():
        if bare.endswith(word) and f"{word}Name" in body:
            return arn_of(call.region, kind, body[f"{word}Name"])
    return "*"
