"""What the service would refuse: at once what the published schema and the rules exclude, later what the data does."""

import copy

import pytest
from azure_sandbox_kit import HEADER, limits

from automl_bridge_azure.sandbox import account, schema

JOBS = f"{account.PREFIX}/jobs"
VERSION = "?api-version=2024-01-01-preview"


@pytest.fixture
def body(table_uri):
    return {
        "properties": {
            "jobType": "AutoML",
            "computeId": f"{account.PREFIX}/computes/cpu-cluster",
            "taskDetails": {
                "taskType": "Classification",
                "targetColumnName": "bought",
                "trainingData": {"jobInputType": "mltable", "uri": table_uri},
                "limitSettings": {"maxTrials": 1, "timeout": "PT1H"},
            },
        }
    }


def changed(body, path, value):
    body = copy.deepcopy(body)
    *outer, last = path.split(".")
    place = body["properties"]
    for name in outer:
        place = place.setdefault(name, {})
    if value is None:
        place.pop(last, None)
    else:
        place[last] = value
    return body


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("jobType", "Automl", "properties.jobType"),
        ("taskDetails.taskType", "Clustering", "taskType"),
        ("taskDetails.trainingData", None, "trainingData is required"),
        ("taskDetails.trainingData", {"jobInputType": "uri_folder", "uri": 5}, "uri is 5"),
        ("taskDetails.targetColumnName", None, "targetColumnName is required"),
        ("taskDetails.primaryMetric", "AUC_weighted", "primaryMetric is 'AUC_weighted'"),
        ("taskDetails.limitSettings.maxTrials", "ten", "maxTrials is 'ten'"),
        ("taskDetails.limitSettings.maxTrials", 0, "maxTrials is 0; allowed: 1 to 1000"),
        ("taskDetails.limitSettings.timeout", "1 hour", "timeout is '1 hour'"),
        ("taskDetails.limitSettings.timeout", "PT5M", "timeout is PT5M; allowed: 15 to"),
        ("taskDetails.limitSettings.maxConcurrentTrials", -1, "maxConcurrentTrials is -1"),
        ("taskDetails.nCrossValidations", {"mode": "Custom", "value": 1}, "nCrossValidations is 1"),
        ("taskDetails.nCrossValidations", {"mode": "Custom"}, "nCrossValidations.value is required"),
        ("taskDetails.validationDataSize", 1.5, "validationDataSize is 1.5"),
        ("taskDetails.trainingSettings.allowedTrainingAlgorithms", ["Deep"], "'Deep'"),
        ("computeId", f"{account.PREFIX}/computes/none", "was not found"),
        ("queueSettings", {"jobTier": "Cheap"}, "'Cheap'"),
        ("tags", {"k" * 101: "v"}, "too long"),
    ],
)
def test_a_body_that_is_wrong_is_refused_with_the_field(azure, body, path, value, said):
    status, _headers, answer = azure.request("PUT", f"{JOBS}/wrong{VERSION}", changed(body, path, value))
    assert status in {400, 404}
    assert said in str(answer["error"])
    assert azure.request("GET", f"{JOBS}/wrong{VERSION}")[0] == 404


def test_names_that_no_schema_knows_are_noted_or_refused(azure, body):
    odd = changed(body, "resources", {"instance_type": "Standard_NC6s_v3", "instanceCount": 1})
    assert azure.request("PUT", f"{JOBS}/noted{VERSION}", odd)[0] == 201
    notes = azure.server.service.control("notes", None)
    assert notes == ["JobBase: properties.resources.instance_type is not known and not looked at"]
    azure.server.context.settings["unknown_properties"] = "refuse"
    try:
        status, _headers, answer = azure.request("PUT", f"{JOBS}/refused{VERSION}", odd)
    finally:
        azure.server.context.settings.clear()
        azure.server.service.control("delete-notes", None)
    assert status == 400
    assert "instance_type is not known" in str(answer)


def test_a_taken_name_gives_the_job_back_and_refuses_another(azure, body):
    assert azure.request("PUT", f"{JOBS}/taken{VERSION}", changed(body, "tags", {"a": "1"}))[0] == 201
    status, _headers, answer = azure.request("PUT", f"{JOBS}/taken{VERSION}", changed(body, "tags", {"b": "2"}))
    assert status == 200
    assert {"a": "1", "b": "2"}.items() <= answer["properties"]["tags"].items()
    other = changed(body, "taskDetails.targetColumnName", "size")
    status, _headers, answer = azure.request("PUT", f"{JOBS}/taken{VERSION}", other)
    assert status == 400
    assert answer["error"]["message"].startswith("A job with this name already exists.")


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("short", lambda rows: rows[:49], "49 usable data points. Minimum: 50"),
        ("one-class", lambda rows: [[*row[:3], "yes"] for row in rows], "two distinct values"),
        ("unlabelled", lambda rows: [[*row[:3], ""] if n > 40 else row for n, row in enumerate(rows)], "41 usable"),
        ("endless", lambda rows: [["inf", *row[1:]] if n == 3 else row for n, row in enumerate(rows)], "infinite"),
        ("uneven", lambda rows: [*rows, ["1", "2"]], "has 2 fields"),
    ],
)
def test_data_that_is_wrong_fails_the_job_after_its_setup(azure, classification, rows, name, change, said):
    azure.submit(classification(name, uri=azure.put_rows(f"data/{name}", change(rows)), max_trials=1))
    assert azure.wait(name).status == "Failed"
    assert said in azure.error(name)
    assert azure.children(name)[f"{name}_setup"].status == "Failed"


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("folds", {"n_cross_validations": 400}, "fewer than its 400 cross validations"),
        ("weights", {"weight_column_name": "size"}, "has negative values"),
        ("weightless", {"weight_column_name": "colour"}, "not numeric"),
    ],
)
def test_options_that_do_not_go_with_the_data_fail_the_job(azure, classification, rows, name, options, said):
    uri = azure.put_rows("data/negative", [[f"-{row[0]}", *row[1:]] for row in rows])
    azure.submit(classification(name, uri=uri, job=options, max_trials=1))
    assert azure.wait(name).status == "Failed"
    assert said in azure.error(name)


def test_a_forecast_refuses_names_that_are_taken(azure):
    from azure.ai.ml import automl
    from azure.ai.ml.automl import ForecastingSettings

    days = [f"2026-0{1 + n // 28}-{1 + n % 28:02}" for n in range(60)]
    uri = azure.put_rows("data/taken", [[day, n, n % 3] for n, day in enumerate(days)], ["day", "sold", "trend"])
    for name, blocked, status in (("taken-names", [], "Failed"), ("no-prophet", ["Prophet"], "Completed")):
        job = automl.forecasting(
            training_data=azure.input(uri), target_column_name="sold", compute="cpu-cluster",
            forecasting_settings=ForecastingSettings(time_column_name="day", forecast_horizon=3),
        )  # fmt: skip
        job.name = name
        job.set_training(blocked_training_algorithms=blocked, enable_stack_ensemble=False, enable_vote_ensemble=False,
                         enable_model_explainability=False)  # fmt: skip
        azure.submit(limits(job, max_trials=1))
        assert azure.wait(name).status == status
    assert "['trend'] are reserved" in azure.error("taken-names")


def test_a_target_or_a_file_that_is_not_there_fails_the_job(azure, classification, rows):
    azure.submit(classification("no-target", job={"target_column_name": "nothing"}, max_trials=1))
    missing = azure.put("data/missing", {}, '{"paths": [{"file": "./a.csv"}], "transformations": ["read_delimited"]}')
    azure.submit(classification("no-file", uri=missing, max_trials=1))
    azure.submit(classification("no-table", uri="azureml://datastores/workspaceblobstore/paths/nowhere/", max_trials=1))
    for name, said in (("no-target", "'nothing' was not found"), ("no-file", "a.csv"), ("no-table", "no MLTable")):
        assert azure.wait(name).status == "Failed"
        assert said in azure.error(name)
    assert HEADER[3] not in azure.error("no-target")


def test_the_sdk_raises_the_words_of_a_job_that_failed(azure, classification, capsys):
    from azure.ai.ml.exceptions import JobException

    azure.submit(classification("raised", job={"target_column_name": "nothing"}, max_trials=1))
    azure.wait("raised")
    with pytest.raises(JobException, match="'nothing' was not found"):
        azure.ml.jobs.stream("raised")
    assert "RunId: raised" in capsys.readouterr().out


def test_another_workspace_or_no_token_is_refused(azure):
    other = JOBS.replace("workspaces/sandbox", "workspaces/other")
    assert azure.request("GET", f"{other}{VERSION}")[2]["error"]["code"] == "ResourceNotFound"
    other = JOBS.replace(account.SUBSCRIPTION, "nobody")
    assert azure.request("GET", f"{other}{VERSION}")[2]["error"]["code"] == "SubscriptionNotFound"
    status, headers, answer = azure.request("GET", f"{JOBS}{VERSION}", token=None)
    assert (status, answer["error"]["code"]) == (401, "AuthenticationFailed")
    assert headers["WWW-Authenticate"].startswith("Bearer")


def test_the_schema_is_that_of_the_installed_sdk():
    from automl_bridge_azure.sandbox.schema_build import build

    assert build() == schema._schema()


@pytest.mark.parametrize(("text", "seconds"), [("PT1H30M", 5400), ("P1DT1S", 86401), ("P7D", 604800), ("1h", None)])
def test_durations_are_read(text, seconds):
    assert schema.seconds_of(text) == seconds
