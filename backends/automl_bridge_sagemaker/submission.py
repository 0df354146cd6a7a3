"""Starting jobs so that each exists once, whatever is repeated: names are the key, tags say whose they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from automl_bridge.backend import JobRef
from automl_bridge.cloud.layout import Location, split_uri
from automl_bridge.cloud.plan_file import keep_plan
from automl_bridge.errors import RejectedError, TransientError
from automl_bridge_sagemaker.errors import is_code, is_missing, translated
from automl_bridge_sagemaker.requests import SPEC_TAG

if TYPE_CHECKING:
    from automl_bridge.backend import Plan
    from automl_bridge_sagemaker.clients import Clients
    from automl_bridge_sagemaker.objects import Objects

__all__ = ["described", "find", "job_folder", "submit"]


def job_folder(output: str) -> Location:
    """Return the folder of a job from the address of its output, as the service keeps it."""
    place = split_uri(output)
    return place._replace(key=place.key.rstrip("/").rpartition("/")[0] + "/")


def submit(plan: Plan, clients: Clients, objects: Objects) -> JobRef:
    """Start the job of ``plan``, unless it is there.

    Raises
    ------
    RejectedError
        If a job of its name is there that does something else, or the service does not take the request.
    """
    return (
        _submit_predict(plan, clients, objects)
        if plan.spec.kind == "predict"
        else _submit_train(plan, clients, objects)
    )


def _submit_train(plan: Plan, clients: Clients, objects: Objects) -> JobRef:
    request: Any = plan.request
    keep_plan(plan, job_folder(request["OutputDataConfig"]["S3OutputPath"]), objects)
    from botocore.exceptions import ClientError

    with translated(f"creating the AutoML job {plan.spec.name}"):
        try:
            answer = clients.sagemaker.create_auto_ml_job_v2(**request)
        except ClientError as error:
            # Ours, from before a crash or from a try whose answer was lost; or somebody else's.
            if not is_code(error, "ResourceInUse"):
                raise
            return _there(plan, clients)
    return JobRef(backend="sagemaker", name=plan.spec.name, kind="train", remote_id=answer["AutoMLJobArn"])


def _submit_predict(plan: Plan, clients: Clients, objects: Objects) -> JobRef:
    request: Any = plan.request
    keep_plan(plan, job_folder(request["CreateTransformJob"]["TransformOutput"]["S3OutputPath"]), objects)
    _create_model(plan, request["CreateModel"], clients)
    from botocore.exceptions import ClientError

    with translated(f"creating the transform job {plan.spec.name}"):
        try:
            answer = clients.sagemaker.create_transform_job(**request["CreateTransformJob"])
        except ClientError as error:
            if not is_code(error, "ResourceInUse"):
                raise
            return _there(plan, clients)
    return JobRef(backend="sagemaker", name=plan.spec.name, kind="predict", remote_id=answer["TransformJobArn"])


def _there(plan: Plan, clients: Clients) -> JobRef:
    """Return the job that the service says is there; it may take a moment until it can be read, too."""
    found = find(plan, clients)
    if found is None:
        raise TransientError(f"SageMaker has a job of the name {plan.spec.name}, and does not show it yet")
    return found


def _create_model(plan: Plan, request: dict[str, Any], clients: Clients) -> None:
    from botocore.exceptions import ClientError

    with translated(f"creating the model {plan.spec.name}"):
        try:
            clients.sagemaker.create_model(**request)
        except ClientError as error:
            # A second model of one name is a ValidationException here, not ResourceInUse.
            taken = is_code(error, "ValidationException", says="already exist") or is_code(error, "ResourceInUse")
            if not taken:
                raise
            name = request["ModelName"]
            there = described(clients.sagemaker.describe_model, f"model {name}", ModelName=name)
            if there is None:
                raise TransientError(f"SageMaker has a model of the name {name}, and does not show it yet") from error
            _check_ours(plan, there["ModelArn"], clients, "model")


def find(plan: Plan, clients: Clients) -> JobRef | None:
    """Return the job of ``plan`` if the service knows it, else None.

    Raises
    ------
    RejectedError
        If a job of its name is there that does something else.
    """
    name = plan.spec.name
    if plan.spec.kind == "predict":
        answer = described(clients.sagemaker.describe_transform_job, f"transform job {name}", TransformJobName=name)
        key = "TransformJobArn"
    else:
        answer = described(clients.sagemaker.describe_auto_ml_job_v2, f"AutoML job {name}", AutoMLJobName=name)
        key = "AutoMLJobArn"
    if answer is None:
        return None
    arn = str(answer[key])
    _check_ours(plan, arn, clients, "job")
    return JobRef(backend="sagemaker", name=name, kind=plan.spec.kind, remote_id=arn)


def described(call: Any, what: str, **names: str) -> dict[str, Any] | None:
    """Return what the service says of a thing; None if it is not there."""
    from botocore.exceptions import ClientError

    with translated(f"looking for {what}"):
        try:
            found: dict[str, Any] = call(**names)
        except ClientError as error:
            if is_missing(error):
                return None
            raise
    return found


def _check_ours(plan: Plan, arn: str, clients: Clients, what: str) -> None:
    with translated(f"reading the tags of {arn}"):
        pages = clients.sagemaker.get_paginator("list_tags").paginate(ResourceArn=arn)
        tags = {tag["Key"]: tag["Value"] for page in pages for tag in page.get("Tags") or ()}
    if tags.get(SPEC_TAG) != plan.spec.digest():
        raise RejectedError(
            f"the account has another {what} of the name {plan.spec.name}", hint="start a new run: it has a new name"
        )
