"""What comes of jobs: leaderboards, models, predictions, usage, and failures in the service's words."""

from __future__ import annotations

import json

import numpy as np
import pytest
from az_runs import child, finished_job, parent
from az_world import ENVIRONMENT, make_backend, predict_spec, train_spec

from automl_bridge.backend import JobState, Staged
from automl_bridge.costs.cost import cost_of
from automl_bridge.errors import RejectedError
from automl_bridge.reports.cost_line import dollars, said_cost
from automl_bridge_azure.collecting import failure_kind
from automl_bridge_azure.layout import artifacts_of
from automl_bridge_azure.rates import prices

NOTHING = Staged(uris={})


@pytest.fixture
def ref(service, backend, binary):
    return backend.submit(backend.plan(train_spec(binary)), NOTHING)


def error(code: str, message: str, inner: str | None = None) -> dict:
    return {"error": {"code": code, "message": message, "innerError": {"code": inner} if inner else None}}


def test_a_finished_job_is_a_leaderboard_best_first(service, backend, ref):
    finished_job(service, ref.name)
    service.details[f"{ref.name}_2"] = {"runDefinition": {"environment": {"assetId": ENVIRONMENT}}}
    outcome = backend.collect(ref)
    assert outcome.state is JobState.SUCCEEDED
    assert [trial.id.rpartition("_")[2] for trial in outcome.trials] == ["2", "0", "1"]
    assert [trial.model for trial in outcome.trials] == [
        "VotingEnsemble", "MaxAbsScaler, XGBoostClassifier", "MaxAbsScaler, LogisticRegression",
    ]  # fmt: skip
    assert outcome.trials[0].metrics == {"AUC_weighted": 0.84, "log_loss": 1 - 0.84, "accuracy": 0.84 - 0.1}
    assert outcome.trials[1].seconds == 70.5
    assert outcome.model.details["run"] == f"{ref.name}_2"
    assert outcome.model.details["environment"] == ENVIRONMENT


def test_usage_is_the_time_of_all_runs_on_machines(service, backend, ref):
    """Set-up, featurization and explanation bill as well as trials do."""
    finished_job(service, ref.name)
    item, _ = backend.collect(ref).usage.items
    assert (item.sku, item.unit, item.region, item.part) == ("Standard_DS3_v2", "hour", "eastus", "training")
    assert item.quantity * 3600 == pytest.approx(120 + 30 + 70.5 + 20 + 60 + 40)
    assert not item.estimated


@pytest.mark.parametrize(("nodes", "machines"), [(1, 1), (3, 3), (40, 6)])
def test_what_machines_bill_while_they_start_and_idle_is_estimated_and_said_to_be(
    service, tmp_path, binary, nodes, machines
):
    """As many machines as were asked for, and no more than there were runs."""
    backend = make_backend(tmp_path, nodes=nodes)
    ref = backend.submit(backend.plan(train_spec(binary)), NOTHING)
    finished_job(service, ref.name)
    outcome = backend.collect(ref)
    worked, idle = outcome.usage.items
    assert (idle.part, idle.estimated, idle.sku, idle.region) == ("idle", True, worked.sku, worked.region)
    assert idle.quantity * 3600 == pytest.approx(machines * (0.08 * 3600 + 120))
    assert "machines bill while they start and idle" in outcome.notes[0]
    cost = cost_of(outcome.usage, prices())
    assert cost.lines[1].estimated
    assert f"machines starting and idle about {dollars(cost.parts['idle'])}" in said_cost(cost)


def test_where_nothing_ran_nothing_is_estimated(service, backend, ref):
    finished_job(service, ref.name, status="Canceled")
    never = {"startTimeUtc": None, "status": "Canceled"}
    service.children[ref.name] = [child(f"{ref.name}_setup", None, **never)]
    assert backend.collect(ref).usage.items == ()


def test_usage_that_a_run_does_not_tell_is_not_known(service, backend, ref):
    finished_job(service, ref.name)
    service.children[ref.name].append(child(f"{ref.name}_3", None, score=0.5))
    assert not backend.collect(ref).usage.known
    service.children[ref.name][-1] = child(f"{ref.name}_3", None, score=0.5, startTimeUtc=None, status="Canceled")
    assert backend.collect(ref).usage.known


def test_without_children_the_jobs_own_time_counts(service, backend, ref):
    finished_job(service, ref.name)
    service.children[ref.name] = []
    outcome = backend.collect(ref)
    assert outcome.usage.items[0].quantity * 3600 == pytest.approx(559.5983759)
    del service.runs[ref.name]
    assert not backend.collect(ref).usage.known


def test_metrics_without_a_search_are_asked_for_one_by_one(service, backend, ref):
    finished_job(service, ref.name)
    with_search = backend.collect(ref)
    service.search = False
    assert backend.collect(ref).trials == with_search.trials


def test_children_are_read_to_the_last_page(service, backend, ref):
    """The SDK's own list of them stops at the first."""
    finished_job(service, ref.name)
    service.children[ref.name] += [child(f"{ref.name}_{n}", score=0.1) for n in range(3, 140)]
    assert len(backend.collect(ref).trials) == 140


def test_a_sweep_between_job_and_trials_is_looked_through(service, backend, ref):
    finished_job(service, ref.name, best="_HD_0")
    sweep = f"{ref.name}_HD"
    service.children[ref.name] = [child(sweep, "00:30:00", runTypeV2={"orchestrator": "hyperdrive"})]
    service.children[sweep] = [child(f"{sweep}_0", "00:10:00", score=0.9)]
    outcome = backend.collect(ref)
    assert [trial.id for trial in outcome.trials] == [f"{sweep}_0"]
    assert outcome.usage.items[0].quantity == pytest.approx(1 / 6)
    assert outcome.model.details["run"] == f"{sweep}_0"


def test_a_spot_machine_is_another_thing_to_pay(service, backend, ref):
    finished_job(service, ref.name)
    service.children[ref.name][0]["compute"].update(priority="LowPriority", vmSize="STANDARD_DS3_V2")
    worked = backend.collect(ref).usage.items[:-1]
    assert [item.sku for item in worked] == ["Standard_DS3_v2", "Standard_DS3_v2 Spot"]


def test_a_model_without_a_named_environment_keeps_its_packages(service, backend, ref):
    finished_job(service, ref.name)
    key = artifacts_of(f"{ref.name}_2").key + "outputs/mlflow-model/conda.yaml"
    service.blobs[key] = b"dependencies:\n- python=3.9\n"
    assert backend.collect(ref).model.details["conda"] == {"dependencies": ["python=3.9"]}
    service.details[f"{ref.name}_2"] = {"runDefinition": {"environment": {"name": "AzureML-AutoML", "version": "132"}}}
    assert backend.collect(ref).model.details["environment"] == "azureml:AzureML-AutoML:132"


@pytest.mark.parametrize(
    ("failed", "kind"),
    [
        (error("UserError", "The data has only 1 distinct label", "BadData"), "data"),
        (error("UserError", "Experiment timeout reached, no models", "ExperimentTimedOut"), "time-limit"),
        (error("SystemError", "Run exceeded memory: out of memory"), "out-of-memory"),
        (error("UserError", "The specified subscription has a vCPU quota of 0"), "quota"),
        (error("ServiceError", "An internal error"), "service"),
    ],
)
def test_a_failed_job_says_why_in_the_services_words(service, backend, ref, failed, kind):
    finished_job(service, ref.name, status="Failed", best=None)
    service.runs[ref.name]["error"] = failed
    outcome = backend.collect(ref)
    assert outcome.state is JobState.FAILED
    assert outcome.failure.kind == kind
    assert failed["error"]["message"] in outcome.failure.message
    assert outcome.usage.known


def test_a_job_whose_children_failed_tells_their_words(service, backend, ref):
    finished_job(service, ref.name, status="Failed", best=None)
    service.children[ref.name] = [
        child(f"{ref.name}_setup", status="Failed", error=error("UserError", "column x holds text"))
    ]
    assert "column x holds text" in backend.collect(ref).failure.message


def test_a_cancelled_job_keeps_its_best_model(service, backend, ref):
    finished_job(service, ref.name, status="Canceled", best=None)
    outcome = backend.collect(ref)
    assert (outcome.state, outcome.stopped_by) == (JobState.SUCCEEDED, "cancel")
    assert outcome.model.details["run"] == f"{ref.name}_2"
    service.children[ref.name] = service.children[ref.name][:2]
    outcome = backend.collect(ref)
    assert (outcome.state, outcome.model, outcome.failure) == (JobState.CANCELLED, None, None)


def test_a_job_cut_by_its_timeout_says_so(service, backend, ref):
    finished_job(service, ref.name)
    service.runs[ref.name]["computeDuration"] = "01:00:02.5"
    assert backend.collect(ref).stopped_by == "max_time"
    service.children[ref.name], service.runs[ref.name]["tags"] = [], {}
    outcome = backend.collect(ref)
    assert (outcome.state, outcome.failure.kind) == (JobState.FAILED, "time-limit")


def test_a_job_that_runs_is_not_collected(service, backend, ref):
    with pytest.raises(RejectedError, match="has not ended"):
        backend.collect(ref)


@pytest.fixture
def predicted(service, backend, binary):
    spec = predict_spec(binary)
    ref = backend.submit(backend.plan(spec), NOTHING)
    service.jobs[ref.name]["properties"]["status"] = "Completed"
    service.runs[ref.name] = {**child(ref.name, "00:02:00")}
    folder = f"automl-bridge/jobs/{ref.name}/output/predictions.csv"

    def answer(rows: int, line: str = "0.25,0.75", header: str = "c0,c1") -> None:
        service.blobs[folder] = ("\n".join([header, *[line] * rows]) + "\n").encode()

    return ref, answer, spec.profile.rows["predict"]


def test_predictions_come_in_the_rows_order_with_their_bill(backend, predicted):
    ref, answer, rows = predicted
    answer(rows)
    outcome = backend.collect(ref)
    assert outcome.state is JobState.SUCCEEDED, outcome
    np.testing.assert_array_equal(np.load(outcome.predictions), np.tile([0.25, 0.75], (rows, 1)))
    item, idle = outcome.usage.items
    assert (item.part, item.quantity) == ("prediction", pytest.approx(1 / 30))
    assert (idle.part, idle.quantity) == ("idle", pytest.approx(0.08 + 1 / 30))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"rows": -1}, "answered"),
        ({"header": "c1,c0"}, "columns c1, c0"),
        ({"line": "0.5,x"}, "line 2"),
        ({"line": "0.5,1.5"}, "between 0 and 1"),
        ({"line": "0.5,nan"}, "no numbers"),
        ({"line": "0.5"}, "1 values"),
    ],
)
def test_answers_that_are_not_what_was_asked_fail_the_job(backend, predicted, change, words):
    ref, answer, rows = predicted
    answer(rows + change.pop("rows", 0), **change)
    outcome = backend.collect(ref)
    assert outcome.state is JobState.FAILED
    assert words in outcome.failure.message


def test_a_predict_job_that_failed_or_left_nothing(service, backend, predicted):
    ref, _, _ = predicted
    assert "left no predictions.csv" in backend.collect(ref).failure.message
    service.jobs[ref.name]["properties"]["status"] = "Failed"
    service.runs[ref.name]["error"] = error("UserError", "Execution failed: exit code 1")
    outcome = backend.collect(ref)
    assert (outcome.state, outcome.failure.kind) == (JobState.FAILED, "crash")
    service.jobs[ref.name]["properties"]["status"] = "Canceled"
    assert backend.collect(ref).state is JobState.CANCELLED


def test_words_have_kinds():
    assert failure_kind("No successful iterations found") == "all-trials-failed"
    assert failure_kind("something nobody has seen") == "service"
    assert json.dumps(parent("x", None))
