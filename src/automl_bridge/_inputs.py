"""What an estimator's caller may pass: scikit-learn's rules for arrays; everything else goes to `data`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from sklearn.utils import check_array, check_consistent_length, column_or_1d
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import assert_all_finite

from automl_bridge.data.image_arrays import is_image_arrays
from automl_bridge.data.image_folder import is_image_folder
from automl_bridge.errors import SchemaError, TargetError
from automl_bridge.task import Task

__all__ = ["Checked", "checked", "checked_for_predict", "checked_weights", "codes_of", "seed_of"]


class Checked(NamedTuple):
    """Features and target, and whether the columns have names of their own."""

    X: Any
    y: Any
    named: bool


def checked(X: Any, y: Any, target: Any, task: str | Task | None) -> Checked:
    """Check arrays as scikit-learn does; tables and files are checked where they are read.

    Raises
    ------
    TargetError
        If there is neither `y` nor `target`, or `y` holds what cannot be learned.
    SchemaError, ValueError
        If an array has not one row per sample and one column per feature.
    """
    if y is None and target is None and not is_image_folder(X):
        raise TargetError(
            "Estimator requires y to be passed, but the target y is None",
            hint='pass y, or name a column of X: fit(df, target="churn")',
        )
    if y is not None and not _has_columns(y):
        y = _checked_target(y, task)
    if isinstance(X, (str, Path)) or _has_columns(X):
        return Checked(X, y, named=_has_string_names(X))
    if is_image_arrays(X):
        return Checked(X, y, named=False)
    array = _checked_features(X)
    if y is not None:
        check_consistent_length(array, y)
    return Checked(array, y, named=False)


def checked_for_predict(X: Any, features: int, name: str) -> Any:
    """Check arrays to predict: as many columns as in training; tables are matched by name where they are read."""
    if isinstance(X, (str, Path)) or _has_columns(X) or is_image_arrays(X):
        return X
    array = _checked_features(X)
    width = 1 if getattr(array, "ndim", 1) == 1 else array.shape[1]
    if width != features:
        raise SchemaError(
            f"X has {width} features, but {name} is expecting {features} features as input",
            hint="pass the columns that it was trained with, in the same order, or a table with their names",
        )
    return array


def checked_weights(sample_weight: Any) -> Any:
    """Check that weights are one a row; their values are checked where they meet the data."""
    if sample_weight is None:
        return None
    weights = np.asarray(sample_weight)
    if weights.ndim != 1:
        raise SchemaError(
            f"sample_weight must be one number a row, shape (rows,); it has shape {weights.shape}",
            hint="pass sample_weight.ravel() if it is a column",
        )
    return weights


def codes_of(y: Any, classes: Any) -> Any:
    """Return the index of each label of `y` in `classes`, shape (rows,).

    Raises
    ------
    TargetError
        If a label was not seen in training: no score says how wrong a prediction of it is.
    """
    index = {label: code for code, label in enumerate(np.asarray(classes).tolist())}
    labels = np.asarray(y).reshape(-1).tolist()
    unknown = sorted({str(label) for label in labels if label not in index})
    if unknown:
        raise TargetError(
            f"{len(unknown)} labels of y were not seen in training: {', '.join(unknown[:5])}",
            hint=f"leave these rows out; the classes are {', '.join(map(str, index))}",
        )
    return np.asarray([index[label] for label in labels], dtype=np.int64)


def seed_of(random_state: Any) -> int | None:
    """Return a seed for ``random_state``: an int as it is, a RandomState's next draw, None for None."""
    if random_state is None or isinstance(random_state, (int, np.integer)):
        return None if random_state is None else int(random_state)
    return int(random_state.randint(2**31 - 1))


def _has_columns(data: Any) -> bool:
    if isinstance(data, Mapping) or (isinstance(data, list) and data and all(isinstance(row, Mapping) for row in data)):
        return True
    if getattr(getattr(data, "dtype", None), "names", None):
        return True  # an array of records
    return hasattr(data, "columns") or hasattr(data, "column_names") or hasattr(data, "__arrow_c_stream__")


def _has_string_names(data: Any) -> bool:
    if getattr(getattr(data, "dtype", None), "names", None):
        return True
    columns = data if isinstance(data, Mapping) else getattr(data, "columns", ())
    return isinstance(data, (str, Path)) or any(isinstance(name, str) for name in columns) or not len(columns)


def _checked_features(X: Any) -> Any:
    if isinstance(X, (list, tuple)) and X and all(value is None or isinstance(value, str) for value in X):
        return X  # texts, or paths of pictures: one column
    if isinstance(X, np.ndarray) and X.ndim == 1 and X.dtype.kind in "OUST":
        return X
    array = check_array(X, accept_sparse=True, dtype=None, ensure_all_finite=False)
    if array.dtype.kind in "US" and not isinstance(X, np.ndarray):
        return np.asarray(X, dtype=object)  # rows of mixed types: numpy would make text of the numbers
    return array


def _checked_target(y: Any, task: str | Task | None) -> Any:
    if getattr(y, "ndim", 1) == 2 and y.shape[1] > 1 and not (task and Task.parse(task).is_classification):
        several: Any = check_array(y, dtype=None)
        return several
    values = column_or_1d(y, warn=True)
    if values.dtype.kind == "f":
        assert_all_finite(values, input_name="y")
    elif values.dtype.kind == "c":
        raise TargetError("Complex data not supported: y holds complex numbers", hint="pass its real part")
    if task is not None and Task.parse(task).is_classification and values.dtype.kind == "f":
        check_classification_targets(values)
    return values
