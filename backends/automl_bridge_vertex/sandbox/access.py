"""Which IAM permission a request needs; refused where the permissions in force do not grant it.

Source: the reference of IAM permissions of Vertex AI and Cloud Storage. Long-running operations are read without one.
"""

from __future__ import annotations

import fnmatch
from typing import TYPE_CHECKING, Any

from automl_bridge_vertex.sandbox.errors import RpcError

if TYPE_CHECKING:
    from automl_bridge_vertex.sandbox.storage import StorageCall

__all__ = ["Access", "storage_permissions"]

VERBS = {"Create": "create", "Get": "get", "List": "list", "Update": "update", "Delete": "delete", "Cancel": "cancel"}
RESOURCES = {
    "Dataset": "datasets", "TrainingPipeline": "trainingPipelines", "Model": "models", "Endpoint": "endpoints",
    "BatchPredictionJob": "batchPredictionJobs", "ModelEvaluation": "modelEvaluations", "Location": "locations",
    "ModelEvaluationSlice": "modelEvaluationSlices",
}  # fmt: skip
OTHERS = {
    "ImportData": "datasets.import", "ListModelVersions": "models.list", "ExportModel": "models.export",
    "DeployModel": "endpoints.deploy", "UndeployModel": "endpoints.undeploy", "ListOperations": "operations.list",
    "CancelOperation": "operations.cancel", "DeleteOperation": "operations.delete",
}  # fmt: skip
FREE = frozenset({"GetOperation", "WaitOperation"})


class Access:
    """The permissions in force (None grants all), and a record of what was asked of them."""

    def __init__(self) -> None:
        self.granted: list[str] | None = None
        self.used: set[str] = set()
        self.refused: list[str] = []

    def allows(self, permission: str) -> bool:
        """Whether a permission is granted; remembers that it was asked for."""
        self.used.add(permission)
        if self.granted is None or any(fnmatch.fnmatchcase(permission, one) for one in self.granted):
            return True
        self.refused.append(permission)
        return False

    def check(self, method: str, request: Any) -> None:
        """Raise what Vertex AI says to a caller who may not call ``method``."""
        permission = _permission(method)
        if permission is None or self.allows(permission):
            return
        resource = next(
            (str(getattr(request, name)) for name in ("parent", "name", "endpoint") if hasattr(request, name)), ""
        )
        details = {
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": "IAM_PERMISSION_DENIED",
            "domain": "aiplatform.googleapis.com",
            "metadata": {"permission": permission, "resource": resource},
        }
        raise RpcError(
            "PERMISSION_DENIED",
            f"Permission '{permission}' denied on resource '//aiplatform.googleapis.com/{resource}' "
            "(or it may not exist).",
            [details],
        )

    def refused_of(self, call: StorageCall) -> str | None:
        """Return the permission that a request to Cloud Storage lacks, or None."""
        return next((one for one in storage_permissions(call) if not self.allows(one)), None)


def _permission(method: str) -> str | None:
    if method in FREE:
        return None
    if method in OTHERS:
        return f"aiplatform.{OTHERS[method]}"
    verb = next((one for one in VERBS if method.startswith(one)), "")
    resource = method.removeprefix(verb)
    name = RESOURCES.get(resource) or RESOURCES.get(resource.removesuffix("s"))
    return f"aiplatform.{name}.{VERBS[verb]}" if verb and name else None


def storage_permissions(call: StorageCall) -> list[str]:
    """Return the permissions that a request to Cloud Storage needs."""
    kind, _, verb = call.operation.partition(".")
    if kind not in {"objects", "buckets"} or verb == "iam":  # to ask what one may do needs no permission
        return []
    verbs = {"insert": "create", "patch": "update", "compose": "create", "rewrite": "create", "copy": "create"}
    return [f"storage.{kind}.{verbs.get(verb, verb)}"]
