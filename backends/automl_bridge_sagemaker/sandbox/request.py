"""A CreateAutoMLJobV2 request: its parts by short names, and the rules that the service checks at once.

Rules: API_CreateAutoMLJobV2, API_AutoMLJobObjective, API_AutoMLJobCompletionCriteria, API_TabularJobConfig,
API_TimeSeriesForecastingJobConfig, API_AutoMLJobChannel and the guide's pages that they link.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from automl_bridge_sagemaker.sandbox.data import PARQUET, channels_of
from automl_bridge_sagemaker.sandbox.protocol import invalid

if TYPE_CHECKING:
    from automl_bridge_sagemaker.sandbox.data import Channel

__all__ = ["Request"]

KINDS = {
    "TabularJobConfig": "table",
    "ImageClassificationJobConfig": "image",
    "TextClassificationJobConfig": "text",
    "TimeSeriesForecastingJobConfig": "series",
}
CSV = "text/csv;header=present"
OBJECTIVES = {  # problem: what it may optimise, the default first
    "Regression": ("MSE", "MAE", "R2", "RMSE"),
    "BinaryClassification": ("F1", "Accuracy", "AUC", "BalancedAccuracy", "Precision", "Recall"),
    "MulticlassClassification": ("Accuracy", "BalancedAccuracy", "F1macro", "PrecisionMacro", "RecallMacro"),
    "image": ("Accuracy",),
    "text": ("Accuracy",),
    "series": ("AverageWeightedQuantileLoss", "MAPE", "MASE", "RMSE", "WAPE"),
}
ENSEMBLING_ALGORITHMS = frozenset(
    {"catboost", "extra-trees", "fastai", "lightgbm", "linear-learner", "nn-torch", "randomforest", "xgboost"}
)
TUNING_ALGORITHMS = frozenset({"linear-learner", "mlp", "xgboost"})
FREQUENCY = re.compile(r"1Y|Y|([1-9]|1[0-1])M|M|[1-4]W|W|[1-6]D|D|([1-9]|1[0-9]|2[0-3])H|H|([1-9]|[1-5][0-9])min")


@dataclass(frozen=True)
class Request:
    """The request of an AutoML job."""

    body: dict[str, Any]

    @property
    def name(self) -> str:
        """The job's name."""
        return str(self.body["AutoMLJobName"])

    @property
    def config_name(self) -> str:
        """Which of the problem type configurations it holds."""
        names = [str(name) for name in self.body["AutoMLProblemTypeConfig"] if name in KINDS]
        if len(names) != 1:
            raise invalid("AutoMLProblemTypeConfig must hold exactly one configuration that is supported here")
        return names[0]

    @property
    def config(self) -> dict[str, Any]:
        """The configuration of its problem type."""
        return dict(self.body["AutoMLProblemTypeConfig"][self.config_name])

    @property
    def kind(self) -> str:
        """``table``, ``image``, ``text`` or ``series``."""
        return KINDS[self.config_name]

    @property
    def problem(self) -> str | None:
        """The tabular problem type, if it is given."""
        found: str | None = self.config.get("ProblemType")
        return found

    @property
    def objective(self) -> str | None:
        """The metric it asks for, if it does."""
        found: str | None = self.body.get("AutoMLJobObjective", {}).get("MetricName")
        return found

    @property
    def criteria(self) -> dict[str, int]:
        """Its completion criteria."""
        return dict(self.config.get("CompletionCriteria", {}))

    @property
    def channels(self) -> dict[str, Channel]:
        """Its input channels by type."""
        return channels_of(self.body["AutoMLJobInputDataConfig"], "image/*" if self.kind == "image" else CSV)

    @property
    def algorithms(self) -> tuple[str, ...]:
        """The algorithms it names; none means all."""
        configs = self.config.get("CandidateGenerationConfig", {}).get("AlgorithmsConfig", [])
        return tuple(name for config in configs for name in config["AutoMLAlgorithms"])

    @property
    def output(self) -> str:
        """Where everything of the job is written, without a slash at the end."""
        return str(self.body["OutputDataConfig"]["S3OutputPath"]).rstrip("/") + f"/{self.name}"

    def mode(self, size: int, objects: int) -> str:
        """Return the training mode; AUTO decides by ``size`` in bytes and the number of objects."""
        mode = self.config.get("Mode", "AUTO") if self.kind == "table" else "ENSEMBLING"
        if mode != "AUTO":
            return str(mode)
        manifest = any(channel.data_type == "ManifestFile" for channel in self.channels.values())
        large = size > 100_000_000 or objects > 1000
        return "HYPERPARAMETER_TUNING" if large or manifest else "ENSEMBLING"

    def check(self) -> None:
        """Raise what the service answers at once for a request that it does not take."""
        self._check_channels()
        self._check_limits()
        self._check_objective()
        if self.kind == "table":
            self._check_table()
        elif self.kind == "text" and self.config["ContentColumn"] == self.config["TargetLabelColumn"]:
            raise invalid("ContentColumn and TargetLabelColumn must be different columns")
        elif self.kind == "series" and not FREQUENCY.fullmatch(self.config["ForecastFrequency"]):
            raise invalid(f"ForecastFrequency {self.config['ForecastFrequency']} is not supported")
        deploy = self.body.get("ModelDeployConfig", {})
        if deploy.get("AutoGenerateEndpointName") and "EndpointName" in deploy:
            raise invalid("An EndpointName cannot be provided while AutoGenerateEndpointName is True.")

    def _check_channels(self) -> None:
        channels = self.body["AutoMLJobInputDataConfig"]
        kinds = [channel.get("ChannelType", "training") for channel in channels]
        if sorted(kinds) not in (["training"], ["training", "validation"]):
            raise invalid("AutoMLJobInputDataConfig must hold a training channel and at most one validation channel")
        if len({channel.get("ContentType") for channel in channels}) > 1:
            raise invalid("The training and validation channels must have the same ContentType")
        fraction = self.body.get("DataSplitConfig", {}).get("ValidationFraction")
        if fraction is not None and (len(kinds) == 2 or self.kind == "series"):
            raise invalid("ValidationFraction must not be set with a validation channel, nor for forecasting")
        types = {"table": {"S3Prefix", "ManifestFile"}, "image": {"S3Prefix", "ManifestFile", "AugmentedManifestFile"}}
        for channel in self.channels.values():
            if channel.data_type not in types.get(self.kind, {"S3Prefix"}):
                raise invalid(f"S3DataType {channel.data_type} is not supported for this problem type")
            written = channel.content_type.lower()
            if not (written.startswith("image/") if self.kind == "image" else written in {CSV, PARQUET}):
                raise invalid(f"ContentType {channel.content_type} is not supported for this problem type")
            if channel.gzipped and (self.kind != "table" or channel.data_type != "S3Prefix"):
                raise invalid("CompressionType Gzip is only supported for tabular data with S3DataType S3Prefix")

    def _check_limits(self) -> None:
        most = self.criteria.get("MaxCandidates")
        if self.kind != "table" and most not in {None, 1}:
            raise invalid(f"MaxCandidates must be 1 for this problem type, not {most}")
        total, each = (
            self.criteria.get("MaxAutoMLJobRuntimeInSeconds"),
            self.criteria.get("MaxRuntimePerTrainingJobInSeconds"),
        )
        if total is not None and each is not None and each > total:
            raise invalid("MaxRuntimePerTrainingJobInSeconds must not exceed MaxAutoMLJobRuntimeInSeconds")

    def _check_objective(self) -> None:
        if self.kind == "table" and (self.problem is None) != (self.objective is None):
            raise invalid("ProblemType and AutoMLJobObjective must be given together, or neither of them")
        allowed = OBJECTIVES[self.problem or self.kind] if self.kind != "table" or self.problem else ()
        if allowed and self.objective is not None and self.objective not in allowed:
            raise invalid(f"The objective {self.objective} is not supported; supported: {', '.join(allowed)}")

    def _check_table(self) -> None:
        mode = self.config.get("Mode", "AUTO")
        if self.algorithms and mode == "AUTO":
            raise invalid("AlgorithmsConfig must not be set with Mode AUTO")
        known = TUNING_ALGORITHMS if mode == "HYPERPARAMETER_TUNING" else ENSEMBLING_ALGORITHMS
        wrong = sorted(set(self.algorithms) - known)
        if wrong:
            raise invalid(f"Algorithms {wrong} are not supported in mode {mode}; supported: {sorted(known)}")
        if "SampleWeightAttributeName" in self.config and mode != "ENSEMBLING":
            raise invalid("SampleWeightAttributeName is only supported with Mode ENSEMBLING")
