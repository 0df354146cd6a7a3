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
        self.notes: tuple[str, ...] = () if data is None else data.notes
        self._blank = None if data is None else _without_picture(data, task)
        self._profile = profile
        self._data = data if data is not None and data.forecast is not None else None
        if self._data is not None:
            self.outputs = _in_order(outputs, self._data)

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

        Values of several targets are in ``prediction_<target>``. Where an image task has no picture, all is missing.
        A forecast has the columns of the series and of the
        time, ``prediction``, and one ``quantile_<level>`` a quantile.
        """
        import pyarrow as pa
        import pyarrow.compute as pc

        if self._data is not None:
            return _forecast_table(self.outputs, self._data)
        table = self._table()
        if self._blank is None:
            return table
        return pa.table(
            {
                name: pc.if_else(self._blank, pa.scalar(None, column.type), column)
                for name, column in zip(table.column_names, table.columns, strict=True)
            }
        )

    def _table(self) -> pa.Table:
        import pyarrow as pa

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


def _without_picture(data: Dataset, task: Task) -> pa.Array | None:
    """Return which rows have nothing to be predicted from, shape (rows,); None if there are no such rows."""
    if not task.value.startswith("image") or "predict" not in data.parts:
        return None
    column = data.features("predict").column(0)
    return column.is_null() if column.null_count else None


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
