"""A run's outputs as AutoML leaves them: the MLflow model with its files, the pickle, the scores."""

from __future__ import annotations

import json
import pickle
from typing import TYPE_CHECKING, Any

from automl_bridge_azure.sandbox.account import ARTIFACTS
from automl_bridge_azure.sandbox.addresses import artifact_prefix

if TYPE_CHECKING:
    from automl_bridge_azure.sandbox.trials import Search, Trial
    from automl_bridge_azure.sandbox.world import World

__all__ = ["write_outputs"]

PICKLE_VERSION = 4
MLFLOW_TYPES = {"int": "long", "float": "double", "boolean": "boolean", "datetime": "datetime"}
CONDA = """# sandbox: nothing is installed from this file
channels: [conda-forge]
dependencies:
- python=3.10
- pip:
  - azureml-train-automl-runtime
  - mlflow
name: project_environment
"""
LOADERS = {
    "image": "mlflow.pyfunc.model",
    "text": "azureml.automl.dnn.nlp",
    "forecasting": "azureml.automl.forecasting",
}


def write_outputs(world: World, run_id: str, task: str, search: Search, trial: Trial) -> None:
    """Write ``outputs/`` of a trial to the artifact store."""
    model = pickle.dumps(trial.model, protocol=PICKLE_VERSION)
    name = "python_model.pkl" if task == "image" else "model.pkl"
    files = {
        f"mlflow-model/{name}": model,
        "mlflow-model/MLmodel": _mlmodel(run_id, task, name, search).encode(),
        "mlflow-model/conda.yaml": CONDA.encode(),
        "mlflow-model/requirements.txt": b"azureml-train-automl-runtime\nmlflow\n",
        "conda_env_v_1_0_0.yml": CONDA.encode(),
        "scoring_file_v_1_0_0.py": b"# sandbox: see mlflow-model\n",
        "env_dependencies.json": b"{}",
    }
    if task != "image":
        files["model.pkl"] = model
    for path, content in files.items():
        world.blobs.write(ARTIFACTS, f"{artifact_prefix(run_id)}/outputs/{path}", content)


def _mlmodel(run_id: str, task: str, name: str, search: Search) -> str:
    """Spell the MLmodel file; JSON is YAML."""
    tabular = task in {"classification", "regression"}
    flavors: dict[str, Any] = {
        "python_function": {
            "env": {"conda": "conda.yaml", "virtualenv": "python_env.yaml"},
            "loader_module": LOADERS.get(task, "mlflow.sklearn"),
            "model_path": name,
            "python_version": "3.10.14",
        }
    }
    if tabular:
        flavors["sklearn"] = {"code": None, "pickled_model": name, "serialization_format": "pickle",
                              "sklearn_version": "1.5.1"}  # fmt: skip
    content: dict[str, Any] = {"artifact_path": "outputs/mlflow-model", "flavors": flavors, "run_id": run_id,
                               "mlflow_version": "2.21.3", "metadata": {"sandbox": True}}  # fmt: skip
    if tabular:
        inputs = [
            {"name": one, "type": MLFLOW_TYPES.get(search.types.get(one, ""), "string")} for one in search.columns
        ]
        content["signature"] = {"inputs": json.dumps(inputs), "outputs": json.dumps([{"type": "tensor"}])}
    return json.dumps(content, indent=2)
