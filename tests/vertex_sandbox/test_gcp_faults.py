import pytest
import requests
from google.api_core import exceptions
from google.auth.exceptions import InvalidOperation, TransportError
from vertex_sandbox_kit import NOT_RETRIED, state_of, table_inputs, wait_for


@pytest.mark.parametrize("transport", ["rest", "grpc"])
@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("throttle", exceptions.TooManyRequests),
        ("quota", exceptions.TooManyRequests),
        ("server-error", exceptions.ServiceUnavailable),
    ],
)
def test_faults_look_like_the_service(vertex, transport, kind, error):
    vertex.server.faults.add(kind, "aiplatform.ListDatasets", count=1)
    client = vertex.client("Dataset", transport)
    with pytest.raises(error):
        client.list_datasets(parent=vertex.parent, **NOT_RETRIED)
    client.list_datasets(parent=vertex.parent, **NOT_RETRIED)


def test_the_body_of_an_error_is_googles(vertex):
    vertex.server.faults.add("throttle", "aiplatform.ListDatasets", count=1)
    answer = requests.get(f"{vertex.server.url}/v1/{vertex.parent}/datasets", timeout=10)
    assert answer.status_code == 429
    assert answer.headers["X-Automl-Bridge-Sandbox"] == "gcp"
    error = answer.json()["error"]
    assert (error["code"], error["status"]) == (429, "RESOURCE_EXHAUSTED")
    assert error["details"][0]["reason"] == "RATE_LIMIT_EXCEEDED"


def test_every_second_server_error_is_a_500(vertex):
    vertex.server.faults.add("server-error", "aiplatform.ListDatasets", count=2)
    statuses = [
        requests.get(f"{vertex.server.url}/v1/{vertex.parent}/datasets", timeout=10).status_code for _ in range(3)
    ]
    assert statuses == [503, 500, 200]


def test_an_expired_token_is_a_401(vertex):
    vertex.server.faults.add("expired", "aiplatform.ListDatasets", count=1)
    answer = requests.get(f"{vertex.server.url}/v1/{vertex.parent}/datasets", timeout=10)
    assert (answer.status_code, answer.json()["error"]["status"]) == (401, "UNAUTHENTICATED")
    vertex.server.faults.add("expired", "aiplatform.ListDatasets", count=1)
    with pytest.raises((exceptions.Unauthenticated, InvalidOperation)):  # anonymous ones cannot be refreshed
        vertex.client("Dataset").list_datasets(parent=vertex.parent, **NOT_RETRIED)
    vertex.server.faults.add("expired", "aiplatform.ListDatasets", count=1)
    with pytest.raises(exceptions.Unauthenticated):
        vertex.client("Dataset", "grpc").list_datasets(parent=vertex.parent, **NOT_RETRIED)


@pytest.mark.parametrize("transport", ["rest", "grpc"])
@pytest.mark.parametrize(("kind", "made"), [("reset-before", 0), ("reset-after", 1)])
def test_a_broken_connection_may_have_taken_effect(vertex, loans, transport, kind, made):
    vertex.server.faults.add(kind, "CreateTrainingPipeline", count=1)
    label = f"{kind}-{transport}"
    request = vertex.pipeline(label, loans, table_inputs(), labels={"fault": label})
    client = vertex.client("Pipeline", transport)
    with pytest.raises((requests.ConnectionError, TransportError, exceptions.ServiceUnavailable)):
        client.create_training_pipeline(parent=vertex.parent, training_pipeline=request, **NOT_RETRIED)
    found = list(client.list_training_pipelines(request={"parent": vertex.parent, "filter": f"labels.fault={label}"}))
    assert len(found) == made


def test_a_slow_answer_meets_the_clients_patience(vertex):
    vertex.server.faults.add("slow", "aiplatform.ListDatasets", seconds=1.5, count=1)
    with pytest.raises((requests.Timeout, exceptions.RetryError, TransportError)):
        vertex.client("Dataset").list_datasets(parent=vertex.parent, retry=None, timeout=0.3)


@pytest.mark.parametrize(
    ("kind", "state", "code"),
    [("job-fails", "FAILED", 13), ("job-capacity", "FAILED", 8), ("job-stops", "CANCELLED", 1)],
)
def test_jobs_that_do_not_end_well(vertex, loans, trained, loan_rows, kind, state, code):
    from vertex_sandbox_kit import HEADER, to_csv

    vertex.server.faults.add(kind, "CreateTrainingPipeline", count=1)
    pipeline = vertex.train(kind, loans, table_inputs())
    assert (state_of(pipeline), pipeline.error.code) == (state, code)
    assert not pipeline.model_to_upload.name
    vertex.server.faults.add(kind, "CreateBatchPredictionJob", count=1)
    uri = vertex.put("predict/fated.csv", to_csv([row[:3] for row in loan_rows[:2]], HEADER[:3]))
    job = vertex.predict(kind, trained.model_to_upload.name, uri)
    assert (state_of(job), job.error.code) == (state, code)
    assert not job.output_info.gcs_output_directory


def test_a_job_that_hangs_can_be_cancelled(vertex, loans):
    vertex.server.faults.add("job-hangs", count=1)
    client = vertex.client("Pipeline")
    made = client.create_training_pipeline(
        parent=vertex.parent, training_pipeline=vertex.pipeline("hangs", loans, table_inputs())
    )
    vertex.server.clock.advance(30 * 86400)
    assert state_of(client.get_training_pipeline(name=made.name)) == "RUNNING"
    client.cancel_training_pipeline(name=made.name)
    assert state_of(vertex.wait(made)) == "CANCELLED"


def test_a_pipeline_may_end_without_a_model(vertex, loans):
    vertex.server.faults.add("job-no-best", count=1)
    pipeline = vertex.train("no-model", loans, table_inputs())
    assert (state_of(pipeline), pipeline.model_to_upload.name) == ("SUCCEEDED", "")


def test_cloud_storage_has_its_own_words(vertex):
    vertex.server.faults.add("throttle", "storage.objects.get", count=1)
    answer = requests.get(f"{vertex.server.url}/storage/v1/b/{vertex.bucket}/o/none", timeout=10)
    assert answer.status_code == 429
    assert answer.json()["error"]["errors"][0]["reason"] == "rateLimitExceeded"
    vertex.server.faults.add("expired", "storage.*", count=1)
    assert requests.get(f"{vertex.server.url}/storage/v1/b/{vertex.bucket}", timeout=10).status_code == 401
    vertex.server.faults.add("throttle", "storage.*", count=1)
    answer = requests.get(f"{vertex.server.url}/{vertex.bucket}/some", timeout=10)
    assert b"<Code>SlowDown</Code>" in answer.content


def test_an_upload_survives_faults_by_the_clients_own_retries(vertex):
    for number, kind in enumerate(("throttle", "server-error", "reset-before")):
        vertex.server.faults.add(kind, "storage.objects.insert", count=1, seed=number)
    vertex.server.calls.clear()
    vertex.storage.bucket(vertex.bucket).blob("faulty").upload_from_string("kept", if_generation_match=0)
    assert vertex.storage.bucket(vertex.bucket).blob("faulty").download_as_bytes() == b"kept"
    assert vertex.server.calls.to_json()["storage.objects.insert"] == 4


def test_calls_are_counted_over_both_transports(vertex):
    vertex.server.calls.clear()
    for transport in ("rest", "grpc", "grpc"):
        vertex.client("Dataset", transport).list_datasets(parent=vertex.parent)
    assert vertex.server.calls.to_json() == {"aiplatform.ListDatasets": 3}


def test_only_so_many_jobs_at_a_time(vertex, loans):
    vertex.server.clock.factor = 1e-6
    vertex.server.context.settings["concurrent_jobs"] = 1
    client = vertex.client("Pipeline")
    first = client.create_training_pipeline(
        parent=vertex.parent, training_pipeline=vertex.pipeline("one", loans, table_inputs())
    )
    with pytest.raises(exceptions.TooManyRequests, match="Quota exceeded"):
        client.create_training_pipeline(
            parent=vertex.parent, training_pipeline=vertex.pipeline("two", loans, table_inputs()), **NOT_RETRIED
        )
    client.cancel_training_pipeline(name=first.name)
    vertex.server.clock.advance(100)
    wait_for(lambda: client.get_training_pipeline(name=first.name), lambda one: state_of(one) == "CANCELLED")
