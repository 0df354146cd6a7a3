"""An AutoML job: its states over simulated time, its candidates, what it leaves in S3."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from automl_bridge.sandbox.faults import FaultKind
from automl_bridge.sandbox.trainers import UnusableDataError
from automl_bridge_sagemaker.sandbox import artefacts
from automl_bridge_sagemaker.sandbox.jobs import STEP_TYPES, ChildJob, arn_of
from automl_bridge_sagemaker.sandbox.request import OBJECTIVES
from automl_bridge_sagemaker.sandbox.timeline import LONGEST, Slot, plan_timeline
from automl_bridge_sagemaker.sandbox.training import LOWER_IS_BETTER, named_metrics
from automl_bridge_sagemaker.sandbox.world import CAPACITY

if TYPE_CHECKING:
    from automl_bridge.sandbox.trainers import Candidate
    from automl_bridge_sagemaker.sandbox.request import Request
    from automl_bridge_sagemaker.sandbox.timeline import Child
    from automl_bridge_sagemaker.sandbox.world import World

__all__ = ["AutoMLJob"]

STOPPING_SECONDS = 60.0
IMAGES = {"boosting": "xgboost", "linear": "linear-learner"}
CONFIG_NAMES = {"table": "Tabular", "image": "ImageClassification", "text": "TextClassification",
                "series": "TimeSeriesForecasting"}  # fmt: skip


class AutoMLJob:
    """A job that `CreateAutoMLJobV2` started. Its attributes ``arn`` and ``tags`` are what moto reads of it."""

    def __init__(self, request: Request, region: str, world: World) -> None:
        self.request = request
        self.world = world
        self.region = region
        self.name = self.auto_ml_job_name = request.name
        self.arn = arn_of(region, "automl-job", request.name)
        self.tags: list[dict[str, str]] = list(request.body.get("Tags", []))
        self.created = self.modified = world.clock.time()
        self.ended: float | None = None
        self.status, self.secondary, self.failure = "InProgress", "Starting", ""
        self.stop_at: float | None = None
        self.published: set[str] = set()
        objects = [found for channel in request.channels.values() for found in channel.objects(world.store)]
        self.mode = request.mode(sum(size for _uri, size, _tag in objects), len(objects))
        wanted = request.criteria.get("MaxCandidates")
        most = int(world.context.settings.get("candidates", 10))
        count = 1 if request.kind != "table" else min(wanted or most, most)
        self.fate = world.draw_fate("CreateAutoMLJobV2")
        self.search = world.search(request, count, self.mode, [tag for _uri, _size, tag in objects])
        self.timeline = plan_timeline(
            request.name,
            self.mode,
            request.kind,
            candidates=count,
            limited=wanted is not None,
            runtime=request.criteria.get("MaxAutoMLJobRuntimeInSeconds"),
            per_candidate=request.criteria.get("MaxRuntimePerTrainingJobInSeconds"),
        )
        self.children = [self._child(child) for child in self._planned_children()]
        if self.fate is FaultKind.JOB_HANGS:
            for child in self.children:
                child.end = self.created + LONGEST if child.kind == "training" else child.end
        world.clock.run_until(self.created + self.timeline.end)

    def _planned_children(self) -> list[Child]:
        own = [step for slot in self.timeline.slots for step in slot.steps if step not in self.timeline.children]
        return [*self.timeline.children, *own]

    def _child(self, child: Child) -> ChildJob:
        return ChildJob(
            child.kind, child.name, self.region, self.arn, str(self.request.body["RoleArn"]),
            self.created + child.start, self.created + child.end, child.instance_type, child.instance_count,
            list(self.tags),
        )  # fmt: skip

    # What happens as time goes by

    def settle(self, now: float) -> None:
        """Move on to ``now``; called under the world's lock."""
        if self.ended is not None:
            return
        due = self._due(now)
        for slot, candidate in self._ready(now if due is None else due[0]):
            if slot.name not in self.published:
                self._publish(slot, candidate)
        if due is not None:
            self._end(*due)
        elif self.stop_at is None:
            phases = [name for start, name in self.timeline.phases if self.created + start <= now]
            if phases and phases[-1] != self.secondary:
                self.secondary, self.modified = phases[-1], now

    def _due(self, now: float) -> tuple[float, str, str, str] | None:  # noqa: PLR0911 (an end each)
        """Return when and how it has ended by ``now``: moment, status, secondary status, failure reason."""
        elapsed = now - self.created
        half = self.timeline.end / 2
        if self.stop_at is not None and now >= self.stop_at + STOPPING_SECONDS:
            return self.stop_at + STOPPING_SECONDS, "Stopped", "Stopped", ""
        if self.stop_at is not None or self.fate is FaultKind.JOB_HANGS:
            return None
        if self.fate is FaultKind.JOB_CAPACITY and elapsed >= 60:
            return self.created + 60, "Failed", "Failed", CAPACITY
        if self.fate is FaultKind.JOB_FAILS and elapsed >= half:
            return self.created + half, "Failed", "Failed", "InternalServerError: the job failed on request"
        if self.fate is FaultKind.JOB_STOPS and elapsed >= half:
            return self.created + half, "Stopped", "Stopped", ""
        if not self.search.done():
            return None
        analysed = self.timeline.phases[-3][0]  # data is looked at before the first model is trained
        error = self.search.exception()
        if error is not None and elapsed >= analysed:
            reason = str(error) if isinstance(error, UnusableDataError) else f"InternalServerError: {error!r}"
            return self.created + analysed, "Failed", "Failed", f"ClientError: {reason}"[:1024]
        if error is None and elapsed >= self.timeline.end:
            reached = self.timeline.reached
            if self.fate is FaultKind.JOB_NO_CANDIDATE:
                reached = "MaxAutoMLJobRuntimeReached"
            return self.created + self.timeline.end, "Completed", reached, ""
        return None

    def _end(self, at: float, status: str, secondary: str, failure: str) -> None:
        self.ended = self.modified = at
        self.status, self.secondary, self.failure = status, secondary, failure
        for child in self.children:
            if child.ended(at) is None and child.start < at:
                child.stop(at, failure)
        late = [child for child in self.children if child.start >= at]
        for child in late:
            self.children.remove(child)
            self.world.children[child.kind].pop((self.region, child.name), None)
            getattr(self.world.store.sagemaker(self.region), f"{child.kind}_jobs").pop(child.name.lower(), None)

    def stop(self, now: float) -> None:
        """Ask it to stop; a job that has ended stays as it is."""
        if self.ended is None and self.stop_at is None:
            self.stop_at = self.modified = now
            self.status = self.secondary = "Stopping"
            self.world.clock.run_until(now + STOPPING_SECONDS)

    # What it has found

    def _ready(self, now: float) -> list[tuple[Slot, Candidate]]:
        """Slots whose candidate is trained by ``now``."""
        if self.fate in {FaultKind.JOB_NO_CANDIDATE, FaultKind.JOB_HANGS, FaultKind.JOB_CAPACITY}:
            return []
        if not self.search.done() or self.search.exception() is not None:
            return []
        pairs = zip(self.timeline.slots, self.search.result().candidates, strict=False)
        return [(slot, candidate) for slot, candidate in pairs if self.created + slot.end <= now]

    def _urls(self, slot: Slot) -> tuple[str, str]:
        output = self.request.output
        if self.mode != "HYPERPARAMETER_TUNING":
            return "", f"{output}/sagemaker-automl-candidates/model/{slot.name}/model.tar.gz"
        features = self.timeline.children[1].name
        return (
            f"{output}/data-processor-models/{features}/output/model.tar.gz",
            f"{output}/tuning/{self.name[:8]}-dpp0-xgb/{slot.name}/output/model.tar.gz",
        )

    def _publish(self, slot: Slot, candidate: Candidate) -> None:
        files = dict(candidate.files)
        processing, model = self._urls(slot)
        if processing:
            encoder = {name: files.pop(name) for name in list(files) if name == "encoder.json"}
            self.world.store.write(processing, artefacts.pack(encoder))
        self.world.store.write(model, artefacts.pack(files))
        scores = json.dumps({"train": candidate.train, "validation": candidate.validation}).encode()
        for place in self._locations(slot).values():
            self.world.store.write(f"{place}/statistics.json", scores)
        for child in self.children:
            if child.name == slot.steps[-1].name:
                child.artefact = model
        self.published.add(slot.name)

    def _locations(self, slot: Slot) -> dict[str, str]:
        base = f"{self.request.output}/documentation"
        found = {"Explainability": f"{base}/explainability/output/{slot.name}"}
        if self.request.kind == "series":
            return found | {"BacktestResults": f"{self.request.output}/backtest-results/{slot.name}"}
        return found | {"ModelInsights": f"{base}/model_monitor/output/{slot.name}"}

    def candidates(self, now: float) -> list[dict[str, Any]]:
        """Return the candidates that have begun, as `ListCandidatesForAutoMLJob` does."""
        until = now if self.ended is None else self.ended
        ready = {slot.name: candidate for slot, candidate in self._ready(until) if slot.name in self.published}
        begun = [slot for slot in self.timeline.slots if self.created + slot.start < until]
        return [self._candidate(slot, ready.get(slot.name), until) for slot in begun]

    def _candidate(self, slot: Slot, trained: Candidate | None, until: float) -> dict[str, Any]:
        steps = [
            {"CandidateStepType": STEP_TYPES[step.kind], "CandidateStepName": step.name,
             "CandidateStepArn": arn_of(self.region, f"{step.kind}-job", step.name)}
            for step in slot.steps
        ]  # fmt: skip
        found: dict[str, Any] = {"CandidateName": slot.name, "CandidateSteps": steps,
                                 "CreationTime": self.created + slot.start}  # fmt: skip
        if trained is None:
            status = "InProgress" if self.ended is None else "Failed" if self.status == "Failed" else "Stopped"
            objective = "Pending" if self.ended is None else "Failed"
            return found | {"CandidateStatus": status, "ObjectiveStatus": objective, "LastModifiedTime": until}
        end = self.created + slot.end
        containers = artefacts.containers_of(
            self.request.kind, self.mode, IMAGES.get(trained.algorithm, "mlp"), self.region,
            self._urls(slot), classes=bool(getattr(trained.model, "labels", ())),
        )  # fmt: skip
        found |= {
            "CandidateStatus": "Completed", "ObjectiveStatus": "Succeeded", "EndTime": end, "LastModifiedTime": end,
            "FinalAutoMLJobObjectiveMetric": self._final(trained),
            "InferenceContainers": containers,
            "CandidateProperties": {
                "CandidateArtifactLocations": self._locations(slot), "CandidateMetrics": self._metrics(trained),
            },
        }  # fmt: skip
        if self.request.kind in {"image", "text"}:
            found["InferenceContainerDefinitions"] = {"CPU": containers, "GPU": containers}
        return found

    def _final(self, trained: Candidate) -> dict[str, Any]:
        search = self.search.result()
        name = search.objective
        value = named_metrics(trained.validation, search.problem)[name]
        kind = "Minimize" if name in LOWER_IS_BETTER else "Maximize"
        return {"Type": kind, "MetricName": name, "StandardMetricName": name, "Value": value}

    def _metrics(self, trained: Candidate) -> list[dict[str, Any]]:
        found = []
        for place, scores in (("Validation", trained.validation), ("Train", trained.train)):
            for name, value in named_metrics(scores, self.search.result().problem).items():
                metric = {"StandardMetricName": name, "Value": value, "Set": place}
                # The enum of MetricName has no LogLoss.
                found.append(metric if name == "LogLoss" else {"MetricName": name, **metric})
        return found

    def best(self, now: float) -> dict[str, Any] | None:
        """Return the best candidate so far, or None."""
        if self.fate is FaultKind.JOB_NO_BEST:
            return None
        done = [one for one in self.candidates(now) if one["CandidateStatus"] == "Completed"]
        if not done:
            return None
        final = "FinalAutoMLJobObjectiveMetric"
        sign = 1.0 if done[0][final]["Type"] == "Minimize" else -1.0
        return min(done, key=lambda one: sign * one[final]["Value"])

    def summary(self) -> dict[str, Any]:
        """Return it as `ListAutoMLJobs` does."""
        found: dict[str, Any] = {
            "AutoMLJobName": self.name, "AutoMLJobArn": self.arn, "AutoMLJobStatus": self.status,
            "AutoMLJobSecondaryStatus": self.secondary, "CreationTime": self.created,
            "LastModifiedTime": self.modified,
        }  # fmt: skip
        if self.ended is not None:
            found["EndTime"] = self.ended
        if self.failure:
            found["FailureReason"] = self.failure
        return found

    def describe(self, now: float) -> dict[str, Any]:
        """Return it as `DescribeAutoMLJobV2` does."""
        sent = ("AutoMLJobInputDataConfig", "OutputDataConfig", "RoleArn", "AutoMLJobObjective", "SecurityConfig",
                "AutoMLProblemTypeConfig", "ModelDeployConfig", "DataSplitConfig")  # fmt: skip
        found = self.summary() | {name: self.request.body[name] for name in sent if name in self.request.body}
        found["AutoMLProblemTypeConfigName"] = CONFIG_NAMES[self.request.kind]
        found["ResolvedAttributes"] = self._resolved()
        if self.request.kind == "table" and self.mode == "HYPERPARAMETER_TUNING":
            base = f"{self.request.output}/sagemaker-automl-candidates"
            found["AutoMLJobArtifacts"] = {
                "CandidateDefinitionNotebookLocation": f"{base}/SageMakerAutopilotCandidateDefinitionNotebook.ipynb",
                "DataExplorationNotebookLocation": f"{base}/SageMakerAutopilotDataExplorationNotebook.ipynb",
            }
        best = self.best(now)
        if best is not None:
            found["BestCandidate"] = best
        return found

    def _resolved(self) -> dict[str, Any]:
        known = self.search.done() and self.search.exception() is None
        problem = self.search.result().problem if known else (self.request.problem or "")
        default = OBJECTIVES[problem or self.request.kind][0] if problem or self.request.kind != "table" else None
        found: dict[str, Any] = {"CompletionCriteria": self.request.criteria}
        if self.request.objective or default:
            found["AutoMLJobObjective"] = {"MetricName": self.request.objective or default}
        if problem:
            found["AutoMLProblemTypeResolvedAttributes"] = {"TabularResolvedAttributes": {"ProblemType": problem}}
        return found
