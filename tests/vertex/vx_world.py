"""What the tests of the Vertex AI adapter share: settings, data, specs, and a bucket in memory."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa

from automl_bridge.budget import Budget
from automl_bridge.cloud.objects import Stored
from automl_bridge.data.build import build_dataset, build_predict_dataset
from automl_bridge.spec import JobSpec, ModelRef
from automl_bridge.task import Task
from automl_bridge_vertex import VertexBackend
from automl_bridge_vertex.settings import VertexSettings

BUCKET = "ab-test"
MODEL = "projects/proj/locations/us-central1/models/42"


def settings(**changes: object) -> VertexSettings:
    given = {"project": "proj", "location": "us-central1", "bucket": BUCKET, "settle": 0.05}
    return VertexSettings(**{**given, **changes})


def make_backend(folder: Path, **changes: object) -> VertexBackend:
    return VertexBackend(settings(**changes), folder / "work")


def table(rows: int = 2000, classes: tuple[object, ...] = ("no", "yes"), seed: int = 0):
    """Return rows of every kind of column, with awkward names, missing values, and a target that can be learned."""
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


def dataset(rows: int = 2000, classes: tuple[object, ...] = ("no", "yes"), **options: object):
    """Return task and dataset of `table`."""
    return build_dataset(table(rows, classes), target="target", **options)


def series(shops: int = 8, days: int = 200, **options: object):
    """Return the dataset of daily sales by shop and city, with one covariate known in advance and one not."""
    start = datetime(2024, 1, 1, tzinfo=UTC)
    day = np.arange(days)
    rows = {
        "the day": [start + timedelta(days=int(n)) for _ in range(shops) for n in day],
        "shop": [f"s|{n}" for n in range(shops) for _ in day],
        "city": [("Köln", "Bonn")[n % 2] for n in range(shops) for _ in day],
        "sale": [bool(n % 5 == 0) for _ in range(shops) for n in day],
        "rain": [float(n % 3) for _ in range(shops) for n in day],
        "target": np.concatenate([100 + 10 * n + 20 * np.sin(2 * np.pi * day / 7) for n in range(shops)]),
    }
    forecast = {"series": ("shop", "city"), "horizon": 14, "freq": "D", "known_future": ("sale",), **options}
    quantiles = forecast.pop("quantiles", (0.1, 0.5, 0.9))
    built = build_dataset(pa.table(rows), target="target", task=Task.FORECASTING, time="the day", forecast=forecast)[1]
    return replace(built, forecast=built.forecast.model_copy(update={"quantiles": quantiles}))


def picture(shade: int, seed: int = 0, form: str = "PNG") -> bytes:
    from PIL import Image

    noise = np.random.default_rng(seed).normal(shade, 10, (24, 24, 3))
    sink = io.BytesIO()
    Image.fromarray(np.clip(noise, 0, 255).astype(np.uint8)).save(sink, form)
    return sink.getvalue()


def pictures(each: int = 30):
    """Return the dataset of dark and light pictures."""
    shades = {"dark": 60, "light": 190}
    labels = [label for label in shades for _ in range(each)]
    images = [picture(shades[label], n, ("PNG", "JPEG")[n % 2]) for n, label in enumerate(labels)]
    rows = pa.table({"picture": pa.array(images, pa.large_binary()), "target": labels})
    return build_dataset(rows, target="target", task=Task.IMAGE_CLASSIFICATION, types={"picture": "image"})[1]


def train_spec(built, *, name: str = "ab-0123456789ab", task=Task.TABULAR_CLASSIFICATION, **changes) -> JobSpec:
    values = {"metric": "roc_auc", "budget": Budget(), "forecast": getattr(built, "forecast", None), **changes}
    return JobSpec(name=name, task=task, target=("target",), profile=built.profile, **values)


def model_ref(**details: object) -> ModelRef:
    """Return a trained model as `collect` gives it."""
    held = {"job": "ab-0123456789ab", "model": MODEL, "location": "us-central1", "output_formats": ["jsonl", "csv"]}
    return ModelRef(backend="vertex", uri=f"vertex://{MODEL}", details={**held, **details})


def predict_spec(built, *, name: str = "ab-0123456789ab-h", rows=None, details=None, new=None, **changes) -> JobSpec:
    """Return the spec that asks a model of `built` about the rows of ``rows`` (its holdout where None)."""
    new = new or build_predict_dataset(built.parts["holdout"] if rows is None else rows, built.profile)
    values = {"kind": "predict", "profile": new.profile, "model": model_ref(**(details or {})), "budget": Budget()}
    return train_spec(built, name=name).model_copy(update={**values, **changes})


class Bucket:
    """A bucket in memory, with what staging asks of one."""

    def __init__(self) -> None:
        self.held: dict[str, bytes] = {}
        self.at: dict[str, datetime] = {}

    def check_region(self) -> None:
        """Be where the jobs are."""

    def create(self, place, name, body, _content_type) -> bool:
        key = place.file(name)
        if key in self.held:
            return False
        self.held[key], self.at[key] = body, datetime.now(UTC)
        return True

    def read(self, place, name=""):
        return self.held.get(place.file(name))

    def read_json(self, place, name):
        import json

        found = self.read(place, name)
        return None if found is None else json.loads(found)

    def listed(self, place):
        for key in sorted(self.held):
            if key.startswith(place.key):
                yield Stored(key, len(self.held[key]), self.at[key])

    def delete_under(self, place) -> None:
        for key in [key for key in self.held if key.startswith(place.key)]:
            del self.held[key]
