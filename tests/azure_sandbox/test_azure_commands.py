"""Command jobs: the script of the code asset is really run, on copies of its inputs."""

import csv
import io

import pytest
from azure_sandbox_kit import to_csv

SCRIPT = """
import argparse, pathlib
import mlflow, pandas as pd
parser = argparse.ArgumentParser()
for name in ("model", "data", "out", "column"):
    parser.add_argument("--" + name)
options = parser.parse_args()
model = mlflow.sklearn.load_model(options.model)
frame = pd.read_csv(next(pathlib.Path(options.data).glob("*.csv")))
found = model.predict_proba(frame).add_prefix("p_")
found.insert(0, options.column, model.predict(frame))
found.to_csv(pathlib.Path(options.out, "predictions.csv"), index=False)
print("wrote", len(found), mlflow.pyfunc.load_model(options.model).predict(frame)[:1])
"""


@pytest.fixture
def command(azure, tmp_path):
    from azure.ai.ml import Output, command

    def make(name, script, *, line="python score.py", **more):
        (tmp_path / "score.py").write_text(script)
        job = command(
            name=name, code=str(tmp_path), command=line, compute="cpu-cluster", experiment_name="tests",
            environment="azureml://registries/azureml/environments/sklearn-1.5/labels/latest",
            outputs={"out": Output(type="uri_folder", mode="upload")}, **more,
        )  # fmt: skip
        azure.submit(job)
        return azure.wait(name)

    return make


def test_a_script_predicts_probabilities_with_the_best_model(azure, trained, command, rows, tmp_path):
    from azure.ai.ml import Input

    best = trained.tags["automl_best_child_run_id"]
    azure.put("data/holdout", {"rows.csv": to_csv([row[:3] for row in rows], ["size", "colour", "note"])})
    inputs = {
        "model": Input(
            type="mlflow_model", path=f"azureml://jobs/{best}/outputs/artifacts/paths/outputs/mlflow-model/"
        ),
        "data": Input(type="uri_folder", path="azureml://datastores/workspaceblobstore/paths/data/holdout/"),
        "column": "prediction",
    }
    line = (
        "pip install nothing && python score.py --model ${{inputs.model}} --data ${{inputs.data}} "
        "--out ${{outputs.out}} --column ${{inputs.column}}"
    )
    done = command("score", SCRIPT, line=line, inputs=inputs)
    assert done.status == "Completed"
    azure.ml.jobs.download("score", download_path=tmp_path / "down", output_name="out")
    text = (tmp_path / "down" / "named-outputs" / "out" / "predictions.csv").read_text()
    found = list(csv.DictReader(io.StringIO(text)))
    assert len(found) == 300
    assert sum(one["prediction"] == row[3] for one, row in zip(found, rows, strict=True)) > 240
    assert all(float(one["p_no"]) + float(one["p_yes"]) == pytest.approx(1) for one in found)
    log = azure.storage.get_blob_client("azureml", "ExperimentRun/dcid.score/user_logs/std_log.txt")
    assert log.download_blob().readall().startswith(b"wrote 300")
    run = azure.ml.jobs._runs_operations.get_run("score")
    assert (run.compute.vm_size, run.compute_duration) == ("STANDARD_DS3_V2", "00:02:15.0000000")


def test_a_script_that_fails_fails_its_job_and_says_why(azure, command, capsys):
    from azure.ai.ml.exceptions import JobException

    done = command("broken", "raise SystemExit('no such column')")
    assert done.status == "Failed"
    assert "exited with status code 1. no such column" in azure.error("broken")
    with pytest.raises(JobException, match="no such column"):
        azure.ml.jobs.stream("broken")
    capsys.readouterr()


def test_only_scripts_of_the_code_are_run(azure, command):
    assert command("shell", "", line="ls -l /").status == "Failed"
    assert "Python scripts of the job's code only" in azure.error("shell")


@pytest.mark.slow
def test_the_same_code_is_uploaded_once(azure, command):
    command("twice-1", "print(1)")
    before = azure.server.calls.to_json()["assets.StartPendingUpload"]
    command("twice-2", "print(1)")
    assert azure.server.calls.to_json()["assets.StartPendingUpload"] == before
