"""Unmodified clients of the stand-in, and what tests do over and over."""

import csv
import io
import json
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from google.auth.credentials import AnonymousCredentials
from google.cloud import aiplatform_v1, storage
from google.protobuf import json_format, struct_pb2

from automl_bridge.sandbox.server import SandboxServer

TABULAR = "gs://google-cloud-aiplatform/schema/dataset/metadata/tabular_1.0.0.yaml"
TIME_SERIES = "gs://google-cloud-aiplatform/schema/dataset/metadata/time_series_1.0.0.yaml"
IMAGE = "gs://google-cloud-aiplatform/schema/dataset/metadata/image_1.0.0.yaml"
SINGLE_LABEL = (
    "gs://google-cloud-aiplatform/schema/dataset/ioformat/image_classification_single_label_io_format_1.0.0.yaml"
)
DEFINITION = "gs://google-cloud-aiplatform/schema/trainingjob/definition/"
TABLE_TASK = f"{DEFINITION}automl_tabular_1.0.0.yaml"
SERIES_TASK = f"{DEFINITION}automl_time_series_forecasting_1.0.0.yaml"
IMAGE_TASK = f"{DEFINITION}automl_image_classification_1.0.0.yaml"
ENDED = {"SUCCEEDED", "FAILED", "CANCELLED"}
HEADER = ["size", "colour", "note", "bought"]
NOT_RETRIED = {"retry": None, "timeout": 20}


def value(content):
    return json_format.ParseDict(content, struct_pb2.Value())


def to_csv(rows, header=None):
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows([header, *rows] if header else rows)
    return buffer.getvalue().encode()


def wait_for(ask, done, deadline=60):
    pause, end = threading.Event(), time.monotonic() + deadline
    while time.monotonic() < end:
        answer = ask()
        if done(answer):
            return answer
        pause.wait(0.02)
    raise AssertionError(f"not within {deadline} s: {answer}")


def state_of(message):
    return message.state.name.rpartition("STATE_")[2]


@dataclass
class Vertex:
    """Clients of the stand-in; REST unless told otherwise."""

    server: SandboxServer
    bucket: str
    parent: str
    _clients: dict[Any, Any] = field(default_factory=dict)

    def client(self, service, transport="rest"):
        key = (service, transport)
        if key not in self._clients:
            kind = getattr(aiplatform_v1, f"{service}ServiceClient")
            if transport == "grpc":
                import grpc

                channel = grpc.insecure_channel(self.server.env["AUTOML_BRIDGE_SANDBOX_GCP_GRPC"])
                self._clients[key] = kind(transport=kind.get_transport_class("grpc")(channel=channel))
            else:
                self._clients[key] = kind(
                    transport="rest",
                    credentials=AnonymousCredentials(),
                    client_options={"api_endpoint": self.server.url},
                )
        return self._clients[key]

    @property
    def storage(self):
        if "storage" not in self._clients:
            self._clients["storage"] = storage.Client(
                project="automl-bridge-sandbox",
                credentials=AnonymousCredentials(),
                client_options={"api_endpoint": self.server.url},
            )
        return self._clients["storage"]

    def put(self, key, content):
        self.storage.bucket(self.bucket).blob(key).upload_from_string(content)
        return f"gs://{self.bucket}/{key}"

    def files(self, folder):
        """Return the objects under a folder by their last name."""
        prefix = folder.removeprefix(f"gs://{self.bucket}/") + "/"
        blobs = self.storage.list_blobs(self.bucket, prefix=prefix)
        return {blob.name.removeprefix(prefix): blob.download_as_bytes() for blob in blobs}

    def dataset(self, name, uris, *, schema=TABULAR, **more):
        uris = [uris] if isinstance(uris, str) else uris
        content = {
            "display_name": name,
            "metadata_schema_uri": schema,
            "metadata": value({"inputConfig": {"gcsSource": {"uri": uris}}}),
            **more,
        }
        return self.client("Dataset").create_dataset(parent=self.parent, dataset=content).result(timeout=30)

    def pipeline(self, name, dataset, inputs, *, task=TABLE_TASK, config=None, **more):
        """Return the request of a training pipeline."""
        return {
            "display_name": name,
            "input_data_config": {"dataset_id": dataset.name.rpartition("/")[2], **(config or {})},
            "training_task_definition": task,
            "training_task_inputs": value(inputs),
            "model_to_upload": {"display_name": f"{name}-model"},
            **more,
        }

    def train(self, *args, **kwargs):
        """Train and return the pipeline when it has ended."""
        made = self.client("Pipeline").create_training_pipeline(
            parent=self.parent, training_pipeline=self.pipeline(*args, **kwargs)
        )
        return self.wait(made)

    def wait(self, pipeline):
        client = self.client("Pipeline")
        return wait_for(lambda: client.get_training_pipeline(name=pipeline.name), lambda one: state_of(one) in ENDED)

    def batch(self, name, model, uri, *, instances="csv", predictions="jsonl", **more):
        """Return the request of a batch prediction job."""
        return {
            "display_name": name,
            "model": model,
            "input_config": {"instances_format": instances, "gcs_source": {"uris": [uri]}},
            "output_config": {
                "predictions_format": predictions,
                "gcs_destination": {"output_uri_prefix": f"gs://{self.bucket}/out/{name}"},
            },
            **more,
        }

    def predict(self, *args, **kwargs):
        """Predict and return the job when it has ended."""
        client = self.client("Job")
        made = client.create_batch_prediction_job(parent=self.parent, batch_prediction_job=self.batch(*args, **kwargs))
        return wait_for(lambda: client.get_batch_prediction_job(name=made.name), lambda one: state_of(one) in ENDED)

    def lines(self, job):
        """Return what the prediction files of a job hold, line by line."""
        found = []
        for name, content in self.files(job.output_info.gcs_output_directory).items():
            if "error" not in name:
                found += [json.loads(line) for line in content.decode().splitlines()]
        return found


def table_inputs(**more):
    """Return inputs of a small classification."""
    return {
        "targetColumn": "bought",
        "predictionType": "classification",
        "transformations": [
            {"numeric": {"columnName": "size"}},
            {"categorical": {"columnName": "colour"}},
            {"text": {"columnName": "note"}},
        ],
        "trainBudgetMilliNodeHours": "1000",
        **more,
    }
