"""What Google may answer and our own sandbox does not: other names, states, shards and fields that are left out."""

from __future__ import annotations

import json

import numpy as np
import pytest
from test_vertex_collect import METRICS, TRAIN, Ended
from vx_service import PARENT, Service, value
from vx_world import MODEL, Bucket, dataset, model_ref, predict_spec, settings

from automl_bridge.backend import JobRef, JobState
from automl_bridge.data.build import build_predict_dataset
from automl_bridge.errors import BackendError
from automl_bridge_vertex.answers import probabilities, read_answers
from automl_bridge_vertex.collecting import collect_train
from automl_bridge_vertex.planning import plan_predict
from automl_bridge_vertex.polling import FEW, Polling, word_of
from automl_bridge_vertex.predictions import collect_predict
from automl_bridge_vertex.staging import stage
from automl_bridge_vertex.submission import Submission

BY_NUMBER = PARENT.replace("projects/proj/", "projects/123456789012/")


def running(number: int, parent: str = PARENT, **fields):
    from google.cloud.aiplatform_v1.types import TrainingPipeline

    labels = {"automl_bridge_run": f"ab-{number:012x}"}
    return TrainingPipeline(name=f"{parent}/trainingPipelines/88{number:016d}", state=3, labels=labels, **fields)


def ref(number: int) -> JobRef:
    name = f"{PARENT}/trainingPipelines/88{number:016d}"
    return JobRef(backend="vertex", name=f"ab-{number:012x}", remote_id=name)


@pytest.mark.parametrize("count", [1, FEW + 2])
def test_a_project_that_is_called_by_its_number_in_answers_has_the_same_jobs(count):
    """Asked one by one, and listed; without the times that a filter would be made of."""
    service = Service()
    service.pipelines_made = [running(number, BY_NUMBER) for number in range(count)]
    by_number = {one.name.rpartition("/")[2]: one for one in service.pipelines_made}
    service.get_training_pipeline = lambda *, request: by_number[request["name"].rpartition("/")[2]]
    service.list_training_pipelines = lambda **_: reversed(service.pipelines_made)
    wanted = [ref(number) for number in range(count)]
    polling = Polling(service, settings())
    for _ in range(2):
        assert {job: one.state for job, one in polling.poll(wanted).items()} == dict.fromkeys(wanted, JobState.RUNNING)


def test_a_state_that_the_client_does_not_know_is_one_that_goes_on():
    pipeline = running(0)
    type(pipeline).pb(pipeline).state = 99
    assert word_of(pipeline) == "state 99"
    service = Service()
    service.get_training_pipeline = lambda **_: pipeline
    (progress,) = Polling(service, settings()).poll([ref(0)]).values()
    assert progress.state is JobState.RUNNING


def test_the_evaluation_of_the_training_is_the_oldest_in_whatever_order_they_are_listed():
    service = Ended(evaluations={MODEL: METRICS}, metadata={"trainCostMilliNodeHours": "1000"})
    (first,) = service.evaluations[MODEL]
    from google.cloud.aiplatform_v1.types import ModelEvaluation

    later = ModelEvaluation(name="b", create_time="2026-11-03T00:00:00Z")
    ModelEvaluation.pb(later).metrics.CopyFrom(value({"auRoc": 0.5}))
    first.create_time = "2026-11-01T00:00:00Z"
    service.evaluations[MODEL] = [later, first]
    outcome = collect_train(TRAIN, service, settings())
    assert outcome.trials[0].score == 0.91
    assert outcome.usage.items[0].quantity == 1.0


@pytest.mark.parametrize("told", [None, [1, 2], {}])
def test_a_model_without_metrics_is_a_model_without_a_score(told):
    service = Ended(evaluations={MODEL: METRICS})
    (held,) = service.evaluations[MODEL]
    type(held).pb(held).metrics.CopyFrom(value(told))
    outcome = collect_train(TRAIN, service, settings())
    assert (outcome.state, outcome.trials[0].score, outcome.trials[0].metrics) == (JobState.SUCCEEDED, None, {})
    assert not outcome.usage.known


@pytest.fixture(scope="module")
def asked():
    """Return a batch prediction job that has succeeded, the bucket it wrote to, and how many rows it was asked."""
    built = dataset(1300)[1]
    new = build_predict_dataset(built.parts["holdout"].slice(0, 7), built.profile)
    spec = predict_spec(built, new=new, model=model_ref(output_formats=["jsonl"]))
    bucket, service = Bucket(), Service()
    plan = plan_predict(spec, settings())
    submission = Submission(service, bucket, settings())
    job = submission.submit(plan, stage(plan, new, bucket, settings()))
    (made,) = service.jobs_made
    made.state = 4
    return service, bucket, job, made


def written(made, bucket, files: dict[str, bytes]) -> None:
    prefix = made.output_config.gcs_destination.output_uri_prefix.partition("://")[2].partition("/")[2].rstrip("/")
    folder = f"{prefix}/prediction-model-2026_11_01T00_00_00_000Z/"
    bucket.delete_under(type("Place", (), {"key": folder}))
    for name, body in files.items():
        bucket.held[folder + name], bucket.at[folder + name] = body, None


def line(row: object, yes: float = 0.75, **more: object) -> bytes:
    held = {"instance": {"ab_row": row, **more}, "prediction": {"scores": [yes, 1 - yes], "classes": ["c1", "c0"]}}
    return json.dumps(held, ensure_ascii=False).encode() + b"\n"


def test_shards_of_any_names_number_and_order_with_texts_that_hold_line_ends(asked, tmp_path):
    service, bucket, job, made = asked
    written(made, bucket, {
        "prediction.results-00000-of-00003": line("6", 0.5, level="a\u2028b\u0085c") + line(4.0),
        "prediction.results-00001-of-00003": b"",
        "prediction.results-00002-of-00003": b"".join(line(str(row), 0.25) for row in (5, 3, 1, 0, 2)),
        "prediction.errors_stats-00000-of-00001": b"",
        "_SUCCESS": b"",
    })  # fmt: skip
    outcome = collect_predict(job, service, bucket, settings(), tmp_path)
    assert outcome.state is JobState.SUCCEEDED, outcome.failure
    np.testing.assert_allclose(np.load(outcome.predictions)[:, 1], [0.25, 0.25, 0.25, 0.25, 0.75, 0.25, 0.5])
    # It has run, and says neither how long nor when: that is no bill of nothing.
    assert not outcome.usage.known


@pytest.mark.parametrize("row", ["7", "-1", "x", "inf"])
def test_an_answer_to_a_row_that_was_not_asked_is_no_answer_to_another(asked, tmp_path, row):
    service, bucket, job, made = asked
    written(made, bucket, {"predictions_0001.jsonl": b"".join(line(str(n)) for n in range(7)) + line(row)})
    outcome = collect_predict(job, service, bucket, settings(), tmp_path)
    assert outcome.state is JobState.FAILED
    assert "row" in outcome.failure.message


def test_csv_without_an_ending_in_its_name_is_known_by_its_content():
    body = "\ufeffx,ab_row,target_c1_scores,target_c0_scores\r\n5,0,0.75,0.25\r\n".encode()
    _, answers = zip(*read_answers(body, "prediction.results-00000-of-00001", ["x", "ab_row"]), strict=True)
    np.testing.assert_allclose(probabilities(answers, 2), [[0.25, 0.75]])
    with pytest.raises(BackendError, match="no JSON"):
        list(read_answers(b"oops", "predictions_0001.jsonl", []))
