"""Unmodified clients of the stand-in, and what tests do over and over."""

import csv
import io
import json
import os
import shutil
import threading
import time
from contextlib import contextmanager

import pytest

from automl_bridge.sandbox.server import SandboxServer
from automl_bridge_azure.sandbox import account

SCOPE = (account.SUBSCRIPTION, account.GROUP, account.WORKSPACE)
HEADER = ["size", "colour", "note", "bought"]


def start(blobs="builtin", factor=1_000_000):
    """Start a stand-in; nothing leads to it yet."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AUTOML_BRIDGE_AZURE_SANDBOX_BLOBS", blobs)
        return SandboxServer("azure", factor=factor)


@contextmanager
def led_to(server):
    """Have every client of this process led to a stand-in for as long."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in server.env.items():
            patch.setenv(name, value)
        yield


def needs_azurite():
    if shutil.which("azurite-blob") is None:
        if os.environ.get("CI") == "true":
            pytest.fail("azurite-blob is not installed")
        pytest.skip("azurite-blob is not installed (npm install -g azurite)")


class Azure:
    """Clients of a stand-in."""

    def __init__(self, server):
        from azure.ai.ml import MLClient
        from azure.identity import EnvironmentCredential
        from azure.storage.blob import BlobServiceClient

        self.server = server
        self.credential = EnvironmentCredential()
        self.ml = MLClient(self.credential, *SCOPE, show_progress=False)
        endpoint = f"https://{account.STORAGE_ACCOUNT}.blob.{server.service.world.storage}"
        self.storage = BlobServiceClient(endpoint, account.STORAGE_KEY)
        self.container = self.storage.get_container_client(account.CONTAINER)

    def put(self, folder, files, table=None):
        """Write files to the workspace's storage, with an MLTable file; returns the folder's address."""
        for name, content in files.items():
            self.container.upload_blob(f"{folder}/{name}", content, overwrite=True)
        if table is not None:
            self.container.upload_blob(f"{folder}/MLTable", table.encode(), overwrite=True)
        return f"azureml://datastores/workspaceblobstore/paths/{folder}/"

    def put_rows(self, folder, rows, header=HEADER):
        return self.put(folder, {"data.csv": to_csv(rows, header)}, delimited("data.csv"))

    def input(self, uri, kind="mltable"):
        from azure.ai.ml import Input

        return Input(type=kind, path=uri)

    def submit(self, job):
        return self.ml.jobs.create_or_update(job)

    def wait(self, name, deadline=60):
        return wait_for(
            lambda: self.ml.jobs.get(name), lambda job: job.status in {"Completed", "Failed", "Canceled"}, deadline
        )

    def children(self, name):
        return {child.name: child for child in self.ml.jobs.list(parent_job_name=name, max_results=100)}

    def error(self, name):
        """Return the words of a run's error, which run history has."""
        details = self.ml.jobs._runs_operations.get_run_details(name)
        return details.error.error.message

    def request(self, method, path, body=None, token="any"):
        """Send a request by hand; returns status, headers and JSON."""
        import requests

        headers = {"Authorization": f"Bearer {token}"} if token else {}
        answer = requests.request(method, self.server.url + path, json=body, headers=headers, timeout=20)
        return answer.status_code, answer.headers, json.loads(answer.content or b"null")


def delimited(name, **options):
    options = {"delimiter": ",", "encoding": "utf8", "header": "all_files_same_headers", **options}
    return json.dumps({"paths": [{"file": f"./{name}"}], "transformations": [{"read_delimited": options}]})


def to_csv(rows, header):
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerows([header, *rows])
    return buffer.getvalue().encode()


def wait_for(ask, done, deadline=60):
    pause, end = threading.Event(), time.monotonic() + deadline
    while time.monotonic() < end:
        answer = ask()
        if done(answer):
            return answer
        pause.wait(0.05)
    raise AssertionError(f"not within {deadline} s: {answer}")


def limits(job, **more):
    job.set_limits(**{"timeout_minutes": 60, "trial_timeout_minutes": 20, "max_trials": 3, **more})
    return job
