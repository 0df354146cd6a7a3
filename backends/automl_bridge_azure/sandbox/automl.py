"""An Automated ML job: its trials as child runs, its best one, what it leaves in the storage."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from automl_bridge.sandbox.faults import FaultKind
from automl_bridge.sandbox.trainers import UnusableDataError
from automl_bridge_azure.sandbox.addresses import artifact_prefix
from automl_bridge_azure.sandbox.errors import AzureError
from automl_bridge_azure.sandbox.jobs import Job, error_of
from automl_bridge_azure.sandbox.mltable import tags_of
from automl_bridge_azure.sandbox.model_folder import write_outputs
from automl_bridge_azure.sandbox.request import Request
from automl_bridge_azure.sandbox.runs import Run
from automl_bridge_azure.sandbox.scores import MINIMISED
from automl_bridge_azure.sandbox.timeline import LONGEST, plan
from automl_bridge_azure.sandbox.training import run_search

if TYPE_CHECKING:
    from automl_bridge_azure.sandbox.timeline import Step
    from automl_bridge_azure.sandbox.trials import Search, Trial
    from automl_bridge_azure.sandbox.world import World

__all__ = ["AutoMLJob"]

DEEP = frozenset({"image", "text"})
NO_GPU = "The compute has no GPU; image and text tasks need one (NC or ND family)."
TIMED_OUT = "The experiment timeout was reached before a first iteration was completed. Please increase it."


class AutoMLJob(Job):
    """A job of type AutoML."""

    run_type = "automl"

    def __init__(self, name: str, body: dict[str, Any], world: World) -> None:
        self.request = Request(body)
        self.task = self.request.task
        if self.task in DEEP:
            self.default_size = "Standard_NC6s_v3"
        self.default_nodes = self.request.concurrent
        super().__init__(name, body, world)
        models, after = self._counts()
        lanes = max(1, min(self.request.concurrent, self.nodes))
        self.timeline = plan(
            self.pace, booted=world.computes.nodes(self.target) > 0 if self.target != "serverless" else False,
            trials=models, lanes=lanes, timeout=self.request.timeout, trial_timeout=self.request.trial_timeout,
            prelude=self.task not in DEEP, after=after,
        )  # fmt: skip
        if self.fate is FaultKind.JOB_HANGS:
            for step in [step for step in self.timeline.steps if step.role == "trial"][:1]:
                step.end = LONGEST
        self.search = world.search(self._key(models), run_search, world, self.request, models)
        self.children: dict[int, Run] = {}
        self.results: dict[str, Trial] = {}
        self._describe()
        world.clock.run_until(self.created + self.timeline.end)

    def nodes_of(self, most: int) -> int:
        """Return as many nodes as trials run at a time."""
        return max(1, min(most, self.request.concurrent))

    def _counts(self) -> tuple[int, tuple[str, ...]]:
        """Return models to train, and what follows; ensembles count among the trials, one model there always is."""
        after = list(self.request.after)
        while sum(role != "explain" for role in after) >= self.request.trials and any(r != "explain" for r in after):
            after.remove("stack" if "stack" in after else "vote")
        room = self.request.trials - sum(role != "explain" for role in after)
        return max(1, min(room, int(self.world.setting("trials")))), tuple(after)

    def _key(self, models: int) -> list[Any]:
        tags = []
        for name in ("trainingData", "validationData"):
            uri = self.request.uri(name)
            if uri is not None:
                try:
                    tags.append(tags_of(self.world, uri))
                except AzureError:
                    tags.append([(uri, 0, self.name)])
        details = {name: value for name, value in self.request.details.items() if name != "limitSettings"}
        return [details, self.request.after, self.request.timeout <= 3600, models, tags]

    def _describe(self) -> None:
        details = self.request.details
        self.run.properties |= {
            "num_iterations": str(self.request.trials),
            "primary_metric": self.request.metric,
            "task_type": self.task if self.request.tabular else f"{self.task}-classification",
            "target": self.target,
            "runTemplate": "AutoML",
            "azureml.runsource": "automl",
            "azureml.automl.sandbox": "true",
            "AMLSettingsJsonString": json.dumps({"label_column_name": details.get("targetColumnName"),
                                                 "experiment_timeout_minutes": self.request.timeout / 60}),
        }  # fmt: skip

    # What happens as time goes by

    def finished(self, now: float) -> tuple[float, str, dict[str, Any] | None] | None:
        """Return how its own work has ended by ``now``, if it has."""
        if not self.search.done():
            return None
        elapsed, timeline = now - self.created, self.timeline
        looked = timeline.running + min(self.pace.setup, self.request.timeout)
        if self.task in DEEP and not self.size.gpus:
            return (self.created + looked, "Failed", error_of(NO_GPU)) if elapsed >= looked else None
        error = self.search.exception()
        if error is not None:
            known = isinstance(error, UnusableDataError)
            return (self.created + looked, "Failed", error_of(str(error), user=known)) if elapsed >= looked else None
        if elapsed < timeline.end:
            return None
        none = self.fate is FaultKind.JOB_NO_CANDIDATE or not any(
            s.role == "trial" and not s.cut for s in timeline.steps
        )
        if none:
            return self.created + timeline.end, "Failed", error_of(TIMED_OUT)
        return self.created + timeline.end, "Completed", None

    def advance(self, until: float) -> None:
        """Bring its child runs to ``until``."""
        if self.waits or until < self.created + self.timeline.running:
            return
        trials = 0
        for place, step in enumerate(self.timeline.steps):
            number, trials = trials, trials + (step.role in {"trial", "vote", "stack"})
            if self.created + step.start > until:
                continue
            run = self.children.get(place)
            if run is None:
                run = self.children[place] = self._begin(step, number)
            if not run.done and self.created + step.end <= until:
                self._end_step(step, run, number)

    def _parent(self) -> str:
        """Return the parent of trials: those of image and text jobs are a sweep's, named ``_HD``."""
        if self.task not in DEEP:
            return self.name
        sweep = f"{self.name}_HD"
        if sweep not in self.world.runs:
            run = self._make(sweep, self.name, "hyperdrive", self.created + self.timeline.running)
            run.properties |= {"primary_metric_config": json.dumps({"name": self.request.metric, "goal": "maximize"})}
        return sweep

    def _make(self, run_id: str, parent: str, run_type: str, start: float) -> Run:
        run = Run(run_id, parent, self.name, self.run.experiment, start, run_id.removeprefix(f"{self.name}_"), run_type,
                  status="Running", started=start, target=self.target, size=self.size.name, gpus=self.size.gpus,
                  priority=self.priority)  # fmt: skip
        return self.world.add_run(run)

    def _begin(self, step: Step, number: int) -> Run:
        names = {"setup": "setup", "featurize": "featurize", "explain": "ModelExplain"}
        parent = self.name if step.role in names else self._parent()
        run = self._make(f"{parent}_{names.get(step.role, number)}", parent, "azureml.scriptrun",
                         self.created + step.start)  # fmt: skip
        if step.role not in names:
            run.properties |= {
                "runTemplate": "automl_child", "iteration": str(number), "primary_metric": self.request.metric,
                "azureml.runsource": "automl", "model_output_path": "outputs/model.pkl",
            }  # fmt: skip
        return run

    def _end_step(self, step: Step, run: Run, number: int) -> None:
        at = self.created + step.end
        if step.role in {"setup", "featurize", "explain"}:
            run.finish(at, "Canceled" if step.cut else "Completed")
            return
        if not self.search.done() or self.search.exception() is not None:
            return  # its training is not through, or never will be: the job's end ends it
        if step.cut or self.fate in {FaultKind.JOB_NO_CANDIDATE, FaultKind.JOB_HANGS}:
            run.finish(at, "Canceled")
            return
        trial = self._found(step, number)
        if trial is None:
            run.finish(at, "Canceled")
            return
        self._publish(run, trial, self.search.result())
        run.finish(at, "Completed")

    def _found(self, step: Step, number: int) -> Trial | None:
        search: Search = self.search.result()
        if step.role != "trial":
            return search.ensembles.get(step.role)
        return search.trials[number] if number < len(search.trials) else None

    def _publish(self, run: Run, trial: Trial, search: Search) -> None:
        score = trial.metrics.get(self.request.metric)
        run.metrics = dict(trial.metrics)
        run.properties |= {
            "run_algorithm": trial.algorithm,
            "run_preprocessor": trial.preprocessor,
            "score": "nan" if score is None else repr(score),
            "model_name": f"{self.name[:20]}{run.properties['iteration']}",
        }
        write_outputs(self.world, run.run_id, self.task, search, trial)
        self.results[run.run_id] = trial

    def best(self) -> str | None:
        """Return the run id of the best trial so far."""
        known = {run: trial.metrics[self.request.metric] for run, trial in self.results.items()
                 if self.request.metric in trial.metrics}  # fmt: skip
        if not known:
            return None
        # A later one must be better, not as good: ensembles come last.
        return (min if self.request.metric in MINIMISED else max)(known, key=lambda run: known[run])

    def end(self, at: float, status: str, error: dict[str, Any] | None) -> None:
        """End it, and what of it still runs; name the best."""
        for run in self.world.of_job[self.name]:
            if run.run_type == "hyperdrive" and status == "Completed":
                run.finish(at, status)
        super().end(at, status, error)
        setup = next((run for run in self.world.of_job[self.name] if run.run_id == f"{self.name}_setup"), None)
        if setup is not None and error is not None and not self.results and setup.ended == at:
            setup.finish(at, status, error)  # what was wrong with the data, it found
        best = self.best()
        if status == "Completed" and best is not None and self.fate is not FaultKind.JOB_NO_BEST:
            trial = self.results[best]
            self.run.tags |= {
                "automl_best_child_run_id": best,
                "best_score": repr(trial.metrics[self.request.metric]),
                "best_pipeline": trial.algorithm,
            }
            self.run.metrics = dict(trial.metrics)
            place = f"azureml://datastores/workspaceartifactstore/paths/{artifact_prefix(best)}/outputs/mlflow-model/"
            for name, about in (self.properties.get("outputs") or {}).items():
                if name != "default":
                    self.run.outputs[name] = {
                        **about,
                        "uri": place,
                        "assetId": f"azureml:{best}_output",
                        "type": "MLFlowModel",
                    }
        if self.timeline.reached:
            self.run.warnings.append("The experiment timeout was reached; the remaining iterations were not run.")
