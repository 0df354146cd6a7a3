"""The unmodified clients: REST and gRPC over one state, operations, lists; the high-level SDK once."""

import io
import json

import pytest
from google.api_core import exceptions
from google.cloud import aiplatform_v1
from google.longrunning import operations_pb2
from PIL import Image
from vertex_sandbox_kit import HEADER, NOT_RETRIED, state_of, table_inputs, to_csv


def _named(parent, name, **labels):
    return {"display_name": name, "labels": labels}


def test_both_transports_see_one_state(vertex, trained):
    over_rest = vertex.client("Pipeline").get_training_pipeline(name=trained.name)
    over_grpc = vertex.client("Pipeline", "grpc").get_training_pipeline(name=trained.name)
    assert over_rest == over_grpc
    for transport in ("rest", "grpc"):
        (found,) = vertex.client("Pipeline", transport).list_training_pipelines(
            request={"parent": vertex.parent, "filter": 'labels.run="r1"'}
        )
        assert found == over_rest


def test_names_have_the_projects_number_and_may_be_asked_for_by_its_id(vertex, loans):
    assert loans.name.startswith("projects/123456789012/locations/us-central1/datasets/")
    by_id = loans.name.replace("123456789012", "automl-bridge-sandbox")
    assert vertex.client("Dataset").get_dataset(name=by_id).name == loans.name
    elsewhere = loans.name.replace("us-central1", "europe-west4")
    with pytest.raises(exceptions.NotFound, match="The Dataset does not exist"):
        vertex.client("Dataset").get_dataset(name=elsewhere)


@pytest.mark.parametrize("transport", ["rest", "grpc"])
def test_endpoints_and_their_operations(vertex, trained, transport):
    client = vertex.client("Endpoint", transport)
    operation = client.create_endpoint(parent=vertex.parent, endpoint=_named(vertex.parent, f"e-{transport}"))
    endpoint = operation.result(timeout=30)
    held = client.get_operation(operations_pb2.GetOperationRequest(name=operation.operation.name))
    assert held.done
    assert held.name.startswith(f"{endpoint.name}/operations/")
    model = trained.model_to_upload.name
    deployed = client.deploy_model(
        endpoint=endpoint.name,
        deployed_model={"model": model, "dedicated_resources": {"machine_spec": {"machine_type": "n1-standard-4"}}},
    ).result(timeout=30)
    (found,) = client.list_endpoints(request={"parent": vertex.parent, "filter": f"displayName=e-{transport}"})
    assert found.deployed_models[0].id == deployed.deployed_model.id
    with pytest.raises((exceptions.BadRequest, exceptions.FailedPrecondition), match="undeploy"):
        client.delete_endpoint(name=endpoint.name)
    with pytest.raises((exceptions.BadRequest, exceptions.FailedPrecondition), match="undeploy"):
        vertex.client("Model", transport).delete_model(name=model)
    client.undeploy_model(endpoint=endpoint.name, deployed_model_id=deployed.deployed_model.id).result(timeout=30)
    deletion = client.delete_endpoint(name=endpoint.name)
    deletion.result(timeout=30)
    assert deletion.operation.name.startswith("projects/123456789012/locations/us-central1/operations/")
    with pytest.raises(exceptions.NotFound):
        client.get_endpoint(name=endpoint.name)


def test_filters_order_and_pages(vertex):
    client = vertex.client("Endpoint")
    for number in range(5):
        labels = {"odd": "yes"} if number % 2 else {"even": f"e{number}"}
        client.create_endpoint(
            parent=vertex.parent, endpoint={"display_name": f"list-{number}", "labels": {"list": "l", **labels}}
        )

    def names(text, **more):
        request = {"parent": vertex.parent, "filter": text, **more}
        return [one.display_name.removeprefix("list-") for one in client.list_endpoints(request=request)]

    assert sorted(names("labels.list=l")) == list("01234")
    assert sorted(names("labels.list=l AND labels.odd:*")) == list("13")
    assert sorted(names("labels.list=l labels:odd")) == list("13")
    assert sorted(names("labels.list=l AND NOT labels.odd=yes")) == list("024")
    assert sorted(names("labels.even=e2 OR displayName=list-1")) == list("12")
    assert sorted(names('labels.list=l AND (display_name!="list-0")')) == list("1234")
    assert names("labels.list=l", order_by="display_name desc") == list("43210")
    assert names("labels.list=l", page_size=2, order_by="display_name") == list("01234")
    page = client.list_endpoints(request={"parent": vertex.parent, "filter": "labels.list=l", "page_size": 2})
    token = page.next_page_token
    assert token
    for text in ("labels.list=", "colour=red", "(labels.list=l", "display_name>3"):
        with pytest.raises(exceptions.BadRequest, match="Invalid filter"):
            names(text)
    with pytest.raises(exceptions.BadRequest, match="page_token"):
        client.list_endpoints(request={"parent": vertex.parent, "page_token": token})
    assert list(client.list_endpoints(parent=vertex.parent.replace("us-central1", "us-east1"))) == []


def test_states_and_times_are_filtered_by(vertex, trained):
    client = vertex.client("Pipeline")

    def names(text):
        return {one.name for one in client.list_training_pipelines(request={"parent": vertex.parent, "filter": text})}

    assert trained.name in names('state="PIPELINE_STATE_SUCCEEDED" AND display_name:"train*"')
    assert trained.name not in names('state!="PIPELINE_STATE_SUCCEEDED"')
    assert trained.name in names('training_task_definition:"*automl_tabular*" create_time>"2021-05-18T00:00:00Z"')
    assert trained.name not in names("create_time<2021-05-18T00:00:00Z")


def test_states_follow_each_other_and_cancelling_is_told(vertex, loans):
    vertex.server.clock.factor = 1e-6
    client = vertex.client("Pipeline")
    made = client.create_training_pipeline(
        parent=vertex.parent, training_pipeline=vertex.pipeline("states", loans, table_inputs())
    )

    def state():
        return state_of(client.get_training_pipeline(name=made.name))

    seen = [state_of(made)]
    for seconds in (30, 200):
        vertex.server.clock.advance(seconds)
        seen.append(state())
    with pytest.raises(exceptions.BadRequest, match="in use"):
        vertex.client("Dataset").delete_dataset(name=loans.name)
    with pytest.raises(exceptions.BadRequest, match="final state"):
        client.delete_training_pipeline(name=made.name)
    client.cancel_training_pipeline(name=made.name)
    seen.append(state())
    vertex.server.clock.advance(100)
    seen.append(state())
    assert seen == ["QUEUED", "PENDING", "RUNNING", "CANCELLING", "CANCELLED"]
    ended = client.get_training_pipeline(name=made.name)
    assert ended.error.code == 1
    assert not ended.model_to_upload.name
    assert "training_task_metadata" not in ended
    deletion = client.delete_training_pipeline(name=made.name)
    vertex.server.clock.advance(10)
    deletion.result(timeout=30)
    with pytest.raises(exceptions.NotFound):
        state()


def test_a_resource_may_show_up_in_lists_later(vertex):
    vertex.server.context.settings["list_lag_seconds"] = 3600
    vertex.server.clock.factor = 1e-6
    client = vertex.client("Endpoint")
    client.create_endpoint(parent=vertex.parent, endpoint=_named(vertex.parent, "late", lag="l"))
    ask = {"parent": vertex.parent, "filter": "labels.lag=l"}
    assert not list(client.list_endpoints(request=ask))
    vertex.server.clock.advance(3601)
    assert len(list(client.list_endpoints(request=ask))) == 1


def test_what_is_not_served_says_so(vertex):
    client = aiplatform_v1.PipelineServiceClient
    assert client  # the class is there, so is the method; the stand-in has no pipelines of containers
    with pytest.raises((exceptions.MethodNotImplemented, exceptions.ServerError), match="not served by the sandbox"):
        vertex.client("Pipeline").list_pipeline_jobs(parent=vertex.parent, **NOT_RETRIED)
    with pytest.raises(exceptions.MethodNotImplemented, match="not served by the sandbox"):
        vertex.client("Pipeline", "grpc").list_pipeline_jobs(parent=vertex.parent, **NOT_RETRIED)


def test_default_credentials_are_found(vertex, monkeypatch):
    import google.auth

    for name, content in vertex.server.env.items():
        monkeypatch.setenv(name, content)
    credentials, project = google.auth.default(scopes=["https://www.googleapis.com/auth/cloud-platform"])
    assert project == "automl-bridge-sandbox"
    client = aiplatform_v1.DatasetServiceClient(
        transport="rest", credentials=credentials, client_options={"api_endpoint": vertex.server.url}
    )
    assert list(client.list_datasets(parent=vertex.parent)) is not None
    credentials.refresh(google.auth.transport.requests.Request())
    assert credentials.token == "sandbox"


@pytest.fixture
def high_level(vertex, monkeypatch):
    from google.auth.credentials import AnonymousCredentials
    from google.cloud import aiplatform

    monkeypatch.setenv("STORAGE_EMULATOR_HOST", vertex.server.url)
    aiplatform.init(
        project="automl-bridge-sandbox",
        location="us-central1",
        api_endpoint=vertex.server.url,
        api_transport="rest",
        credentials=AnonymousCredentials(),
    )
    return aiplatform


@pytest.mark.slow
def test_the_high_level_sdk_with_a_table(vertex, high_level, loan_rows):
    uri = vertex.put("high/train.csv", to_csv(loan_rows, HEADER))
    dataset = high_level.TabularDataset.create(display_name="high", gcs_source=uri, labels={"by": "sdk"})
    job = high_level.AutoMLTabularTrainingJob(
        display_name="high",
        optimization_prediction_type="classification",
        column_specs={"size": "numeric", "colour": "categorical", "note": "auto"},
    )
    model = job.run(dataset=dataset, target_column="bought", budget_milli_node_hours=1000, model_display_name="high")
    (evaluation,) = model.list_model_evaluations()
    assert evaluation.metrics["auRoc"] > 0.95
    source = vertex.put("high/predict.csv", to_csv([row[:3] for row in loan_rows[:30]], HEADER[:3]))
    batch = model.batch_predict(
        job_display_name="high",
        gcs_source=source,
        gcs_destination_prefix=f"gs://{vertex.bucket}/high",
        instances_format="csv",
        predictions_format="csv",
    )
    names = [blob.name for blob in batch.iter_outputs()]
    assert any("prediction.results-" in name for name in names)
    for made in (batch, model, job, dataset):
        made.delete()


@pytest.mark.slow
def test_the_high_level_sdk_with_series_and_images(vertex, high_level):
    rows = [
        [f"s{s}", f"2025-{m + 1:02d}-{d + 1:02d}", f"{s + d}"] for s in range(8) for m in range(6) for d in range(28)
    ]
    uri = vertex.put("high/series.csv", to_csv(rows, ["store", "day", "sales"]))
    dataset = high_level.TimeSeriesDataset.create(display_name="series", gcs_source=uri)
    job = high_level.AutoMLForecastingTrainingJob(
        display_name="series", column_specs={"day": "timestamp", "sales": "numeric"}
    )
    model = job.run(
        dataset=dataset,
        target_column="sales",
        time_column="day",
        time_series_identifier_column="store",
        unavailable_at_forecast_columns=["sales"],
        available_at_forecast_columns=["day"],
        forecast_horizon=7,
        context_window=14,
        data_granularity_unit="day",
        data_granularity_count=1,
        budget_milli_node_hours=1000,
    )
    assert model.resource_name.startswith("projects/123456789012/")
    lines = []
    for number in range(24):
        image = Image.new("RGB", (8, 8), (200, 0, 0) if number % 2 else (0, 0, 200))
        buffer = io.BytesIO()
        image.save(buffer, "PNG")
        uri = vertex.put(f"high/{number}.png", buffer.getvalue())
        label = {"displayName": "red" if number % 2 else "blue"}
        lines.append(json.dumps({"imageGcsUri": uri, "classificationAnnotation": label}))
    images = high_level.ImageDataset.create(
        display_name="images",
        gcs_source=vertex.put("high/images.jsonl", "\n".join(lines)),
        import_schema_uri=high_level.schema.dataset.ioformat.image.single_label_classification,
    )
    trainer = high_level.AutoMLImageTrainingJob(display_name="images", prediction_type="classification")
    assert trainer.run(dataset=images, budget_milli_node_hours=8000).name
