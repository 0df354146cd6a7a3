"""Backends whose quality, price and pace are known: each adds up columns of the table, and learns nothing."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from automl_bridge_toy import ToyBackend

from automl_bridge import backend as contract
from automl_bridge.bundle import BundleMetadata, read_bundle, read_bytes, write_bundle
from automl_bridge.capabilities import Capabilities, Feature
from automl_bridge.costs.usage import Usage, UsageItem, UsageRange
from automl_bridge.errors import BudgetError, RejectedError
from automl_bridge.spec import ModelRef
from automl_bridge.task import Task

DEADLINE = 60
HOUR_USD = 2.0
"""What an hour of these backends costs by the file of prices that the tests configure."""
LOCAL = dict.fromkeys([
    Feature.PROBABILITIES, Feature.SAMPLE_WEIGHTS, Feature.LOCAL_PREDICTION, Feature.REPRODUCIBLE,
    Feature.GUARANTEED_CAP,
])  # fmt: skip


def _usage(hours, part="training"):
    return Usage(items=(UsageItem(sku="thing", quantity=hours, unit="hour", part=part, region="here"),))


class AddingBackend(ToyBackend):
    """Adds ``columns`` up; ``hours`` is what a run takes, ``least_usd`` the least cap that it accepts."""

    columns = ("signal",)
    hours = 0.5
    least_usd = 0.1
    guarantee = "guaranteed"
    capabilities = Capabilities(
        tasks=dict.fromkeys([Task.TABULAR_CLASSIFICATION, Task.TABULAR_REGRESSION]), features=LOCAL,
        default_reason="this is a toy",
    )  # fmt: skip

    def plan(self, spec):
        """Refuse what pays too little, as a service does."""
        plan = super().plan(spec)
        cap, hours = spec.budget.max_cost_usd, self.hours
        if spec.kind == "predict":
            return plan
        changes = {"objective": contract.Objective(name=spec.metric, exact=True)}
        if cap is not None:
            if cap < self.least_usd:
                raise BudgetError(f"{self.name} takes ${self.least_usd} or more")
            changes["cap"] = contract.Cap(kind=self.guarantee, because="a test says so")
            hours = min(hours, cap / HOUR_USD)
        changes["usage"] = UsageRange(
            low=_usage(hours / 2), likely=_usage(hours), high=_usage(hours), worst=_usage(hours)
        )
        return plan.model_copy(update=changes)

    def submit(self, plan, staged):
        """Note every job that is really started."""
        if plan.spec.kind == "train" and not self.find(plan):
            self.workspace.mkdir(parents=True, exist_ok=True)
            with (self.workspace / "started.log").open("a") as log:
                log.write(plan.spec.name + "\n")
        return super().submit(plan, staged)

    def learn(self, data, spec):  # noqa: ARG002 - it learns nothing
        """Write down which columns are added up."""
        same = {name: getattr(spec, name) for name in ("task", "target", "metric", "profile", "seed")}
        made = BundleMetadata(backend=self.name, **same, versions={self.name: "1.0"})
        answer = json.dumps({"columns": self.columns, "classes": len(spec.profile.classes)}).encode()
        write_bundle(self.workspace / spec.name, metadata=made, files={"answer.json": answer})

    def load(self, model):
        """Return what adds them up."""
        said = json.loads(read_bytes(Path(model.uri), read_bundle(Path(model.uri)), "answer.json"))

        def predict(table):
            total = sum(np.asarray(table[name].to_numpy(), float) for name in said["columns"])
            if not said["classes"]:
                return total[:, None]
            likely = 1 / (1 + np.exp(-total))
            rest = [np.zeros_like(likely)] * (said["classes"] - 2)
            return np.column_stack([1 - likely, likely, *rest])

        return SimpleNamespace(predict=predict, close=lambda: None)

    def collect(self, job):
        """Say what it used."""
        outcome = super().collect(job)
        if job.kind == "predict":
            return outcome.model_copy(update={"usage": _usage(0.0025, "prediction")})
        trials = (contract.Trial(id="1", model="adding up", score=0.5, seconds=1.0),)
        return outcome.model_copy(update={"usage": _usage(self.hours), "trials": trials})


class GoodBackend(AddingBackend):
    """Sees all of the signal, and costs four times as much."""

    name = "good"
    columns = ("signal", "more")
    hours = 2.0


class FairBackend(AddingBackend):
    """Sees a part of the signal."""

    name = "fair"


class WatchedBackend(AddingBackend):
    """Guarantees nothing."""

    name = "watched"
    guarantee = "watched"
    least_usd = 1.5


class CaplessBackend(AddingBackend):
    """Keeps no cap at all."""

    name = "capless"
    guarantee = "none"


class BrokenBackend(AddingBackend):
    """Fails whenever it is started; a file called ``mended`` in its workspace mends it."""

    name = "broken"

    def submit(self, plan, staged):
        """Fail."""
        if not (self.workspace / "mended").exists():
            raise RejectedError("no machine of the kind <b>m9</b> is to be had")
        return super().submit(plan, staged)


class AwayBackend(AddingBackend):
    """Predicts by jobs only, as a service does."""

    name = "away"
    capabilities = AddingBackend.capabilities.model_copy(
        update={"features": {key: why for key, why in LOCAL.items() if key is not Feature.LOCAL_PREDICTION}}
    )

    def collect(self, job):
        """Name a model that is elsewhere."""
        outcome = super().collect(job)
        if job.kind == "predict":
            return outcome
        return outcome.model_copy(update={"model": ModelRef(backend=self.name, uri=str(self.workspace / job.name))})


class WaitingBackend(AwayBackend):
    """A job that ends when a file called ``go`` is there, in the folder that the variable names."""

    name = "waiting"

    def poll(self, jobs):
        """Say that it runs until it may end."""
        found = super().poll(jobs)
        if (Path(os.environ["COMPARISON_GATE"]) / "go").exists():
            return found
        return {job: contract.Progress(state="running", message="waiting for go") for job in found}


def _meet(me, other):
    """Wait until the other one is here too: those who come one after the other never meet."""
    gate = Path(os.environ["COMPARISON_GATE"])
    (gate / me).touch()
    end = time.monotonic() + DEADLINE
    while not (gate / other).exists():
        if time.monotonic() > end:
            raise RejectedError(f"{other} never came")
        time.sleep(0.005)


_asked: dict[str, float] = {}


def _too_long(who):
    """Whether ``who`` has asked this since the deadline before."""
    return time.monotonic() - _asked.setdefault(f"{who} {os.environ['COMPARISON_GATE']}", time.monotonic()) > DEADLINE


class LeftBackend(AddingBackend):
    """Sends its data only while the right one sends its own."""

    name = "left"

    def stage(self, plan, dataset):
        """Meet."""
        if plan.spec.kind == "train":
            _meet("left", "right")
        return super().stage(plan, dataset)


class RightBackend(AddingBackend):
    """Likewise."""

    name = "right"

    def stage(self, plan, dataset):
        """Meet."""
        if plan.spec.kind == "train":
            _meet("right", "left")
        return super().stage(plan, dataset)


class LoadedBackend(AddingBackend):
    """Has predicted its holdout when somebody loads its model to measure it: those who do so later never meet it."""

    name = "loaded"

    def poll(self, jobs):
        """Say that the holdout is being predicted until its model is loaded, or for too long."""
        answers = super().poll(jobs)
        gate = Path(os.environ["COMPARISON_GATE"])
        waiting = [job for job in jobs if job.kind == "predict" and not (gate / "loaded").exists()]
        if waiting and _too_long("loaded"):
            raise RejectedError("nobody loaded the model")
        return {**answers, **{job: contract.Progress(state="running", message="waiting") for job in waiting}}

    def predict(self, data, spec):
        """Predict with a model that does not count as loaded."""
        draft = self.workspace / "draft.npy"
        np.save(draft, super().load(spec.model).predict(data.features("predict")))
        draft.rename(self.workspace / spec.name)

    def load(self, model):
        """Note it."""
        (Path(os.environ["COMPARISON_GATE"]) / "loaded").touch()
        return super().load(model)


class TimedBackend(AddingBackend):
    """Notes when its model was asked about a single row, which is how it is measured."""

    name = "timed"

    def load(self, model):
        """Note it."""
        loaded = super().load(model)

        def predict(table):
            if len(table) == 1:
                (Path(os.environ["COMPARISON_GATE"]) / "timed").touch()
            return loaded.predict(table)

        return SimpleNamespace(predict=predict, close=loaded.close)


class LastBackend(AddingBackend):
    """Trains until the timed one has been measured."""

    name = "last"

    def poll(self, jobs):
        """Say that it runs until then, or for too long."""
        found = super().poll(jobs)
        if (Path(os.environ["COMPARISON_GATE"]) / "timed").exists():
            return found
        if _too_long("last"):
            raise RejectedError("nobody was measured meanwhile")
        return {job: contract.Progress(state="running", message="waiting") for job in found}


class FlatBackend(AddingBackend):
    """Forecasts the mean of all that it has seen, whatever the series."""

    name = "flat"
    capabilities = Capabilities(
        tasks={Task.FORECASTING: None},
        features={key: why for key, why in LOCAL.items() if key is not Feature.LOCAL_PREDICTION},
        default_reason="this is a toy",
    )

    def learn(self, data, spec):
        """Write the mean down."""
        (self.workspace / spec.name).mkdir(parents=True)
        mean = float(data.target_values("train").mean())
        (self.workspace / spec.name / "mean.json").write_text(json.dumps(mean))

    def predict(self, data, spec):
        """Say the mean for every row, as the point and as each quantile."""
        mean = json.loads((Path(spec.model.uri) / "mean.json").read_text())
        columns = 1 + len(spec.forecast.quantiles)
        draft = self.workspace / "draft.npy"
        np.save(draft, np.full((data.profile.rows["predict"], columns), mean))
        draft.rename(self.workspace / spec.name)

    def collect(self, job):
        """Name a model that is elsewhere."""
        outcome = super().collect(job)
        if job.kind == "predict":
            return outcome
        return outcome.model_copy(update={"model": ModelRef(backend=self.name, uri=str(self.workspace / job.name))})
