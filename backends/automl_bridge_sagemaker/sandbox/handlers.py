"""SageMaker's operations that moto lacks or answers otherwise than AWS; the rest goes to moto."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from automl_bridge_sagemaker.sandbox.automl import AutoMLJob
from automl_bridge_sagemaker.sandbox.jobs import arn_of
from automl_bridge_sagemaker.sandbox.listing import page, select
from automl_bridge_sagemaker.sandbox.protocol import AwsError, invalid
from automl_bridge_sagemaker.sandbox.request import Request
from automl_bridge_sagemaker.sandbox.transform import TransformJob, check_transform

if TYPE_CHECKING:
    from collections.abc import Callable

    from automl_bridge_sagemaker.sandbox.world import World

__all__ = ["OPERATIONS"]

Body = dict[str, Any]


def create_automl(world: World, region: str, body: Body) -> Body:
    """CreateAutoMLJobV2."""
    request = Request(body)
    request.check()
    world.store.check_role(body["RoleArn"])
    for channel in request.channels.values():
        world.store.check_region(channel.uri, region, body["RoleArn"], listed=True)
    world.store.check_region(body["OutputDataConfig"]["S3OutputPath"], region, body["RoleArn"], listed=False)
    if (region, request.name.lower()) in world.automl:
        raise AwsError("ResourceInUse", f"AutoML Job name {request.name} already exists. Please choose another name.")
    most = world.context.settings.get("concurrent_jobs")
    if most is not None and world.running(region, AutoMLJob) >= int(most):
        raise AwsError(
            "ResourceLimitExceeded",
            f"The account-level service limit 'Maximum number of concurrent AutoML Jobs' is {most} Jobs, with current "
            f"utilization of {world.running(region, AutoMLJob)} Jobs and a request delta of 1 Jobs.",
        )
    job = AutoMLJob(request, region, world)
    world.automl[region, request.name.lower()] = job
    moto = world.store.sagemaker(region)
    moto.auto_ml_jobs[request.name.lower()] = job  # where moto's tagging finds it: by the name in its ARN
    for child in job.children:
        world.children[child.kind][region, child.name] = child
        getattr(moto, f"{child.kind}_jobs")[child.name.lower()] = child
    world.begin(job)
    return {"AutoMLJobArn": job.arn}


def describe_automl(world: World, region: str, body: Body) -> Body:
    """DescribeAutoMLJobV2."""
    return world.automl_job(region, body["AutoMLJobName"]).describe(world.clock.time())  # type: ignore[no-any-return]


def list_automl(world: World, region: str, body: Body) -> Body:
    """ListAutoMLJobs; by name, descending, unless asked otherwise."""
    rows = [job.summary() for (place, _name), job in world.automl.items() if place == region]
    rows = select(rows, body, name="AutoMLJobName", status="AutoMLJobStatus", sort="Name", order="Descending")
    return page(rows, body, "AutoMLJobSummaries")


def stop_automl(world: World, region: str, body: Body) -> Body:
    """StopAutoMLJob."""
    world.automl_job(region, body["AutoMLJobName"]).stop(world.clock.time())
    return {}


def list_candidates(world: World, region: str, body: Body) -> Body:
    """ListCandidatesForAutoMLJob."""
    rows = world.automl_job(region, body["AutoMLJobName"]).candidates(world.clock.time())
    if "CandidateNameEquals" in body:
        rows = [row for row in rows if row["CandidateName"] == body["CandidateNameEquals"]]
    if "StatusEquals" in body:
        rows = [row for row in rows if row["CandidateStatus"] == body["StatusEquals"]]
    final = "FinalAutoMLJobObjectiveMetric"
    keys: dict[str, Callable[[Body], Any]] = {
        "CreationTime": lambda row: row["CreationTime"],
        "Status": lambda row: row["CandidateStatus"],
        "FinalObjectiveMetricValue": lambda row: row[final]["Value"] if final in row else float("-inf"),
    }
    rows.sort(key=keys[body.get("SortBy", "CreationTime")], reverse=body.get("SortOrder") == "Descending")
    return page(rows, body, "Candidates")


def describe_child(kind: str) -> Callable[[World, str, Body], Body]:
    """DescribeTrainingJob, DescribeProcessingJob."""

    def answer(world: World, region: str, body: Body) -> Body:
        return world.child(kind, region, body[f"{kind.title()}JobName"]).describe(world.clock.time())

    return answer


def list_children(kind: str) -> Callable[[World, str, Body], Body]:
    """ListTrainingJobs, ListProcessingJobs, ListTransformJobs."""

    def answer(world: World, region: str, body: Body) -> Body:
        now, word = world.clock.time(), kind.title()
        rows = [c.summary(now) for (place, _n), c in world.children[kind].items() if place == region and c.start <= now]
        if kind == "transform":
            rows += [job.summary() for (place, _n), job in world.transforms.items() if place == region]
        name, status = f"{word}JobName", f"{word}JobStatus"
        rows = select(rows, body, name=name, status=status, sort="CreationTime", order="Descending")
        return page(rows, body, f"{word}JobSummaries")

    return answer


def stop_child(kind: str) -> Callable[[World, str, Body], Body]:
    """StopTrainingJob, StopProcessingJob."""

    def answer(world: World, region: str, body: Body) -> Body:
        now = world.clock.time()
        child = world.child(kind, region, body[f"{kind.title()}JobName"])
        if child.status(now) != "InProgress":
            raise invalid(f"The request was rejected because the {kind} job is in status {child.status(now)}.")
        child.stop(now)
        return {}

    return answer


def create_model(world: World, region: str, body: Body) -> Body:
    """CreateModel; moto keeps it."""
    moto = world.store.sagemaker(region)
    if body["ModelName"] in moto._models:  # noqa: SLF001 (moto has no other way to ask)
        raise invalid(
            f"Cannot create already existing model {arn_of(region, 'model', body['ModelName'])!r}.".replace("'", '"')
        )
    containers = body.get("Containers") or ([body["PrimaryContainer"]] if "PrimaryContainer" in body else [])
    if not containers:
        raise invalid("Either a PrimaryContainer or Containers must be provided")
    if "ExecutionRoleArn" in body:
        world.store.check_role(body["ExecutionRoleArn"])
    for container in containers:
        url = container.get("ModelDataUrl")
        if url and not world.store.exists(url):
            raise invalid(f"Could not find model data at {url}.")
    model = moto.create_model(
        body["ModelName"], body.get("ExecutionRoleArn"), body.get("PrimaryContainer"), body.get("VpcConfig"),
        body.get("Containers"), body.get("Tags"),
    )  # fmt: skip
    model.arn = arn_of(region, "model", body["ModelName"])
    return {"ModelArn": model.arn}


def _model(world: World, region: str, name: str) -> Any:
    moto = world.store.sagemaker(region)
    if name not in moto._models:  # noqa: SLF001 (moto has no other way to ask)
        raise invalid(f'Could not find model "{arn_of(region, "model", name)}".')
    return moto._models[name]  # noqa: SLF001


def describe_model(world: World, region: str, body: Body) -> Body:
    """DescribeModel."""
    model = _model(world, region, body["ModelName"])
    found = {"ModelName": model.model_name, "ModelArn": model.arn, "ExecutionRoleArn": model.execution_role_arn,
             "CreationTime": model.creation_time.timestamp(), "EnableNetworkIsolation": False}  # fmt: skip
    if model.containers:
        found["Containers"] = model.containers
    if model.primary_container:
        found["PrimaryContainer"] = model.primary_container
    if model.vpc_config:
        found["VpcConfig"] = model.vpc_config
    return found


def delete_model(world: World, region: str, body: Body) -> Body:
    """DeleteModel."""
    _model(world, region, body["ModelName"])
    del world.store.sagemaker(region)._models[body["ModelName"]]  # noqa: SLF001
    return {}


def list_kept(kind: str, attribute: str) -> Callable[[World, str, Body], Body]:
    """ListModels, ListEndpoints, ListEndpointConfigs: what moto keeps, ten on a page."""

    def answer(world: World, region: str, body: Body) -> Body:
        rows = []
        for item in getattr(world.store.sagemaker(region), attribute).values():
            created = _seconds(item.creation_time)
            name = getattr(item, {"Model": "model_name", "Endpoint": "endpoint_name"}.get(kind, "endpoint_config_name"))
            row = {f"{kind}Name": name, f"{kind}Arn": item.arn, "CreationTime": created, "LastModifiedTime": created}
            if kind == "Endpoint":
                row["EndpointStatus"] = item.endpoint_status
            rows.append(row)
        rows = select(rows, body, name=f"{kind}Name", status=f"{kind}Status", sort="CreationTime", order="Descending")
        if kind != "Endpoint":
            rows = [{key: value for key, value in row.items() if key != "LastModifiedTime"} for row in rows]
        return page(rows, body, f"{kind}s")

    return answer


def _seconds(moment: Any) -> float:
    from datetime import UTC, datetime

    if isinstance(moment, str):
        moment = datetime.fromisoformat(moment)
    return float((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


def create_transform(world: World, region: str, body: Body) -> Body:
    """CreateTransformJob."""
    check_transform(body)
    name = body["TransformJobName"]
    if (region, name.lower()) in world.transforms:
        raise AwsError(
            "ResourceInUse",
            f"Job name must be unique within an AWS account and region, and a job with this name already exists "
            f"({arn_of(region, 'transform-job', name)})",
        )
    model = _model(world, region, body["ModelName"])
    source = body["TransformInput"]["DataSource"]["S3DataSource"]["S3Uri"]
    world.store.check_region(source, region, model.execution_role_arn, listed=True)
    world.store.check_region(body["TransformOutput"]["S3OutputPath"], region, model.execution_role_arn, listed=False)
    containers = model.containers or [model.primary_container]
    extra = body.get("Environment", {})
    merged = [{**one, "Environment": {**one.get("Environment", {}), **extra}} for one in containers]
    job = TransformJob(body, region, world, merged)
    world.transforms[region, name.lower()] = job
    world.store.sagemaker(region).transform_jobs[name.lower()] = job
    world.begin(job)
    return {"TransformJobArn": job.arn}


def _transform(world: World, region: str, name: str) -> Any:
    job = world.transforms.get((region, name.lower()))
    if job is None:
        raise AwsError("ResourceNotFound", f"Could not find the transform job {name}.")
    return job


def describe_transform(world: World, region: str, body: Body) -> Body:
    """DescribeTransformJob, of one of ours or of a child of an AutoML job."""
    name = body["TransformJobName"]
    if (region, name) in world.children["transform"]:
        return world.child("transform", region, name).describe(world.clock.time())
    return _transform(world, region, name).describe()  # type: ignore[no-any-return]


def stop_transform(world: World, region: str, body: Body) -> Body:
    """StopTransformJob; one that has ended is refused."""
    job = _transform(world, region, body["TransformJobName"])
    if job.ended is not None:
        raise invalid(f"The request was rejected because the transform job is in status {job.status}.")
    job.stop(world.clock.time())
    return {}


def describe_automl_v1(world: World, region: str, body: Body) -> Body:
    """DescribeAutoMLJob: knows nothing of jobs that the second version created."""
    world.automl_job(region, body["AutoMLJobName"])
    raise invalid("AutoML jobs created by calling CreateAutoMLJobV2 cannot be described by DescribeAutoMLJob.")


def _tagged(world: World, region: str, arn: str) -> Any:
    """Return whatever has this ARN, regardless of case, with its ``tags``."""
    moto = world.store.sagemaker(region)
    kept = (moto._models, moto.endpoints, moto.endpoint_configs, moto.auto_ml_jobs, moto.training_jobs,  # noqa: SLF001
            moto.processing_jobs, moto.transform_jobs)  # fmt: skip
    for items in kept:
        for item in items.values():
            if item.arn.lower() == arn.lower():
                return item
    raise invalid(f"Could not find the resource {arn}.")


def add_tags(world: World, region: str, body: Body) -> Body:
    """AddTags: overwrites the value of a key that is there."""
    item = _tagged(world, region, body["ResourceArn"])
    merged = {tag["Key"]: tag for tag in [*(item.tags or []), *body["Tags"]]}
    item.tags = list(merged.values())
    return {"Tags": item.tags}


def list_tags(world: World, region: str, body: Body) -> Body:
    """ListTags."""
    return page(_tagged(world, region, body["ResourceArn"]).tags or [], body, "Tags", default=50)


def delete_tags(world: World, region: str, body: Body) -> Body:
    """DeleteTags."""
    item = _tagged(world, region, body["ResourceArn"])
    item.tags = [tag for tag in item.tags or [] if tag["Key"] not in body["TagKeys"]]
    return {}


OPERATIONS: dict[str, Callable[[World, str, Body], Body]] = {
    "CreateAutoMLJobV2": create_automl,
    "DescribeAutoMLJobV2": describe_automl,
    "DescribeAutoMLJob": describe_automl_v1,
    "ListAutoMLJobs": list_automl,
    "StopAutoMLJob": stop_automl,
    "ListCandidatesForAutoMLJob": list_candidates,
    "DescribeTrainingJob": describe_child("training"),
    "ListTrainingJobs": list_children("training"),
    "StopTrainingJob": stop_child("training"),
    "DescribeProcessingJob": describe_child("processing"),
    "ListProcessingJobs": list_children("processing"),
    "StopProcessingJob": stop_child("processing"),
    "CreateModel": create_model,
    "DescribeModel": describe_model,
    "DeleteModel": delete_model,
    "ListModels": list_kept("Model", "_models"),
    "ListEndpoints": list_kept("Endpoint", "endpoints"),
    "ListEndpointConfigs": list_kept("EndpointConfig", "endpoint_configs"),
    "CreateTransformJob": create_transform,
    "DescribeTransformJob": describe_transform,
    "ListTransformJobs": list_children("transform"),
    "StopTransformJob": stop_transform,
    "AddTags": add_tags,
    "ListTags": list_tags,
    "DeleteTags": delete_tags,
}
