"""The least-privilege role grants every call that the adapter makes, and nothing else."""

from __future__ import annotations

import json
import re
from pathlib import Path

import automl_bridge_vertex

FOLDER = Path(automl_bridge_vertex.__file__).parent
# The permissions of Vertex AI's reference of access control, by the methods of its clients.
PERMISSIONS = {
    "dataset": "datasets",
    "training_pipeline": "trainingPipelines",
    "batch_prediction_job": "batchPredictionJobs",
    "model": "models",
    "endpoint": "endpoints",
    "model_evaluation": "modelEvaluations",
}
# Storage: by the methods of buckets and blobs.
STORAGE = {
    "get_bucket": "buckets.get",
    "upload_from_string": "objects.create",
    "download_as_bytes": "objects.get",
    "list_blobs": "objects.list",
    ".delete(timeout": "objects.delete",
}
OTHERS = {
    "import_data": "datasets.import",
    "export_model": "models.export",
    "undeploy_model": "endpoints.undeploy",
    "get_operation": "operations.list",
}


def granted() -> set[str]:
    return set(json.loads((FOLDER / "roles.json").read_text("utf-8"))["includedPermissions"])


def called() -> set[str]:
    source = "\n".join(path.read_text("utf-8") for path in FOLDER.glob("*.py") if path.name != "live.py")
    found = {f"storage.{permission}" for call, permission in STORAGE.items() if call in source}
    found |= {f"aiplatform.{permission}" for call, permission in OTHERS.items() if call in source}
    for verb, noun in re.findall(r"\b(create|get|list|cancel|delete)_([a-z_]+?)s?\b", source):
        if noun in PERMISSIONS:
            found.add(f"aiplatform.{PERMISSIONS[noun]}.{verb}")
    # The inventory makes its calls' names from the kinds: it lists and gets all, stops jobs, deletes the rest.
    for noun, name in PERMISSIONS.items():
        if noun != "model_evaluation":
            found |= {f"aiplatform.{name}.{verb}" for verb in ("get", "list")}
            stopped = noun in {"training_pipeline", "batch_prediction_job"}
            found.add(f"aiplatform.{name}.{'cancel' if stopped else 'delete'}")
    return found


def test_what_is_called_is_granted_and_nothing_more():
    assert called() == granted()


def test_nothing_is_a_wildcard_and_nothing_administers():
    assert not any("*" in permission or "setIamPolicy" in permission for permission in granted())
