"""Runs as run history has them, after the dump of a real one: three trials on serverless machines, nine minutes."""

from __future__ import annotations

from typing import Any

__all__ = ["child", "finished_job", "parent"]

_COMPUTE = {
    "target": "Serverless", "targetType": "AmlCompute", "vmSize": "Standard_DS3_v2", "instanceCount": 1,
    "gpuCount": None, "priority": "Dedicated", "region": None,
}  # fmt: skip


def parent(name: str, best: str | None, **changes: Any) -> dict[str, Any]:
    tags = {"model_explain_run": "best_run", **({"automl_best_child_run_id": best} if best else {})}
    return {
        "runId": name, "status": "Completed", "experimentId": "5a025935", "parentRunId": None, "error": None,
        "startTimeUtc": "2024-02-23T15:09:06.984Z", "endTimeUtc": "2024-02-23T15:18:26.583Z",
        "computeDuration": "00:09:19.5983759", "tags": tags, "compute": dict(_COMPUTE),
        "properties": {"primary_metric": "AUC_weighted"}, "runTypeV2": {"orchestrator": "AutoML"}, **changes,
    }  # fmt: skip


def child(name: str, duration: str | None = "00:01:00", **changes: Any) -> dict[str, Any]:
    """Return a child; with ``score`` it is a trial."""
    score, algorithm = changes.pop("score", None), changes.pop("algorithm", None)
    properties: dict[str, Any] = changes.pop("properties", {})
    if score is not None or algorithm is not None:
        preprocessor = "" if algorithm and "Ensemble" in algorithm else "MaxAbsScaler"
        properties = {
            "runTemplate": "automl_child", "iteration": name.rpartition("_")[2], "score": str(score),
            "run_algorithm": algorithm or "LightGBM", "run_preprocessor": preprocessor, **properties,
        }  # fmt: skip
    held = {
        "runId": name, "status": "Completed", "error": None, "startTimeUtc": "2024-02-23T15:10:00Z", "tags": {},
        "properties": properties, "compute": dict(_COMPUTE), **changes,
    }  # fmt: skip
    if duration is not None:
        held["computeDuration"] = duration
    return held


def finished_job(service: Any, name: str, *, status: str = "Completed", best: str | None = "_2") -> None:
    """Let a job that was submitted be over: set-up, featurization, two models and an ensemble."""
    service.jobs[name]["properties"]["status"] = status
    service.runs[name] = parent(name, f"{name}{best}" if best else None, status=status)
    service.children[name] = [
        child(f"{name}_setup", "00:02:00"),
        child(f"{name}_featurize", "00:00:30"),
        child(f"{name}_0", "00:01:10.5000000", score=0.81, algorithm="XGBoostClassifier"),
        child(f"{name}_1", "00:00:20", score=0.79, algorithm="LogisticRegression"),
        child(f"{name}_2", "00:01:00", score=0.84, algorithm="VotingEnsemble"),
        child(f"{name}_ModelExplain", "00:00:40"),
    ]
    for trial, auc in (("_0", 0.81), ("_1", 0.79), ("_2", 0.84)):
        service.metrics[f"{name}{trial}"] = {"AUC_weighted": auc, "log_loss": 1 - auc, "accuracy": auc - 0.1}
