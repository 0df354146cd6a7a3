"""One of each, whatever is lost on the way: labels, intents, operations resumed by name."""

from __future__ import annotations

import json

import pytest
from vx_service import Service, conflict
from vx_world import Bucket, pictures, predict_spec, settings, train_spec

from automl_bridge.backend import JobRef, JobState
from automl_bridge.data.build import build_predict_dataset
from automl_bridge.errors import RejectedError, TransientError
from automl_bridge.task import Task
from automl_bridge_vertex.planning import plan_predict, plan_train
from automl_bridge_vertex.staging import stage
from automl_bridge_vertex.submission import Submission


@pytest.fixture
def bucket():
    return Bucket()


@pytest.fixture
def trained(bucket, binary):
    plan = plan_train(train_spec(binary), settings())
    return plan, stage(plan, binary, bucket, settings())


def submit(service, bucket, plan, staged, **changes):
    return Submission(service, bucket, settings(**changes)).submit(plan, staged)


def test_a_dataset_and_a_pipeline_that_points_at_it(bucket, trained):
    service = Service()
    ref = submit(service, bucket, *trained)
    assert ref == JobRef(backend="vertex", name="ab-0123456789ab", remote_id=service.pipelines_made[0].name)
    (pipeline,) = service.pipelines_made
    assert pipeline.input_data_config.dataset_id == "1"
    assert pipeline.labels["automl_bridge_run"] == pipeline.model_to_upload.labels["automl_bridge_run"] == ref.name
    # The plan is beside the job before the job is made.
    assert json.loads(bucket.held["automl-bridge/jobs/ab-0123456789ab/plan.json"])["spec"]["name"] == ref.name


def test_submitted_again_nothing_more_is_made(bucket, trained):
    service = Service()
    ref = submit(service, bucket, *trained)
    made = list(service.asked)
    assert submit(service, bucket, *trained) == ref
    assert [call for call in service.asked[len(made) :] if call.startswith("create")] == []


@pytest.mark.parametrize("call", ["create_dataset", "create_training_pipeline"])
@pytest.mark.parametrize("lag", [0, 1])
def test_an_answer_that_was_lost_makes_no_second_one(bucket, trained, call, lag):
    service = Service()
    service.lost = [call]
    with pytest.raises(TransientError, match="the answer was lost"):
        submit(service, bucket, *trained, settle=0.3)
    # The list shows it a moment later; until then it is looked for, not made again.
    service.lag = lag
    submit(service, bucket, *trained, settle=0.3)
    assert len(service.datasets_made) == 1
    assert len(service.pipelines_made) == 1


@pytest.mark.parametrize("error", [ConnectionResetError("before it was sent"), conflict("ABORTED")])
def test_a_create_that_never_got_through_is_made_after_a_while(bucket, trained, error):
    service = Service()
    created = service.create_training_pipeline

    def broken(*, request):
        raise error

    broken.__name__ = "create_training_pipeline"
    service.create_training_pipeline = broken
    with pytest.raises(TransientError):
        submit(service, bucket, *trained)
    service.create_training_pipeline = created
    ref = submit(service, bucket, *trained)
    assert [one.name for one in service.pipelines_made] == [ref.remote_id]
    assert len(service.datasets_made) == 1


def test_an_operation_is_resumed_by_its_name(bucket, trained):
    service = Service()
    created = service.create_training_pipeline
    service.create_training_pipeline = None
    with pytest.raises(AttributeError):
        submit(service, bucket, *trained)
    service.create_training_pipeline = created
    # The list is behind by more than anybody waits; the operation is known by its name.
    service.lag = 1
    submit(service, bucket, *trained)
    assert len(service.datasets_made) == 1
    service.operations.clear()


def test_an_operation_that_is_forgotten_is_looked_up_by_label(bucket, trained):
    service = Service()
    created = service.create_training_pipeline
    service.create_training_pipeline = None
    with pytest.raises(AttributeError):
        submit(service, bucket, *trained)
    service.create_training_pipeline = created
    service.operations.clear()
    submit(service, bucket, *trained)
    assert len(service.datasets_made) == 1


def test_of_two_that_are_there_all_the_same_the_first_stays(bucket, trained):
    service = Service()
    ref = submit(service, bucket, *trained)
    plan, _ = trained
    twin = type(service.pipelines_made[0]).from_json(type(service.pipelines_made[0]).to_json(service.pipelines_made[0]))
    twin.name = ref.remote_id.replace("/1", "/2")
    twin.create_time = "2026-11-01T00:10:00Z"
    service.pipelines_made.append(twin)
    assert Submission(service, bucket, settings()).find(plan) == ref
    assert service.cancelled == [twin.name]


def test_a_job_of_our_name_that_does_something_else_is_not_ours(bucket, trained, binary):
    service = Service()
    submit(service, bucket, *trained)
    other = plan_train(train_spec(binary, seed=7), settings())
    with pytest.raises(RejectedError, match="another job of the name"):
        Submission(service, bucket, settings()).find(other)
    with pytest.raises(RejectedError):
        submit(service, bucket, other, trained[1])


def test_rows_that_are_gone_are_missed_before_anything_is_made(bucket, trained):
    plan, staged = trained
    for key in [key for key in bucket.held if key.endswith("train.json")]:
        del bucket.held[key]
    service = Service()
    with pytest.raises(RejectedError, match="are not in gs://"):
        submit(service, bucket, plan, staged)
    assert service.datasets_made == []


def test_images_are_imported_once(bucket):
    built = pictures()
    plan = plan_train(train_spec(built, task=Task.IMAGE_CLASSIFICATION, metric="accuracy"), settings())
    staged = stage(plan, built, bucket, settings())
    service = Service()
    service.lost = ["create_training_pipeline"]
    with pytest.raises(TransientError):
        submit(service, bucket, plan, staged)
    submit(service, bucket, plan, staged)
    assert service.imports == 1
    assert len(service.pipelines_made) == 1


def test_a_failed_import_says_why_and_starts_no_training(bucket):
    built = pictures()
    plan = plan_train(train_spec(built, task=Task.IMAGE_CLASSIFICATION, metric="accuracy"), settings())
    staged = stage(plan, built, bucket, settings())
    service = Service()
    made = service.import_data

    def failing(*, request):
        answer = made(request=request)
        answer.operation.error.code, answer.operation.error.message = 3, "no image could be read"
        return answer

    failing.__name__ = "import_data"
    service.import_data = failing
    with pytest.raises(RejectedError, match="no image could be read"):
        submit(service, bucket, plan, staged)
    assert service.pipelines_made == []


def test_a_predict_job_is_one_whatever_is_lost(bucket, binary):
    spec = predict_spec(binary)
    plan = plan_predict(spec, settings())
    staged = stage(plan, build_predict_dataset(binary.parts["holdout"], binary.profile), bucket, settings())
    service = Service()
    service.lost = ["create_batch_prediction_job"]
    with pytest.raises(TransientError):
        submit(service, bucket, plan, staged)
    ref = submit(service, bucket, plan, staged)
    assert (ref.kind, ref.remote_id) == ("predict", service.jobs_made[0].name)
    assert len(service.jobs_made) == 1


def test_a_state_that_nobody_knows_is_running():
    from automl_bridge_vertex.polling import state_of

    assert state_of("PIPELINE_STATE_UNSPECIFIED") is JobState.RUNNING
