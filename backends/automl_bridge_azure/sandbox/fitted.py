"""Trained models as a script of a job gets them: pandas in, numpy out, methods named as AutoML's own.

Sources: azureml-training-tabular (``predict``, ``predict_proba``, ``forecast``, ``forecast_quantiles``),
azureml-automl-dnn-nlp (``predict``, ``predict_proba``), azureml-automl-dnn-vision (a frame with ``image`` in, one
with ``probs`` and ``labels`` out), all 1.62. A model pickles as the files that the trainers wrote: as the service
does, ``model.pkl`` holds it, and only a job's own process opens it.
"""

from __future__ import annotations

import base64
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from automl_bridge.sandbox.trainers import SeriesModel, load_model
from automl_bridge.sandbox.trainers.encode import as_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from numpy.typing import NDArray

__all__ = ["Classes", "FittedForecaster", "FittedImages", "FittedTable", "FittedTexts"]

Files = dict[str, bytes]


class Classes:
    """Labels as the data spelled them, and as what they are: text, numbers or truth values, ascending."""

    def __init__(self, labels: Sequence[str], kind: str) -> None:
        make: Any = {"int": int, "float": float, "boolean": lambda text: text.lower() == "true"}.get(kind, str)
        values = [make(label) for label in labels]
        self.order = sorted(range(len(values)), key=lambda place: values[place])
        self.values = [values[place] for place in self.order]


class _Fitted:
    """Models with weights that vote."""

    def __init__(self, members: Sequence[Files], weights: Sequence[float], labels: Sequence[str], kind: str) -> None:
        self.members = list(members)
        self.weights = [weight / sum(weights) for weight in weights]
        self.labels = list(labels)
        self.kind = kind

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_models"}

    @cached_property
    def _models(self) -> list[Any]:
        return [load_model(files) for files in self.members]

    @property
    def classes_(self) -> NDArray[Any]:
        """The classes in the order of the probabilities."""
        return np.array(Classes(self.labels, self.kind).values)

    def _outputs(self, rows: Any) -> NDArray[np.float64]:
        parts = [weight * model.predict(rows) for weight, model in zip(self.weights, self._models, strict=True)]
        return np.asarray(np.sum(parts, axis=0), dtype=np.float64)

    def _chances(self, rows: Any) -> NDArray[np.float64]:
        places = [self._models[0].labels.index(label) for label in self.labels]
        return self._outputs(rows)[:, places][:, Classes(self.labels, self.kind).order]


class FittedTable(_Fitted):
    """A classifier or regressor of tables."""

    def _rows(self, frame: pd.DataFrame) -> Mapping[str, list[str]]:
        missing = [name for name in self._models[0].columns if name not in frame.columns]
        if missing:
            raise ValueError(f"the data lacks the columns {missing}")
        return {name: as_text(_plain(frame[name])) for name in self._models[0].columns}

    def predict(self, frame: pd.DataFrame) -> NDArray[Any]:
        """Return a class or a value for each row."""
        if not self.labels:
            return self._outputs(self._rows(frame))
        return np.asarray(self.classes_[self._chances(self._rows(frame)).argmax(axis=1)])

    def predict_proba(self, frame: pd.DataFrame) -> Any:
        """Return probabilities of shape (rows, classes), in the order of `classes_`.

        A frame with a column a class, as a pipeline that encodes its labels answers; an array where the labels
        are whole numbers none of which is negative, which need no encoding (azureml-automl-runtime,
        data_transformation).
        """
        import pandas as pd

        if not self.labels:
            raise AttributeError("a regression has no probabilities")
        chances = self._chances(self._rows(frame))
        plain = self.kind == "int" and self.classes_.min() >= 0
        return chances if plain else pd.DataFrame(chances, columns=self.classes_)


class FittedTexts(_Fitted):
    """A classifier of texts: all columns of a row are read as one text."""

    def predict(self, frame: pd.DataFrame) -> list[Any]:
        """Return a class for each row."""
        return [self.classes_[place] for place in self.predict_proba(frame).argmax(axis=1)]

    def predict_proba(self, frame: pd.DataFrame) -> NDArray[np.float64]:
        """Return probabilities of shape (rows, classes), in the order of `classes_`."""
        columns = [as_text(_plain(frame[name])) for name in frame.columns]
        return self._chances([" ".join(cells) for cells in zip(*columns, strict=True)])


class FittedImages(_Fitted):
    """A classifier of images: bytes, or base64, in the column ``image``."""

    def predict(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return a frame with ``probs`` and ``labels``, a list each a row."""
        import pandas as pd

        images = [one if isinstance(one, bytes) else base64.b64decode(one) for one in frame["image"]]
        chances = self._chances(images)
        names = [str(one) for one in self.classes_]
        return pd.DataFrame({"probs": chances.tolist(), "labels": [names] * len(images)})


class FittedForecaster:
    """Forecasts from the end of what it was trained on, or from a context that comes with the rows."""

    def __init__(
        self, files: Files, columns: Mapping[str, Any], history: Mapping[tuple[str, ...], list[float]]
    ) -> None:
        self.files = files
        self.time_column_name = str(columns["time"])
        self.keys = list(columns["keys"])
        self.target = str(columns["target"])
        self.history = dict(history)
        self.quantiles = [0.5]

    def _forecasts(self, frame: pd.DataFrame, y_pred: Any, levels: Sequence[float]) -> NDArray[np.float64]:
        model = load_model(self.files)
        assert isinstance(model, SeriesModel)
        known = np.full(len(frame), np.nan)
        if y_pred is not None:
            known = np.asarray(y_pred, dtype=np.float64).reshape(-1)
        elif self.target in frame.columns:
            known = np.asarray(frame[self.target], dtype=np.float64)
        found = np.full((len(frame), 1 + len(levels)), np.nan)
        for key, rows in self._series(frame).items():
            seen = [place for place in rows if np.isfinite(known[place])]
            ahead = [place for place in rows if not np.isfinite(known[place])]
            found[seen] = known[seen][:, None]
            past = known[seen] if seen else np.asarray(self.history.get(key, []), dtype=np.float64)
            if not len(past):
                raise ValueError(f"the series {key} was not in the training data and comes without a context")
            model.horizon = len(ahead)
            if ahead:
                found[ahead] = model.forecast(past, levels)
        return found

    def _series(self, frame: pd.DataFrame) -> dict[tuple[str, ...], list[int]]:
        import pandas as pd

        stamps = pd.to_datetime(frame[self.time_column_name])
        keys = [as_text(_plain(frame[name])) for name in self.keys]
        groups: dict[tuple[str, ...], list[int]] = {}
        for place in np.argsort(np.asarray(stamps), kind="stable"):
            groups.setdefault(tuple(column[place] for column in keys), []).append(int(place))
        return groups

    def forecast(
        self, X_pred: pd.DataFrame, y_pred: Any = None, forecast_destination: Any = None,
        ignore_data_errors: bool = False,  # noqa: FBT001, FBT002 (named as AutoML does)
    ) -> tuple[NDArray[np.float64], pd.DataFrame]:  # fmt: skip
        """Return a value for each row, and a frame with them, both in the order of the rows."""
        del ignore_data_errors
        self._check(X_pred, y_pred, forecast_destination)
        values = self._forecasts(X_pred, y_pred, [])[:, 0]
        shown = self._named(X_pred).assign(_automl_target_col=values)
        return values, shown.set_index([self.time_column_name, *self.keys])

    def forecast_quantiles(
        self, X_pred: pd.DataFrame, y_pred: Any = None, quantiles: float | list[float] | None = None,
        forecast_destination: Any = None,
        ignore_data_errors: bool = False,  # noqa: FBT001, FBT002 (named as AutoML does)
    ) -> pd.DataFrame:  # fmt: skip
        """Return a frame with the time, the series and a column each of the quantiles, in the order of the rows."""
        del ignore_data_errors
        self._check(X_pred, y_pred, forecast_destination)
        levels = quantiles or self.quantiles
        levels = levels if isinstance(levels, list) else [levels]
        if not all(0 < level < 1 for level in levels):
            raise ValueError(f"quantiles lie between 0 and 1, not {levels}")
        found, shown = self._forecasts(X_pred, y_pred, levels), self._named(X_pred)
        for place, level in enumerate(levels):
            shown[level] = found[:, 1 + place]
        return shown

    @staticmethod
    def _check(frame: Any, known: Any, destination: Any) -> None:
        import pandas as pd

        if not isinstance(frame, pd.DataFrame):
            raise TypeError(f"X_pred is to be a pandas.DataFrame, not {type(frame)}")
        if known is not None and not isinstance(known, np.ndarray | pd.DataFrame):
            raise TypeError(f"y_pred is to be a numpy.array or a pandas.DataFrame, not {type(known)}")
        if destination is not None:
            raise ValueError("X_pred and forecast_destination are not to be given both")

    def _named(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return time and series of the rows."""
        import pandas as pd

        shown = frame[[self.time_column_name, *self.keys]].reset_index(drop=True)
        shown[self.time_column_name] = pd.to_datetime(shown[self.time_column_name])
        return shown

    def predict(self, frame: pd.DataFrame) -> NDArray[np.float64]:
        """Return a value for each row."""
        return self.forecast(frame)[0]


def _plain(column: Any) -> list[Any]:
    """Return a column's values with None for what is missing, and whole numbers that pandas made floats as whole."""
    return [None if value is None or value != value else value for value in column.tolist()]  # noqa: PLR0124 (NaN)
