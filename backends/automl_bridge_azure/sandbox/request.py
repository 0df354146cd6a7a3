"""An AutoML job as it was asked for, and the rules its fields keep to.

Sources are those of the rows AZ-* in the adapter's limits: Microsoft's pages and its own runtime, 1.62.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from automl_bridge_azure.sandbox.schema import seconds_of
from automl_bridge_azure.sandbox.scores import WIRE

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["MAX_CELLS", "Request"]

TASKS = {"Classification": "classification", "Regression": "regression", "Forecasting": "forecasting",
         "ImageClassification": "image", "TextClassification": "text"}  # fmt: skip
DEFAULT_METRIC = {"classification": "Accuracy", "regression": "NormalizedRootMeanSquaredError",
                  "forecasting": "NormalizedRootMeanSquaredError", "image": "Accuracy", "text": "Accuracy"}  # fmt: skip
MAX_CELLS = 10_000_000
DAY = 86400.0


@dataclass
class Request:
    """What the service makes of ``properties`` of a job of type AutoML."""

    properties: dict[str, Any]

    @property
    def details(self) -> dict[str, Any]:
        """The task's own part."""
        found: dict[str, Any] = self.properties["taskDetails"]
        return found

    @property
    def task(self) -> str:
        """``classification``, ``regression``, ``forecasting``, ``image`` or ``text``; empty for what is not done."""
        return TASKS.get(self.details["taskType"], "")

    @property
    def tabular(self) -> bool:
        """Whether it is of tables."""
        return self.task in {"classification", "regression", "forecasting"}

    @cached_property
    def limits(self) -> dict[str, Any]:
        """The limits that were sent."""
        return self.details.get("limitSettings") or {}

    @property
    def metric(self) -> str:
        """The primary metric as it is logged."""
        sent = str(self.details.get("primaryMetric") or DEFAULT_METRIC[self.task])
        return next(logged for wire, logged in WIRE.items() if wire.lower() == sent.lower())

    @property
    def trials(self) -> int:
        """How many trials at most, ensembles among them."""
        return int(self.limits.get("maxTrials") or (1000 if self.tabular else 1))

    @property
    def concurrent(self) -> int:
        """How many trials at a time."""
        return int(self.limits.get("maxConcurrentTrials") or 1)

    @property
    def timeout(self) -> float:
        """Seconds that setup, featurization and trials may take."""
        sent = self.limits.get("timeout")
        return float(seconds_of(sent) or 0) if sent else (6 * DAY if self.tabular else 7 * DAY)

    @property
    def trial_timeout(self) -> float | None:
        """Seconds of a trial; None where there is no such limit."""
        sent = self.limits.get("trialTimeout")
        return seconds_of(sent) if sent and self.tabular else None

    @property
    def training(self) -> dict[str, Any]:
        """The training settings."""
        return self.details.get("trainingSettings") or {}

    @property
    def after(self) -> tuple[str, ...]:
        """What follows the trials: vote, stack, explain."""
        if not self.tabular:
            return ()
        wanted = (
            ("vote", "enableVoteEnsemble"),
            ("stack", "enableStackEnsemble"),
            ("explain", "enableModelExplainability"),
        )
        found = tuple(role for role, name in wanted if self.training.get(name, True) is not False)
        # No ensembles with a timeout of an hour or less (learn, how-to-configure-auto-train).
        if self.timeout <= 3600 and self.limits.get("timeout"):
            return ()
        return found

    def uri(self, name: str) -> str | None:
        """Return the address of ``trainingData`` or ``validationData``."""
        about = self.details.get(name)
        return None if about is None else str(about["uri"])

    def wrong(self) -> Iterator[str]:
        """Yield what the service would refuse."""
        if not self.task:
            yield f"taskDetails.taskType: the sandbox does not do {self.details['taskType']}"
            return
        if not self.details.get("targetColumnName"):
            yield "taskDetails.targetColumnName is required"
        yield from self._wrong_limits()
        yield from self._wrong_validation()
        if self.task == "forecasting":
            yield from self._wrong_forecast()
        if self.training.get("allowedTrainingAlgorithms") and self.training.get("blockedTrainingAlgorithms"):
            yield "allowedTrainingAlgorithms and blockedTrainingAlgorithms are not to be given both"

    def _wrong_limits(self) -> Iterator[str]:
        bounds = {"maxTrials": (1, 1000), "maxConcurrentTrials": (1, 1000 if self.tabular else 100),
                  "maxCoresPerTrial": (-1, 16384), "maxNodes": (1, 100 if self.tabular else 32)}  # fmt: skip
        for name, (least, most) in bounds.items():
            value = self.limits.get(name)
            if (value is not None and not least <= value <= most) or (name == "maxCoresPerTrial" and value == 0):
                yield f"limitSettings.{name} is {value}; allowed: {least} to {most}"
        spans = {"timeout": (900.0, 365 * DAY), "trialTimeout": (60.0, 30 * DAY)} if self.tabular else {
            "timeout": (1.0, 60 * DAY)}  # fmt: skip
        for name, (shortest, longest) in spans.items():
            text = self.limits.get(name)
            seconds = None if text is None else seconds_of(text)
            if seconds is not None and not shortest <= seconds <= longest:
                yield f"limitSettings.{name} is {text}; allowed: {shortest / 60:g} to {longest / 60:g} minutes"
        if not self.tabular and self.concurrent > self.trials:
            yield f"limitSettings.maxConcurrentTrials {self.concurrent} exceeds maxTrials {self.trials}"

    def _wrong_validation(self) -> Iterator[str]:
        details = self.details
        share, folds = details.get("validationDataSize"), (details.get("nCrossValidations") or {}).get("value")
        if share is not None and not 0 < share < 1:
            yield f"validationDataSize is {share}; allowed: above 0 and below 1"
        if folds is not None and not 2 <= folds <= 1000:
            yield f"nCrossValidations is {folds}; allowed: 2 to 1000"
        if details.get("validationData") and (share is not None or details.get("nCrossValidations")):
            yield "validationData excludes validationDataSize and nCrossValidations"
        if self.task == "text" and not details.get("validationData"):
            yield "validationData is required for text tasks"
        if self.task == "forecasting" and (share is not None or details.get("cvSplitColumnNames")):
            yield "forecasting takes neither validationDataSize nor cvSplitColumnNames"

    def _wrong_forecast(self) -> Iterator[str]:
        settings = self.details.get("forecastingSettings") or {}
        if not settings.get("timeColumnName"):
            yield "forecastingSettings.timeColumnName is required"
        if settings.get("timeColumnName") in (settings.get("timeSeriesIdColumnNames") or []):
            yield "the time column is not to be a time series id"
        horizon = (settings.get("forecastHorizon") or {}).get("value")
        if horizon is not None and horizon < 1:
            yield f"forecastHorizon is {horizon}; allowed: 1 or more"
        if settings.get("targetAggregateFunction") not in {None, "None"} and not settings.get("frequency"):
            yield "targetAggregateFunction needs a frequency"
