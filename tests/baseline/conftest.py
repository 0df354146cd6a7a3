import pytest

from automl_bridge_baseline import BaselineBackend


@pytest.fixture
def backend(tmp_path):
    return BaselineBackend(BaselineBackend.settings_class(), tmp_path / "work")
