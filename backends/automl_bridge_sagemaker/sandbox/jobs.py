"""Jobs that take their time: what the simulated clock shows of them, and the child jobs of an AutoML job."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from automl_bridge_sagemaker.sandbox.store import ACCOUNT

__all__ = ["ChildJob", "arn_of"]

STEP_TYPES = {
    "training": "AWS::SageMaker::TrainingJob",
    "processing": "AWS::SageMaker::ProcessingJob",
    "transform": "AWS::SageMaker::TransformJob",
}


def arn_of(region: str, kind: str, name: str) -> str:
    """Return the ARN of a resource; names in it are in lower case (amazon-sagemaker-examples#293)."""
    return f"arn:aws:sagemaker:{region}:{ACCOUNT}:{kind}/{name.lower()}"


@dataclass
class ChildJob:
    """A training, processing or transform job that Autopilot runs. Times are epoch seconds, simulated.

    Parameters
    ----------
    end
        When it ends if nobody stops it; ``stopped`` is when somebody did.
    """

    kind: str
    name: str
    region: str
    parent: str
    role: str
    start: float
    end: float
    instance_type: str
    instance_count: int
    tags: list[dict[str, str]] = field(default_factory=list)
    artefact: str = ""
    stopped: float | None = None
    failure: str = ""

    @property
    def arn(self) -> str:
        """Its ARN."""
        return arn_of(self.region, f"{self.kind}-job", self.name)

    def status(self, now: float) -> str:
        """Return its status at ``now``."""
        if self.stopped is not None and self.stopped < self.end:
            return ("Failed" if self.failure else "Stopped") if now >= self.stopped else "InProgress"
        return "Completed" if now >= self.end else "InProgress"

    def ended(self, now: float) -> float | None:
        """Return when it ended, or None if it runs at ``now``."""
        end = self.end if self.stopped is None else min(self.end, self.stopped)
        return end if now >= end else None

    def stop(self, at: float, failure: str = "") -> None:
        """End it early; a job that has ended stays as it is."""
        if self.stopped is None:
            self.stopped, self.failure = max(at, self.start), failure

    def summary(self, now: float) -> dict[str, Any]:
        """Return it as the list operations do."""
        word = self.kind.title()
        end = self.ended(now)
        found = {
            f"{word}JobName": self.name,
            f"{word}JobArn": self.arn,
            "CreationTime": self.start,
            "LastModifiedTime": end or now,
            f"{word}JobStatus": self.status(now),
        }
        if end is not None:
            found[f"{word}EndTime"] = end
        if self.failure and self.status(now) == "Failed" and self.kind != "training":
            found["FailureReason"] = self.failure
        return found

    def describe(self, now: float) -> dict[str, Any]:
        """Return it as the describe operation of its kind does."""
        found = {**self.summary(now), f"{self.kind.title()}StartTime": self.start, "AutoMLJobArn": self.parent}
        if self.failure and self.status(now) == "Failed":
            found["FailureReason"] = self.failure
        resources = {"InstanceType": self.instance_type, "InstanceCount": self.instance_count}
        if self.kind == "training":
            return found | self._training(now, resources)
        if self.kind == "processing":
            app = {"ImageUri": f"{ACCOUNT}.dkr.ecr.{self.region}.amazonaws.com/sagemaker-sklearn-automl:2.5-1-cpu-py3"}
            cluster = {**resources, "VolumeSizeInGB": 250}
            return found | {
                "ProcessingResources": {"ClusterConfig": cluster},
                "AppSpecification": app,
                "RoleArn": self.role,
            }
        source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": self.artefact or "s3://sandbox/none"}}
        found["TransformJobArn"] = self.arn
        return found | {
            "ModelName": self.name,
            "TransformInput": {"DataSource": source},
            "TransformResources": resources,
        }

    def _training(self, now: float, resources: dict[str, Any]) -> dict[str, Any]:
        end = self.ended(now)
        status = self.status(now)
        found: dict[str, Any] = {
            "ModelArtifacts": {"S3ModelArtifacts": self.artefact},
            "SecondaryStatus": "Training" if status == "InProgress" else status,
            "AlgorithmSpecification": {"TrainingInputMode": "File"},
            "RoleArn": self.role,
            "ResourceConfig": {**resources, "VolumeSizeInGB": 50},
            "StoppingCondition": {"MaxRuntimeInSeconds": 86400},
            "EnableManagedSpotTraining": False,
        }
        if end is not None:
            seconds = max(1, round(end - self.start))
            found |= {"TrainingTimeInSeconds": seconds, "BillableTimeInSeconds": seconds}
        return found
