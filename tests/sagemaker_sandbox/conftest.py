"""The stand-in on a socket, and a few jobs that are trained once for all tests."""

import random

import pytest

pytest.importorskip("boto3")
pytest.importorskip("moto")

from sagemaker_sandbox_kit import HEADER, Aws, to_csv

from automl_bridge.sandbox.server import SandboxServer
from automl_bridge_sagemaker.sandbox.app import BUCKET, create

FAST = 100_000.0


# moto keeps its world in the process: two servers at once would share it, so each module has one of its own.
@pytest.fixture(scope="module")
def server():
    with SandboxServer(create, factor=FAST) as running:
        yield running


@pytest.fixture
def aws(server):
    yield Aws(server, BUCKET, server.env["AUTOML_BRIDGE_SAGEMAKER__ROLE_ARN"])
    server.faults.clear()
    server.context.settings.clear()
    server.service.access.document = None
    server.clock.factor = FAST


@pytest.fixture
def sagemaker(aws):
    return aws.client("sagemaker")


@pytest.fixture(scope="session")
def rows():
    """Return 600 rows of two features that decide, one that does not, and the label they decide."""
    draw = random.Random(3)
    found = [[f"{draw.gauss(0, 1):.4f}", draw.choice(["red", "blue"]), "a, b"] for _ in range(600)]
    return [[*row, "yes" if float(row[0]) + (row[1] == "red") > 0.4 else "no"] for row in found]


@pytest.fixture(scope="module")
def table_uri(server, rows):
    aws = Aws(server, BUCKET, "")
    return aws.put("data/train.csv", to_csv(rows, HEADER))


@pytest.fixture
def binary():
    """Return the configuration of a small binary problem."""

    def make(mode="ENSEMBLING", **more):
        criteria = {"MaxCandidates": 3, **more.pop("CompletionCriteria", {})}
        config = {"TargetAttributeName": "bought", "ProblemType": "BinaryClassification", "Mode": mode}
        return {"TabularJobConfig": {**config, "CompletionCriteria": criteria, **more}}

    return make


@pytest.fixture(scope="module")
def _done():
    return {}


@pytest.fixture
def trained(aws, table_uri, binary, _done):
    """Return a job that is done, once for all tests of a module, by mode."""

    def get(mode="ENSEMBLING"):
        if mode not in _done:
            _done[mode] = aws.train(f"trained-{mode[:3].lower()}", table_uri, binary(mode), objective="AUC")
        return _done[mode]

    return get
