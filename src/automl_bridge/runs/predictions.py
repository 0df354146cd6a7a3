"""Predictions: outputs of a model, with labels of the type they had in training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from automl_bridge.errors import BackendError

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from automl_bridge.data.dataset import Dataset
    from automl_bridge.spec import Profile
    from automl_bridge.task import Task

__all__ = ["Predictions"]


class Predictions:
    """What a model predicts, one row per input row, in order.

    Parameters
    ----------
    outputs
        Shape (rows, classes): probabilities in the order of ``profile.classes``; or (rows, targets): values.
    profile
        Of the data that the model was trained on.
    task
        What it learned.
    data
        What was predicted; a forecast needs it, to say of which series and step each row is.

    Raises
    ------
    BackendError
        If there are not as many outputs as classes, or as quantiles.
    """

    def __init__(self, outputs: NDArray[np.float64], profile: Profile, task: Task, data: Dataset | None = None) -> None:
        if task.is_classification and outputs.shape[1] != len(profile.classes):
            raise BackendError(f"there are {outputs.shape[1]} probabilities a row for {len(profile.classes)} classes")
        self.outputs = _summing_to_one(outputs) if task.is_classification else outputs
        self.task = task
        self.notes: tuple[str, ...] = ()
        self._profile = profile
        self._data = data if data is not None and data.forecast is not None else None
        if self._data is not None:
            self.outputs = _in_order(outputs, self._data)
            self.notes = self._data.notes

    def __len__(self) -> int:
        return len(self.outputs)

    @property
    def classes(self) -> NDArray[Any] | None:
        """The labels in the order of the columns of `outputs`; None unless a classification."""
        if not self.task.is_classification:
            return None
        from automl_bridge.data.labels import classes_array

        return classes_array(self._profile)

    def labels(self) -> NDArray[Any]:
        """Return the most probable label of each row, or its value: shape (rows,), or (rows, targets) of several.

        Of a forecast the point forecasts, shape (rows,).
        """
        if self.task.is_classification:
            from automl_bridge.data.labels import decode

            return decode(self.outputs.argmax(axis=1), self._profile)
        if self._data is not None or self.outputs.shape[1] == 1:
            return self.outputs[:, 0]
        return self.outputs

    def to_table(self) -> pa.Table:
        """Return the columns ``prediction`` and, of a classification, one ``probability_<class>`` a class.

        Values of several targets are in ``prediction_<target>``. A forecast has the columns of the series and of the
        time, ``prediction``, and one ``quantile_<level>`` a quantile.
        """
        import pyarrow as pa

        if self._data is not None:
            return _forecast_table(self.outputs, self._data)
        labels = self.labels()
        if self.task.is_classification:
            names = [f"probability_{label}" for label in self._profile.classes]
            values = [pa.array(self.outputs[:, column]) for column in range(len(names))]
            return pa.table([_labels(labels), *values], names=["prediction", *names])
        if labels.ndim == 1:
            return pa.table({"prediction": labels})
        from automl_bridge.spec import Role

        targets = [column.name for column in self._profile.with_role(Role.TARGET)]
        return pa.table([labels[:, column] for column in range(labels.shape[1])],
                        names=[f"prediction_{name}" for name in targets])  # fmt: skip


def _in_order(outputs: NDArray[np.float64], data: Dataset) -> NDArray[np.float64]:
    """Check the outputs of a forecast; quantiles that cross are put in order."""
    import numpy as np

    assert data.forecast is not None
    rows, levels = data.profile.rows["predict"], data.forecast.quantiles
    if outputs.shape not in {(rows, 1), (rows, 1 + len(levels))}:
        raise BackendError(f"there are forecasts of shape {outputs.shape} for {rows} rows and {len(levels)} quantiles")
    return np.concatenate([outputs[:, :1], np.sort(outputs[:, 1:], axis=1)], axis=1)


def _forecast_table(outputs: NDArray[np.float64], data: Dataset) -> pa.Table:
    import pyarrow as pa

    assert data.forecast is not None
    table = data.parts["predict"].select([*data.forecast.series, data.forecast.time])
    names = ["prediction", *(f"quantile_{level:g}" for level in data.forecast.quantiles)]
    for name, values in zip(names, outputs.T, strict=False):
        table = table.append_column(name if name not in table.column_names else f"{name}_", pa.array(values))
    return table


def _labels(labels: NDArray[Any]) -> Any:
    """Return labels as Arrow; objects of mixed types as text."""
    import pyarrow as pa

    try:
        return pa.array(labels, from_pandas=False)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError):
        return pa.array([str(label) for label in labels])


def _summing_to_one(outputs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Undo rounding: of float32, or of a service's file. scikit-learn warns of sums that are off by 1.5e-8."""
    import numpy as np

    sums = outputs.sum(axis=1, keepdims=True)
    off = np.abs(sums - 1).max(initial=0.0)
    return outputs / sums if 1e-9 < off < 1e-3 else outputs
