import random
from pathlib import Path

import pytest
from azure_sandbox_kit import Azure, led_to, limits, start


def pytest_collection_modifyitems(items):
    """Azure's own SDK uses what its dependencies have deprecated; that is not ours to see."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.filterwarnings("ignore::DeprecationWarning"))


@pytest.fixture(scope="session")
def _running():
    with start() as server:
        with led_to(server):
            azure = Azure(server)
        yield server, azure


@pytest.fixture(scope="module")
def server(_running, _elsewhere):
    """Return the one stand-in of the session; its variables are in force in these modules only."""
    with led_to(_running[0]):
        yield _running[0]


@pytest.fixture(scope="module")
def _elsewhere(tmp_path_factory):
    """Be in a folder that is no repository: with each job the SDK asks git five times what it thinks of this one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("elsewhere"))
        yield


@pytest.fixture(scope="module")
def azure(_running, server):
    return _running[1]


@pytest.fixture(scope="session")
def rows():
    draw = random.Random(7)
    made = []
    for number in range(300):
        size, colour = draw.random() * 10, draw.choice(["red", "blue", "green"])
        likely = size + 3 * (colour == "red") + draw.gauss(0, 1) > 6
        made.append([f"{size:.3f}", colour, f"note {number % 17}", "yes" if likely else "no"])
    return made


@pytest.fixture(scope="module")
def table_uri(azure, rows):
    return azure.put_rows("data/table", rows)


@pytest.fixture
def classification(azure, table_uri):
    from azure.ai.ml import automl

    def make(name, *, uri=None, ensembles=False, explain=False, **more):
        options = {"compute": "cpu-cluster", "primary_metric": "AUC_weighted", "target_column_name": "bought"}
        job = automl.classification(
            training_data=azure.input(uri or table_uri), experiment_name="tests", **{**options, **more.pop("job", {})}
        )
        job.name = name
        job.set_training(
            enable_vote_ensemble=ensembles, enable_stack_ensemble=ensembles, enable_model_explainability=explain
        )
        return limits(job, **more)

    return make


@pytest.fixture(scope="session")
def _done():
    return {}


@pytest.fixture
def trained(azure, classification, _done):
    """Return a job that is done, once for all tests."""
    if "job" not in _done:
        azure.submit(classification("trained", max_trials=5, max_concurrent_trials=2, ensembles=True, explain=True,
                                    timeout_minutes=120))  # fmt: skip
        _done["job"] = azure.wait("trained")
    return _done["job"]
