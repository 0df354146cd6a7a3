"""A SageMaker backend against moto's server on loopback: unmodified boto3, real sockets, no account."""

from __future__ import annotations

import importlib.util
import os
import socket

import pytest
from sm_world import BUCKET, dataset, make_backend

# Without the extra there is nothing to test; planning alone is covered where it is installed.
collect_ignore_glob = [] if importlib.util.find_spec("boto3") else ["test_*.py"]

AWS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
    # Reading a profile of the person who runs the tests would be no test.
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}


@pytest.fixture(autouse=True)
def _aws_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in AWS.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(scope="module")
def moto_url():
    """Return the address of a moto server; its world is the process's, so no module leaves one behind."""
    pytest.importorskip("moto.server")
    import logging

    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = ThreadedMotoServer("127.0.0.1", port, verbose=False)
    server.start()
    yield f"http://127.0.0.1:{port}"
    server.stop()


@pytest.fixture
def aws(moto_url, monkeypatch):
    """Return a function that makes clients of an empty moto; the backend finds it by AWS_ENDPOINT_URL."""
    import urllib.request

    urllib.request.urlopen(urllib.request.Request(f"{moto_url}/moto-api/reset", method="POST")).close()
    monkeypatch.setenv("AWS_ENDPOINT_URL", moto_url)
    import boto3

    def client(service: str, region: str = "us-east-1"):
        return boto3.client(service, region_name=region)

    client("s3").create_bucket(Bucket=BUCKET)
    return client


@pytest.fixture
def backend(tmp_path):
    return make_backend(tmp_path)


@pytest.fixture(scope="session")
def binary():
    return dataset()[1]
