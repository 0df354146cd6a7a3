"""What the tests of the SageMaker adapter share: settings, data, specs."""

from __future__ import annotations

from pathlib import Path

from automl_bridge.budget import Budget
from automl_bridge.data.build import build_dataset, build_predict_dataset
from automl_bridge.spec import JobSpec, ModelRef
from automl_bridge.task import Task
from automl_bridge_sagemaker import SageMakerBackend
from automl_bridge_sagemaker.settings import SageMakerSettings

ROLE = "arn:aws:iam::123456789012:role/automl-bridge"
BUCKET = "ab-test"


def settings(**changes: object) -> SageMakerSettings:
    return SageMakerSettings(**{"region": "us-east-1", "bucket": BUCKET, "role_arn": ROLE, **changes})


def make_backend(folder: Path, **changes: object) -> SageMakerBackend:
    return SageMakerBackend(settings(**changes), folder / "work")


def table(rows: int = 1200, classes: tuple[object, ...] = ("no", "yes"), seed: int = 0):
    """Return rows of every kind of column, with awkward names, missing values, and a target that can be learned."""
    from datetime import UTC, datetime, timedelta

    import numpy as np
    import pyarrow as pa

    rng = np.random.default_rng(seed)
    x = rng.normal(size=rows)
    levels = np.array(["NA", "01", 'a,"b"', "x\ny"])
    start = datetime(2024, 2, 28, 23, 59, 58, tzinfo=UTC)
    target = [classes[int(v)] for v in np.clip((x + 2) / 4 * len(classes), 0, len(classes) - 1)]
    return pa.table(
        {
            "größe [cm]": pa.array(x),
            "count": pa.array(rng.integers(0, 9, rows), mask=rng.random(rows) < 0.1),
            "flag": pa.array(rng.random(rows) < 0.5),
            "level": pa.array(levels[rng.integers(0, 4, rows)], mask=rng.random(rows) < 0.1),
            "when": pa.array([start + timedelta(hours=int(h)) for h in rng.integers(0, 99999, rows)]),
            "target": pa.array(target),
        }
    )


def dataset(rows: int = 1200, classes: tuple[object, ...] = ("no", "yes"), **options: object):
    """Return task and dataset of `table`."""
    return build_dataset(table(rows, classes), target="target", **options)


def train_spec(built, *, name: str = "ab-0123456789ab", task=Task.TABULAR_CLASSIFICATION, **changes) -> JobSpec:
    values = {"metric": "roc_auc", "budget": Budget(max_time=3600), **changes}
    return JobSpec(name=name, task=task, target=("target",), profile=built.profile, **values)


def model_ref(containers: int = 1) -> ModelRef:
    """Return a trained model as `collect` gives it: one container (ensembling) or three (hyperparameter tuning)."""
    supported = {"SAGEMAKER_INFERENCE_SUPPORTED": "predicted_label,probability,probabilities,labels"}
    algorithm = {"SAGEMAKER_INFERENCE_SUPPORTED": "predicted_label,probability,probabilities"}
    environments = [supported] if containers == 1 else [{}, algorithm, supported][:containers]
    described = [
        {"Image": f"123.dkr.ecr/image-{n}:1", "ModelDataUrl": f"s3://{BUCKET}/m{n}/model.tar.gz", "Environment": env}
        for n, env in enumerate(environments)
    ]
    details = {"job": "ab-0123456789ab", "region": "us-east-1", "candidate": "best", "containers": described}
    return ModelRef(backend="sagemaker", uri="sagemaker://us-east-1/ab-0123456789ab/best", details=details)


def predict_spec(built, *, containers: int = 1, name: str = "ab-0123456789ab-h", rows=None, **changes) -> JobSpec:
    """Return the spec that asks a model of `built` about the rows of ``rows`` (its holdout where None)."""
    new = build_predict_dataset(built.parts["holdout"] if rows is None else rows, built.profile)
    values = {"kind": "predict", "profile": new.profile, "model": model_ref(containers), "budget": Budget()}
    return train_spec(built, name=name).model_copy(update={**values, **changes})
