"""What the tests of the Azure adapter share: settings, data, specs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from az_service import GROUP, SUBSCRIPTION, WORKSPACE

from automl_bridge.budget import Budget
from automl_bridge.data.build import build_dataset, build_predict_dataset
from automl_bridge.spec import JobSpec, ModelRef
from automl_bridge.task import Task
from automl_bridge_azure import AzureBackend
from automl_bridge_azure.settings import AzureSettings

ENVIRONMENT = "azureml://registries/azureml/environments/ai-ml-automl/versions/10"


def settings(**changes: object) -> AzureSettings:
    values = {"subscription_id": SUBSCRIPTION, "resource_group": GROUP, "workspace": WORKSPACE, **changes}
    return AzureSettings(**values)


def make_backend(folder: Path, **changes: object) -> AzureBackend:
    return AzureBackend(settings(**changes), folder / "work")


def table(rows: int = 600, classes: tuple[object, ...] = ("no", "yes"), seed: int = 0):
    """Return rows of every kind of column, with awkward names, missing values, and a target that can be learned."""
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


def dataset(rows: int = 600, classes: tuple[object, ...] = ("no", "yes"), **options: object):
    """Return task and dataset of `table`."""
    return build_dataset(table(rows, classes), target="target", **options)


def texts(rows: int = 300):
    import pyarrow as pa

    words = ["a bright and happy day", "a dark and gloomy night"]
    held = pa.table({"said": [f"{words[i % 2]}\nnumber {i}" for i in range(rows)], "target": ["+", "-"] * (rows // 2)})
    return build_dataset(held, target="target", types={"said": "text"}, task="text-classification")


def images(count: int = 60):
    import numpy as np

    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 100, (count, 8, 8)).astype(np.uint8)
    pictures[::2] += 120
    return build_dataset(pictures, y=["light", "dark"] * (count // 2), task="image-classification")


def series(stores: int = 3, days: int = 60):
    import pyarrow as pa

    start = datetime(2024, 1, 1, tzinfo=UTC).replace(tzinfo=None)
    rows = [
        {
            "day": start + timedelta(days=day),
            "store": f"0{store}",
            "trend": float(day % 7),
            "price": 1.0 + day % 3,
            "sales": store + day + 3.0 * (day % 7),
        }
        for store in range(stores)
        for day in range(days)
    ]
    options = {"series": ("store",), "horizon": 7, "freq": "D", "known_future": ("price",)}
    rows = pa.Table.from_pylist(rows)
    return build_dataset(rows, target="sales", time="day", task="forecasting", forecast=options)


def train_spec(built, *, name: str = "ab-0123456789ab", task=Task.TABULAR_CLASSIFICATION, **changes) -> JobSpec:
    target = tuple(column.name for column in built.profile.columns if column.role == "target")
    values = {"metric": "roc_auc", "budget": Budget(max_time=3600), **changes}
    return JobSpec(name=name, task=task, target=target, profile=built.profile, **values)


def model_ref(**details: object) -> ModelRef:
    """Return a trained model as `collect` gives it."""
    run = "ab-0123456789ab_2"
    held = {"job": "ab-0123456789ab", "run": run, "environment": ENVIRONMENT, **details}
    return ModelRef(backend="azure", uri=f"azureml://jobs/{run}/outputs/artifacts/paths/outputs/mlflow-model/",
                    details=held)  # fmt: skip


def predict_spec(built, *, name: str = "ab-0123456789ab-h", rows=None, model=None, **changes) -> JobSpec:
    """Return the spec that asks a model of `built` about the rows of ``rows`` (its holdout where None)."""
    new = build_predict_dataset(built.parts["holdout"] if rows is None else rows, built.profile)
    values = {"kind": "predict", "profile": new.profile, "model": model or model_ref(), "budget": Budget()}
    return train_spec(built, name=name).model_copy(update={**values, **changes})
