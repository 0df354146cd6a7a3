"""Everything this tool left in the account: what bills, what may, and how it is removed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from automl_bridge.backend import Resource
from automl_bridge.cloud.layout import split_uri
from automl_bridge.cloud.stored import stored_folders
from automl_bridge.costs.usage import Usage, UsageItem
from automl_bridge.errors import UnsupportedError
from automl_bridge_sagemaker.errors import is_code, is_missing, translated
from automl_bridge_sagemaker.layout import root
from automl_bridge_sagemaker.planning import AUTOML_JOB, JOB_FOLDER, MODEL, STAGED_DATA, TRANSFORM_JOB
from automl_bridge_sagemaker.rates import HOSTING, S3_STORAGE, sku
from automl_bridge_sagemaker.requests import RUN_TAG
from automl_bridge_sagemaker.submission import described

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from automl_bridge_sagemaker.clients import Clients
    from automl_bridge_sagemaker.objects import Objects
    from automl_bridge_sagemaker.settings import SageMakerSettings

__all__ = ["ENDPOINT", "ENDPOINT_CONFIG", "Inventory"]

ENDPOINT, ENDPOINT_CONFIG = "endpoint", "endpoint config"

NAME_STEM = "ab-"
"""How all remote names of this tool begin."""

# kind: list call, key of the list, of the name, of the ARN, further options
_LISTS: dict[str, tuple[str, str, str, str, dict[str, str]]] = {
    AUTOML_JOB: ("list_auto_ml_jobs", "AutoMLJobSummaries", "AutoMLJobName", "AutoMLJobArn",
                 {"StatusEquals": "InProgress"}),
    TRANSFORM_JOB: ("list_transform_jobs", "TransformJobSummaries", "TransformJobName", "TransformJobArn",
                    {"StatusEquals": "InProgress"}),
    ENDPOINT: ("list_endpoints", "Endpoints", "EndpointName", "EndpointArn", {}),
    ENDPOINT_CONFIG: ("list_endpoint_configs", "EndpointConfigs", "EndpointConfigName", "EndpointConfigArn", {}),
    MODEL: ("list_models", "Models", "ModelName", "ModelArn", {}),
}  # fmt: skip

# kind: call, argument. Records of jobs cannot be deleted; stopped, they bill nothing.
_DELETES = {
    AUTOML_JOB: ("stop_auto_ml_job", "AutoMLJobName"),
    TRANSFORM_JOB: ("stop_transform_job", "TransformJobName"),
    ENDPOINT: ("delete_endpoint", "EndpointName"),
    ENDPOINT_CONFIG: ("delete_endpoint_config", "EndpointConfigName"),
    MODEL: ("delete_model", "ModelName"),
}

# kind: call, argument, key of the state. What stopping a finished job answers is not documented: it is not asked.
_DESCRIBES = {
    AUTOML_JOB: ("describe_auto_ml_job_v2", "AutoMLJobName", "AutoMLJobStatus"),
    TRANSFORM_JOB: ("describe_transform_job", "TransformJobName", "TransformJobStatus"),
}


class Inventory:
    """Lists and deletes what carries our names and tags, and what lies under our prefix."""

    def __init__(self, clients: Clients, objects: Objects, settings: SageMakerSettings) -> None:
        self._clients = clients
        self._objects = objects
        self._settings = settings

    def resources(self) -> Iterator[Resource]:
        """List jobs that run, models, endpoints and their configurations, and what lies in the bucket."""
        for kind, (call, key, name_key, arn_key, options) in _LISTS.items():
            pages = self._clients.sagemaker.get_paginator(call).paginate(
                NameContains=NAME_STEM, **options, PaginationConfig={"PageSize": 100}
            )
            with translated(f"listing {kind}s"):
                found = [one for page in pages for one in page[key]]
            for one in found:
                run = self._run_of(one[arn_key]) if one[name_key].startswith(NAME_STEM) else None
                if run is not None:
                    yield self._resource(kind, one[name_key], one, run)
        settings = self._settings
        if settings.bucket:
            yield from stored_folders(
                self._objects, root(settings), backend="sagemaker", sku=S3_STORAGE, region=settings.region
            )

    def _run_of(self, arn: str) -> str | None:
        """Return the run in a thing's tags; None if it is not ours, or gone since it was listed."""
        from botocore.exceptions import ClientError

        with translated(f"reading the tags of {arn}"):
            try:
                pages = self._clients.sagemaker.get_paginator("list_tags").paginate(ResourceArn=arn)
                tags = {tag["Key"]: tag["Value"] for page in pages for tag in page.get("Tags") or ()}
            except ClientError as error:
                if is_code(error, "ValidationException", "ResourceNotFound"):
                    return None
                raise
        return tags.get(RUN_TAG)

    def _resource(self, kind: str, name: str, summary: Mapping[str, Any], run: str) -> Resource:
        usage = Usage()
        if kind in {AUTOML_JOB, TRANSFORM_JOB}:
            # It bills by instances that the service picks: how much a day is not known.
            usage = Usage(known=False)
        elif kind == ENDPOINT:
            usage = self._endpoint_usage(name)
        return Resource(
            backend="sagemaker", kind=kind, name=name, since=summary["CreationTime"].isoformat(),
            usage_per_day=usage, run=run,
        )  # fmt: skip

    def _endpoint_usage(self, name: str) -> Usage:
        """Return the hours of its instances a day: as many as it has now, which may not be those that it began with."""
        clients = self._clients
        endpoint = described(clients.sagemaker.describe_endpoint, f"the endpoint {name}", EndpointName=name) or {}
        # One that did not come up has none.
        of = endpoint.get("EndpointConfigName")
        describe = clients.sagemaker.describe_endpoint_config
        config = described(describe, f"the configuration {of}", EndpointConfigName=of) if of else None
        if config is None:
            return Usage(known=False)
        now = {one["VariantName"]: one.get("CurrentInstanceCount") for one in endpoint.get("ProductionVariants") or ()}
        variants = [*config["ProductionVariants"], *(config.get("ShadowProductionVariants") or ())]
        items = tuple(
            UsageItem(
                sku=sku(HOSTING, one["InstanceType"]),
                quantity=24.0 * (now.get(one["VariantName"]) or one.get("InitialInstanceCount", 1)),
                unit="instance-hour", part="hosting", region=self._settings.region,
            )
            for one in variants if one.get("InstanceType")
        )  # fmt: skip
        return Usage(items=items, known=len(items) == len(variants))

    def delete(self, kind: str, name: str) -> None:
        """Delete a thing, or stop a job; what is gone or has ended already is no error."""
        if kind in {STAGED_DATA, JOB_FOLDER}:
            self._objects.delete_under(split_uri(name))
            return
        if kind in _DESCRIBES and not self._is_running(kind, name):
            return
        if kind not in _DELETES:
            raise UnsupportedError(f"sagemaker has no {kind} to delete ({name})")
        from botocore.exceptions import ClientError

        call, argument = _DELETES[kind]
        with translated(f"deleting the {kind} {name}"):
            try:
                getattr(self._clients.sagemaker, call)(**{argument: name})
            except ClientError as error:
                # "Cannot update in-progress endpoint" is a ValidationException, too: then it is there, and bills on.
                ended = kind in _DESCRIBES and not self._is_running(kind, name)
                if not (is_missing(error) or ended):
                    raise

    def _is_running(self, kind: str, name: str) -> bool:
        call, argument, key = _DESCRIBES[kind]
        answer = described(getattr(self._clients.sagemaker, call), f"the {kind} {name}", **{argument: name})
        return answer is not None and answer[key] == "InProgress"
