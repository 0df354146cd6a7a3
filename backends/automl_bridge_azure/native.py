"""The SDK's own objects, made of the request in a plan by ``azure.ai.ml.automl``'s factories and ``command``.

What they send is the plan's request, word for word: a test compares both.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["job_of", "minutes_of"]

_SNAKE = re.compile(r"(?<!^)(?<![A-Z])(?=[A-Z])")


def job_of(request: Mapping[str, Any]) -> Any:
    """Return the job of a plan's request, as ``MLClient.jobs.create_or_update`` takes it."""
    properties = request["body"]["properties"]
    job = _command(request, properties) if properties["jobType"] == "Command" else _automl(properties)
    job.name = request["name"]
    job.properties = dict(properties["properties"])
    if "identity" in properties:
        job.identity = _identity(properties["identity"]["identityType"])
    return job


def _identity(kind: str) -> Any:
    from azure.ai.ml.entities import ManagedIdentityConfiguration, UserIdentityConfiguration

    return UserIdentityConfiguration() if kind == "UserIdentity" else ManagedIdentityConfiguration()


def minutes_of(duration: str | None) -> int | None:
    """Return a length of time in whole minutes, from how requests write it; None if it is none."""
    found = re.fullmatch(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?", duration or "")
    if found is None:
        return None
    days, hours, minutes, seconds = (float(part or 0) for part in found.groups())
    return int((days * 24 + hours) * 60 + minutes + seconds / 60)


def _automl(properties: Mapping[str, Any]) -> Any:
    from azure.ai.ml import Input, automl

    details = properties["taskDetails"]
    factories = {
        "Classification": automl.classification,
        "Regression": automl.regression,
        "Forecasting": automl.forecasting,
        "ImageClassification": automl.image_classification,
        "TextClassification": automl.text_classification,
    }
    data = {
        argument: Input(type="mltable", path=details[key]["uri"])
        for key, argument in (("trainingData", "training_data"), ("validationData", "validation_data"))
        if key in details
    }
    options: dict[str, Any] = {}
    if "weightColumnName" in details:
        options["weight_column_name"] = details["weightColumnName"]
    if "nCrossValidations" in details:
        options["n_cross_validations"] = "auto"
    job = factories[details["taskType"]](
        **data,
        **options,
        target_column_name=details["targetColumnName"],
        primary_metric=details["primaryMetric"],
        experiment_name=properties["experimentName"],
        display_name=properties["displayName"],
        tags=dict(properties["tags"]),
        **_compute(properties),
    )
    _settings(job, details)
    if "resources" in properties:
        # Plain mappings: ResourceConfiguration and QueueSettings go out in snake case on AutoML jobs.
        job.resources = dict(properties["resources"])
        job.queue_settings = dict(properties["queueSettings"])
    return job


def _compute(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {"compute": properties["computeId"].rpartition("/")[2]} if "computeId" in properties else {}


def _settings(job: Any, details: Mapping[str, Any]) -> None:
    limits = details["limitSettings"]
    given: dict[str, Any] = {
        "max_concurrent_trials": limits["maxConcurrentTrials"],
        "max_trials": limits["maxTrials"],
        "timeout_minutes": minutes_of(limits["timeout"]),
    }
    if "trialTimeout" in limits:
        given["trial_timeout_minutes"] = minutes_of(limits["trialTimeout"])
        given["enable_early_termination"] = limits["enableEarlyTermination"]
    job.set_limits(**given)
    training = details.get("trainingSettings")
    if training is not None:
        job.set_training(**{_snake(key): value for key, value in training.items()})
    forecast = details.get("forecastingSettings")
    if forecast is not None:
        names = {key: value for key, value in forecast.items() if key != "forecastHorizon"}
        horizon = forecast["forecastHorizon"]["value"]
        job.set_forecast_settings(forecast_horizon=horizon, **{_snake(key): value for key, value in names.items()})


def _snake(name: str) -> str:
    return _SNAKE.sub("_", name).lower()


def _command(request: Mapping[str, Any], properties: Mapping[str, Any]) -> Any:
    from azure.ai.ml import Input, Output, command

    resources = properties["resources"]
    job = command(
        command=properties["command"],
        inputs={
            name: Input(type=one["jobInputType"], path=one["uri"], mode=one["mode"].lower())
            for name, one in properties["inputs"].items()
        },
        outputs={
            name: Output(type=one["jobOutputType"], path=one["uri"], mode=one["mode"].lower())
            for name, one in properties["outputs"].items()
        },
        environment=_environment(request, properties),
        experiment_name=properties["experimentName"],
        display_name=properties["displayName"],
        tags=dict(properties["tags"]),
        instance_count=resources["instanceCount"],
        instance_type=resources.get("instanceType"),
        **_compute(properties),
    )
    minutes = minutes_of(properties["limits"]["timeout"])
    assert minutes is not None
    job.set_limits(timeout=60 * minutes)
    if "queueSettings" in properties:
        job.set_queue_settings(job_tier=properties["queueSettings"]["jobTier"])
    return job


def _environment(request: Mapping[str, Any], properties: Mapping[str, Any]) -> Any:
    inline = request.get("environment")
    if inline is None:
        return properties["environmentId"]
    from azure.ai.ml.entities import Environment

    return Environment(image=inline["image"], conda_file=inline["conda"])
