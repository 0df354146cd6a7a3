"""The contract must catch what breaks backends: each mutant of the toy fails the test that is there for it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

TOY = Path(__file__).parents[1] / "plugins" / "toy"

MUTANTS = """
import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from automl_bridge import backend as contract
from automl_bridge.capabilities import Capabilities
from automl_bridge.testing import BackendContract
from automl_bridge_toy import FEATURES, TASKS, ToyBackend


def suite(kind):
    class Suite(BackendContract):
        @pytest.fixture(scope="class")
        @classmethod
        def backend(cls, tmp_path_factory):
            return kind(kind.settings_class(), tmp_path_factory.mktemp("mutant"))

    return Suite


class LabelsAsText(ToyBackend):
    def load(self, model):
        model = super().load(model)
        text = sorted(map(str, range(12)))
        order = [text.index(str(label)) for label in range(12)]
        def predict(table):
            outputs = model.predict(table)
            return outputs[:, order] if outputs.shape[1] == 12 else outputs
        return SimpleNamespace(predict=predict, close=lambda: None)


class NotNormalised(ToyBackend):
    def load(self, model):
        model = super().load(model)
        return SimpleNamespace(predict=lambda table: model.predict(table) * 2, close=lambda: None)


class OtherOrder(ToyBackend):
    def load(self, model):
        model = super().load(model)
        def predict(table):
            outputs = model.predict(table)
            outputs[:, 0] += np.arange(len(outputs)) * 1e-3
            return outputs
        return SimpleNamespace(predict=predict, close=lambda: None)


class LosesRows(ToyBackend):
    def load(self, model):
        model = super().load(model)
        return SimpleNamespace(predict=lambda table: model.predict(table.slice(1)), close=lambda: None)


class IgnoresWeights(ToyBackend):
    def learn(self, data, spec):
        super().learn(SimpleNamespace(
            weights=lambda part: None, target_codes=data.target_codes, target_values=data.target_values), spec)


class InventsJobs(ToyBackend):
    def poll(self, jobs):
        return {job: contract.Progress(state="running") for job in jobs} | super().poll(jobs)


class PlansWithFiles(ToyBackend):
    def plan(self, spec):
        self.workspace.mkdir(parents=True, exist_ok=True)
        (self.workspace / f"plan-{spec.name}").write_text("x")
        return super().plan(spec)


class PlansWithNetwork(ToyBackend):
    def plan(self, spec):
        import socket
        with socket.socket() as s:
            s.connect_ex(("127.0.0.1", 9))
        return super().plan(spec)


class PlansAtRandom(ToyBackend):
    def plan(self, spec):
        return super().plan(spec).model_copy(update={"request": {"id": np.random.default_rng().random()}})


class SubmitsAgain(ToyBackend):
    def submit(self, plan, staged):
        ref = super().submit(plan, staged)
        count = len(list(self.workspace.glob("again*")))
        (self.workspace / f"again{count}").write_text("x")
        return ref.model_copy(update={"remote_id": str(count)})


class HalfDone(ToyBackend):
    def learn(self, data, spec):
        folder = self.workspace / spec.name
        folder.mkdir()
        made = self.workspace / "made"
        (folder / "answer.json").write_text("[")
        self.workspace, there = made, self.workspace
        try:
            super().learn(data, spec)
        finally:
            self.workspace = there
        (folder / "answer.json").unlink()
        folder.rmdir()
        (made / spec.name).rename(folder)


class ForgetsOnRestart(ToyBackend):
    known = None
    def find(self, plan):
        self.known = self.known or set()
        return super().find(plan) if plan.spec.name in self.known else None
    def submit(self, plan, staged):
        self.known = (self.known or set()) | {plan.spec.name}
        return ToyBackend.submit(self, plan, staged)


class UncheckedBundle(ToyBackend):
    def load(self, model):
        try:
            answer = json.loads((Path(model.uri) / "answer.json").read_text(errors="replace"))
        except ValueError:
            answer = [1.0]
        return SimpleNamespace(predict=lambda table: np.tile(answer, (table.num_rows, 1)), close=lambda: None)


class OtherSignature(ToyBackend):
    def cancel(self, job, *, force=False):
        pass


class NoReason(ToyBackend):
    capabilities = Capabilities(tasks=TASKS, features=FEATURES, default_reason=" ")


class CancelsWhatHasEnded(ToyBackend):
    def collect(self, job):
        outcome = super().collect(job)
        gone = (self.workspace / f"cancelled-{job.name}").exists()
        return outcome.model_copy(update={"state": contract.JobState.FAILED}) if gone else outcome
    def cancel(self, job):
        (self.workspace / f"cancelled-{job.name}").write_text("x")


class RandomModel(ToyBackend):
    def learn(self, data, spec):
        rng = np.random.default_rng()
        super().learn(SimpleNamespace(
            weights=lambda part: rng.random(data.parts[part].num_rows),
            target_codes=data.target_codes, target_values=data.target_values), spec)


class LeavesResources(ToyBackend):
    def resources(self):
        return [contract.Resource(backend=self.name, kind="endpoint", name="mine")]
    def delete(self, resource):
        pass


class SendsTwice(ToyBackend):
    def stage(self, plan, dataset):
        return super().stage(plan, dataset).model_copy(update={"bytes_sent": 10})


class HalfPredicted(ToyBackend):
    def predict(self, data, spec):
        outputs = self.load(spec.model).predict(data.features("predict"))
        np.save(self.workspace / f"{spec.name}.npy", outputs[:1])
        (self.workspace / f"{spec.name}.npy").rename(self.workspace / spec.name)
        (self.workspace / "marker").mkdir(exist_ok=True)
        np.save(self.workspace / f"{spec.name}.npy", outputs)
        (self.workspace / f"{spec.name}.npy").rename(self.workspace / spec.name)


class Boasts(ToyBackend):
    def plan(self, spec):
        return super().plan(spec).model_copy(update={"objective": contract.Objective(name=spec.metric, exact=True)})
    def collect(self, job):
        outcome = super().collect(job)
        return outcome.model_copy(update={"trials": (contract.Trial(id="0", score=0.001),)})


class TakesAnyMetric(ToyBackend):
    def plan(self, spec):
        plan = super().plan(spec.model_copy(update={"metric": "log_loss" if spec.profile.classes else "rmse"}))
        return plan.model_copy(update={"spec": spec})


class KnowsLessThanNothing(ToyBackend):
    def load(self, model):
        model = super().load(model)
        return SimpleNamespace(predict=lambda table: model.predict(table)[:, ::-1] + 99 * (model.predict(table) > 1),
                               close=lambda: None)


class AnswersFromMemory(ToyBackend):
    learned = set()
    def learn(self, data, spec):
        super().learn(data, spec)
        self.learned.add(str(self.workspace / spec.name))
    def load(self, model):
        loaded = super().load(model)
        off = 0.0 if model.uri in self.learned else 0.5
        return SimpleNamespace(predict=lambda table: loaded.predict(table) + off, close=lambda: None)


class ChokesOnNewLevels(ToyBackend):
    def load(self, model):
        loaded = super().load(model)
        def predict(table):
            seen = {"a,b", 'c"d"', "größe", "", None}
            unseen = [value not in seen for value in table["level, really"].to_pylist()]
            return np.where(np.array(unseen)[:, None], np.nan, loaded.predict(table))
        return SimpleNamespace(predict=predict, close=lambda: None)


for mutant in list(ToyBackend.__subclasses__()):
    globals()["Test" + mutant.__name__] = suite(mutant)
"""

CAUGHT_BY = {
    "LabelsAsText": "test_columns_belong_to_their_classes",
    "NotNormalised": "test_probabilities_sum_to_one",
    "OtherOrder": "test_rows_keep_their_order",
    "LosesRows": "test_there_is_one_output_per_row",
    "IgnoresWeights": "test_weights_count",
    "InventsJobs": "test_many_jobs_are_polled_at_once",
    "PlansWithFiles": "test_a_plan_is_pure",
    "PlansWithNetwork": "test_a_plan_is_pure",
    "PlansAtRandom": "test_a_plan_is_pure",
    "SubmitsAgain": "test_submitting_twice_makes_one_job",
    "HalfDone": "test_a_crash_anywhere_inside_submit_leaves_one_job_or_none",
    "ForgetsOnRestart": "test_a_job_is_found_once_it_is_submitted_and_not_before",
    "UncheckedBundle": "test_an_altered_bundle_is_refused",
    "OtherSignature": "test_it_has_the_signatures_of_the_base_class",
    "NoReason": "test_what_it_cannot_do_has_a_reason",
    "CancelsWhatHasEnded": "test_cancelling_what_has_ended_does_nothing",
    "RandomModel": "test_a_seed_gives_the_same_twice",
    "LeavesResources": "test_what_was_planned_can_be_deleted_and_then_nothing_is_left",
    "HalfPredicted": "test_a_crash_inside_a_predict_job_loses_no_row",
    "SendsTwice": "test_data_is_sent_once",
    "Boasts": "test_the_first_score_is_that_of_the_model_on_the_validation_rows",
    "TakesAnyMetric": "test_a_metric_of_another_task_is_refused",
    "KnowsLessThanNothing": "test_it_knows_no_less_than_nothing",
    "AnswersFromMemory": "test_a_fresh_process_predicts_the_same_from_raw_files",
    "ChokesOnNewLevels": "test_odd_rows_are_predicted",
}


@pytest.fixture(scope="module")
def failures(tmp_path_factory):
    """All mutants through the contract, in one run; by mutant, the tests that failed."""
    folder = tmp_path_factory.mktemp("mutants")
    (folder / "test_mutants.py").write_text(MUTANTS)
    wanted = " or ".join(f"(Test{mutant} and {test})" for mutant, test in CAUGHT_BY.items())
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-rfE",
            "--tb=line",
            "-p",
            "no:cacheprovider",
            "-k",
            wanted,
            str(folder),
        ],
        env={**os.environ, "PYTHONPATH": str(TOY)},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    found = {}
    for mutant, test in re.findall(r"^(?:FAILED|ERROR) \S+::Test(\w+)::(\w+)", done.stdout, re.MULTILINE):
        found.setdefault(mutant, set()).add(test)
    return found


@pytest.mark.parametrize(("mutant", "test"), CAUGHT_BY.items())
def test_a_broken_backend_fails_the_test_that_is_there_for_it(failures, mutant, test):
    assert test in failures.get(mutant, set())
