"""A toy backend: it answers every row with the class frequencies, or the mean, of the training rows."""

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from pydantic import BaseModel

from automl_bridge import backend as contract
from automl_bridge.bundle import BundleMetadata, read_bundle, read_bytes, write_bundle
from automl_bridge.capabilities import Capabilities, Feature
from automl_bridge.data.dataset import Dataset
from automl_bridge.metrics import metric_for
from automl_bridge.spec import ModelRef
from automl_bridge.task import Task

TASKS = {Task.TABULAR_CLASSIFICATION: None, Task.TABULAR_REGRESSION: None}
FEATURES = dict.fromkeys(
    [Feature.PROBABILITIES, Feature.SAMPLE_WEIGHTS, Feature.LOCAL_PREDICTION, Feature.REPRODUCIBLE]
)


class ToyBackend(contract.Backend):
    name = "toy"
    settings_class = type("ToySettings", (BaseModel,), {})
    capabilities = Capabilities(tasks=TASKS, features=FEATURES, default_reason="this is a toy")

    def check(self):
        return [contract.Check(name="toy", ok=True)]

    def plan(self, spec):
        self.capabilities.require(self.name, spec.task)
        metric_for(spec.metric, spec.task, len(spec.profile.classes))
        return contract.Plan(spec=spec, backend=self.name, request={"answer": "always the same"})

    def stage(self, plan, dataset):  # noqa: ARG002
        parts = {name: dataset.parts[name] for name in dataset.parts if name != "holdout"}
        return contract.Staged(uris={"data": str(replace(dataset, parts=parts).save(self.workspace / "data").path)})

    def submit(self, plan, staged):
        if not self.find(plan):
            data, spec = Dataset.open(Path(staged.uris["data"])), plan.spec
            self.learn(data, spec) if spec.kind == "train" else self.predict(data, spec)
        return self.find(plan)

    def learn(self, data, spec):
        weights, classes = data.weights("train"), len(spec.profile.classes)
        values = np.eye(classes)[data.target_codes("train")] if classes else data.target_values("train")
        answer = json.dumps(np.average(values, axis=0, weights=weights).tolist()).encode()
        same = {name: getattr(spec, name) for name in ("task", "target", "metric", "profile", "seed")}
        made = BundleMetadata(backend=self.name, **same, versions={"toy": "1.0"})
        write_bundle(self.workspace / spec.name, metadata=made, files={"answer.json": answer})

    def predict(self, data, spec):
        draft = self.workspace / "draft.npy"
        np.save(draft, self.load(spec.model).predict(data.features("predict")))
        draft.rename(self.workspace / spec.name)

    def find(self, plan):
        there = (self.workspace / plan.spec.name).exists()
        return contract.JobRef(backend=self.name, name=plan.spec.name, kind=plan.spec.kind) if there else None

    def poll(self, jobs):
        return {j: contract.Progress(state="succeeded") for j in jobs if (self.workspace / j.name).exists()}

    def cancel(self, job):
        pass

    def collect(self, job):
        path, done = self.workspace / job.name, {"state": "succeeded", "versions": {"toy": "1.0"}}
        if job.kind == "predict":
            return contract.Outcome(**done, predictions=path)
        return contract.Outcome(**done, model=ModelRef(backend=self.name, uri=str(path), local=True))

    def load(self, model):
        answer = json.loads(read_bytes(Path(model.uri), read_bundle(Path(model.uri)), "answer.json"))
        return SimpleNamespace(predict=lambda table: np.tile(answer, (table.num_rows, 1)), close=lambda: None)
