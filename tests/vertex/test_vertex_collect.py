"""What came of jobs: model, metrics and usage; failures by their code; rows joined by their numbers."""

from __future__ import annotations

import json

import numpy as np
import pytest
from vx_service import PARENT, Service, value
from vx_world import MODEL, Bucket, dataset, pictures, predict_spec, settings, train_spec

from automl_bridge.backend import JobRef, JobState
from automl_bridge.data.build import build_predict_dataset
from automl_bridge.errors import RejectedError
from automl_bridge.task import Task
from automl_bridge_vertex.collecting import collect_train
from automl_bridge_vertex.planning import plan_predict, plan_train
from automl_bridge_vertex.predictions import collect_predict
from automl_bridge_vertex.staging import stage
from automl_bridge_vertex.submission import Submission
from automl_bridge_vertex.usage import milli_node_hours

TRAIN = JobRef(backend="vertex", name="ab-0123456789ab", remote_id=f"{PARENT}/trainingPipelines/1")


class Ended(Service):
    """A project whose pipeline has ended."""

    def __init__(self, *, state="SUCCEEDED", metadata=None, error=None, evaluations=None, version="1") -> None:
        from google.cloud.aiplatform_v1.types import Model, ModelEvaluation, PipelineState, TrainingPipeline

        super().__init__()
        pipeline = TrainingPipeline(
            name=TRAIN.remote_id,
            state=PipelineState[f"PIPELINE_STATE_{state}"],
            training_task_definition="gs://x/automl_tabular_1.0.0.yaml",
            start_time="2026-11-01T00:00:00Z",
            end_time="2026-11-01T01:00:00Z",
        )
        raw = TrainingPipeline.pb(pipeline)
        inputs = {"optimizationObjective": "maximize-au-roc", "trainBudgetMilliNodeHours": 1000}
        raw.training_task_inputs.CopyFrom(value(inputs))
        raw.training_task_metadata.CopyFrom(value(metadata or {}))
        if error:
            raw.error.code, raw.error.message = error
        if state == "SUCCEEDED":
            raw.model_to_upload.name = MODEL
        self.pipelines_made.append(pipeline)
        self.model = Model(name=MODEL, version_id=version, supported_output_storage_formats=["csv", "jsonl"])
        self.evaluations = {}
        for parent, metrics in (evaluations or {}).items():
            held = ModelEvaluation()
            ModelEvaluation.pb(held).metrics.CopyFrom(value(metrics))
            self.evaluations[parent] = [held]

    def get_model(self, *, request):
        from google.api_core.exceptions import NotFound

        if self.model is None:
            raise NotFound(request["name"])
        return self.model

    def list_model_evaluations(self, *, request):
        return self.evaluations.get(request["parent"], [])


METRICS = {"auRoc": 0.91, "logLoss": 0.3, "auPrc": "0.8", "confidenceMetrics": [{"recall": 1}], "nan": "NaN"}


@pytest.mark.parametrize("parent", [MODEL, f"{MODEL}@1"])
def test_a_leaderboard_of_one_with_all_its_metrics(parent):
    service = Ended(metadata={"trainCostMilliNodeHours": 800.0}, evaluations={parent: METRICS})
    outcome = collect_train(TRAIN, service, settings())
    (trial,) = outcome.trials
    assert (trial.score, trial.seconds) == (0.91, 3600)
    assert trial.metrics == {"auRoc": 0.91, "logLoss": 0.3, "auPrc": 0.8}
    (item,) = outcome.usage.items
    assert (item.sku, item.quantity) == ("Training:tabular", 0.8)
    assert outcome.usage.known
    assert outcome.model.details["output_formats"] == ["csv", "jsonl"]
    assert outcome.versions["vertex ai api"] == "v1"


@pytest.mark.parametrize(
    ("metadata", "milli"),
    [
        ({"trainCostMilliNodeHours": "1000"}, 1000),
        ({"costMilliNodeHours": 8192.0}, 8192),
        ({"trainCostMilliNodeHours": 0}, 0),
        ({}, None),
        ({"trainCostMilliNodeHours": "soon"}, None),
        (None, None),
    ],
)
def test_the_field_of_the_cost_differs_by_task(metadata, milli):
    assert milli_node_hours(metadata) == milli


def test_an_unknown_usage_is_not_zero_and_says_what_it_is_at_most():
    outcome = collect_train(TRAIN, Ended(), settings())
    assert not outcome.usage.known
    assert any("at most 1,000 milli node hours" in note for note in outcome.notes)
    assert outcome.trials[0].score is None
    assert any("no evaluation" in note for note in outcome.notes)


@pytest.mark.parametrize(
    ("code", "message", "kind"),
    [
        (8, "The following quotas are exceeded", "quota"),
        (3, "column missing", "data"),
        (9, "budget is insufficient for the dataset", "data"),
        (4, "deadline", "time-limit"),
        (13, "internal error", "service"),
        (8, "out of memory", "out-of-memory"),
        (2, "", "service"),
    ],
)
def test_a_failure_by_its_code(code, message, kind):
    outcome = collect_train(TRAIN, Ended(state="FAILED", error=(code, message)), settings())
    assert outcome.state is JobState.FAILED
    assert outcome.failure.kind == kind
    assert outcome.failure.message
    # Google does not bill it: that is known, and said.
    assert outcome.usage.known
    assert outcome.usage.items == ()
    assert any("does not bill" in note for note in outcome.notes)


def test_what_was_cancelled_is_billed_and_keeps_no_model():
    told = collect_train(TRAIN, Ended(state="CANCELLED", metadata={"trainCostMilliNodeHours": 300}), settings())
    assert (told.state, told.stopped_by, told.failure, told.model) == (JobState.CANCELLED, "cancel", None, None)
    assert told.usage.items[0].quantity == 0.3
    untold = collect_train(TRAIN, Ended(state="CANCELLED"), settings())
    assert not untold.usage.known


def test_a_pipeline_that_ended_well_without_its_model():
    service = Ended()
    service.model = None
    outcome = collect_train(TRAIN, service, settings())
    assert outcome.failure.kind == "all-trials-failed"


def test_a_job_that_has_not_ended_is_not_collected():
    with pytest.raises(RejectedError, match="has not ended"):
        collect_train(TRAIN, Ended(state="RUNNING"), settings())


class Predicted:
    """A batch prediction job that has ended, and the bucket that it wrote to."""

    def __init__(self, new, spec, folder) -> None:
        self.bucket, self.service, self.folder = Bucket(), Service(), folder
        self.spec = spec
        plan = plan_predict(spec, settings())
        staged = stage(plan, new, self.bucket, settings())
        self.ref = Submission(self.service, self.bucket, settings()).submit(plan, staged)
        (self.job,) = self.service.jobs_made
        self.out = f"automl-bridge/jobs/{spec.name}/output/prediction-model-2026/"
        self.job.output_info.gcs_output_directory = f"gs://ab-test/{self.out}"
        self.job.state = 4
        self.job.start_time, self.job.end_time = "2026-11-01T00:00:00Z", "2026-11-01T00:30:00Z"

    def write(self, name, body) -> None:
        from datetime import UTC, datetime

        self.bucket.held[self.out + name] = body
        self.bucket.at[self.out + name] = datetime.now(UTC)

    def collect(self):
        return collect_predict(self.ref, self.service, self.bucket, settings(), self.folder)


def answer(row: int, score: float) -> str:
    held = {"instance": {"ab_row": str(row)}, "prediction": {"classes": ["c1", "c0"], "scores": [score, 1 - score]}}
    return json.dumps(held) + "\n"


@pytest.fixture
def predicted(binary, tmp_path):
    new = build_predict_dataset(binary.parts["holdout"].slice(0, 5), binary.profile)
    return Predicted(new, predict_spec(binary, new=new), tmp_path)


def test_answers_in_any_order_and_several_files_find_their_rows(predicted):
    scores = [0.1, 0.2, 0.3, 0.4, 0.5]
    predicted.write("predictions_0002.jsonl", "".join(answer(row, scores[row]) for row in (4, 0)).encode())
    predicted.write("predictions_0001.jsonl", "".join(answer(row, scores[row]) for row in (2, 1, 3)).encode())
    outcome = predicted.collect()
    assert outcome.state is JobState.SUCCEEDED, outcome.failure
    found = np.load(outcome.predictions, allow_pickle=False)
    np.testing.assert_allclose(found[:, 1], scores)
    np.testing.assert_allclose(found.sum(axis=1), 1)
    (item,) = outcome.usage.items
    assert (item.sku, item.quantity, item.unit) == ("Inference:n1-standard-4", 0.5, "instance-hour")
    assert any("from its start to its end" in note for note in outcome.notes)


def test_the_services_own_hours_count_where_it_tells_them(predicted):
    predicted.write("predictions_0001.jsonl", "".join(answer(row, 0.5) for row in range(5)).encode())
    predicted.job.resources_consumed.replica_hours = 0.75
    outcome = predicted.collect()
    assert outcome.usage.items[0].quantity == 0.75
    assert outcome.notes == ()


def test_a_row_without_an_answer_is_named_with_what_the_service_wrote(predicted):
    predicted.write("predictions_0001.jsonl", "".join(answer(row, 0.5) for row in (0, 1, 2, 4)).encode())
    predicted.write("errors_0001.jsonl", b'{"instance": {"ab_row": "3"}, "error": {"message": "cannot parse when"}}\n')
    outcome = predicted.collect()
    assert outcome.state is JobState.FAILED
    assert "4 of 5 rows" in outcome.failure.message
    assert "row 3" in outcome.failure.message
    assert "cannot parse when" in outcome.failure.message


def test_answers_without_their_numbers_are_not_guessed_at(predicted):
    lines = [{"instance": {"x": 1}, "prediction": {"classes": ["c0", "c1"], "scores": [0.5, 0.5]}}] * 5
    predicted.write("predictions_0001.jsonl", "".join(json.dumps(line) + "\n" for line in lines).encode())
    outcome = predicted.collect()
    assert outcome.failure.kind == "service"
    assert "0 of 5 rows" in outcome.failure.message


def test_a_job_that_failed_says_why(predicted):
    predicted.job.state = 5
    type(predicted.job).pb(predicted.job).error.code = 8
    type(predicted.job).pb(predicted.job).error.message = "no machines left"
    outcome = predicted.collect()
    assert (outcome.state, outcome.failure.kind) == (JobState.FAILED, "quota")


def test_images_are_joined_by_their_address_twice_if_they_are_asked_twice(tmp_path):
    import pyarrow as pa

    built = pictures()
    image = built.parts["holdout"]["picture"].to_pylist()
    rows = pa.table({"picture": pa.array([image[0], image[1], image[0]], pa.large_binary())})
    new = build_predict_dataset(rows, built.profile)
    spec = predict_spec(built, new=new, task=Task.IMAGE_CLASSIFICATION, metric="accuracy")
    world = Predicted(new, spec, tmp_path)
    (listed,) = world.job.input_config.gcs_source.uris
    uris = [
        json.loads(line)["content"] for line in world.bucket.held[listed.removeprefix("gs://ab-test/")].splitlines()
    ]
    body = ""
    for uri, score in ((uris[1], 0.9), (uris[0], 0.2)):
        prediction = {"displayNames": ["c1", "c0"], "confidences": [score, 1 - score]}
        body += json.dumps({"instance": {"content": uri}, "prediction": prediction}) + "\n"
    world.write("predictions_00001.jsonl", body.encode())
    outcome = world.collect()
    np.testing.assert_allclose(np.load(outcome.predictions)[:, 1], [0.2, 0.9, 0.2])
    # How many nodes predicted images is not told: unknown, not nothing.
    assert not outcome.usage.known


def test_a_regression_from_csv(tmp_path):
    built = dataset(classes=(1.5, 2.25, 3.125), task=Task.TABULAR_REGRESSION)[1]
    new = build_predict_dataset(built.parts["holdout"].slice(0, 2), built.profile)
    spec = predict_spec(
        built, new=new, task=Task.TABULAR_REGRESSION, metric="rmse", details={"output_formats": ["csv"]}
    )
    world = Predicted(new, spec, tmp_path)
    world.write("predictions_0001.csv", b"groe_cm,ab_row,predicted_target\n1,1,7.5\n2,0,6.5\n")
    np.testing.assert_allclose(np.load(world.collect().predictions), [[6.5], [7.5]])


def test_a_plan_that_is_not_beside_the_job_any_more(predicted):
    del predicted.bucket.held[f"automl-bridge/jobs/{predicted.spec.name}/plan.json"]
    outcome = predicted.collect()
    assert outcome.failure.kind == "storage"


def test_the_plan_that_was_made_is_what_is_sent(binary):
    plan = plan_train(train_spec(binary), settings())
    bucket = Bucket()
    service = Service()
    Submission(service, bucket, settings()).submit(plan, stage(plan, binary, bucket, settings()))
    (pipeline,) = service.pipelines_made
    from google.protobuf import json_format

    sent = json_format.MessageToDict(type(pipeline).pb(pipeline).training_task_inputs)
    assert sent == plan.request["CreateTrainingPipeline"]["trainingPipeline"]["trainingTaskInputs"]


def test_the_quantile_loss_of_a_forecast_is_the_mean_over_its_quantiles():
    told = {
        "rootMeanSquaredError": 3.0,
        "quantileMetrics": [{"quantile": q, "scaledPinballLoss": loss} for q, loss in ((0.1, 1.0), (0.9, 2.0))],
    }
    service = Ended(evaluations={MODEL: told})
    (pipeline,) = service.pipelines_made
    inputs = {"optimizationObjective": "minimize-quantile-loss"}
    type(pipeline).pb(pipeline).training_task_inputs.CopyFrom(value(inputs))
    (trial,) = collect_train(TRAIN, service, settings()).trials
    assert trial.score == 1.5
    assert trial.metrics == {"rootMeanSquaredError": 3.0}
