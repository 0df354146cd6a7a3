"""The one scorer: every backend's predictions are scored here, by the same formulas, on the same rows.

``outputs`` are as in `Outcome.predictions`: the probabilities in the order of ``profile.classes``, or one value per
target. ``targets`` are codes into ``profile.classes``, or values. Scores keep their natural sign: an rmse is positive.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from automl_bridge.errors import BackendError, DataError, UnknownNameError, UsageError
from automl_bridge.metrics import METRICS, Metric, metric_names
from automl_bridge.scoring_intervals import Difference, Interval, difference, interval, resampled
from automl_bridge.scoring_statistics import EPSILON, STATISTICS, Statistic

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from automl_bridge.task import Task

__all__ = [
    "EPSILON",
    "Difference",
    "Interval",
    "all_scores",
    "confidence_interval",
    "paired_difference",
    "remarks",
    "resampled_scores",
    "score",
]

_SUM_TOLERANCE = 0.02  # services round probabilities to as few as 2 or 4 digits


def score(
    metric: str | Metric,
    outputs: ArrayLike,
    targets: ArrayLike,
    weights: ArrayLike | None = None,
    *,
    scale: float | None = None,
) -> float:
    """Score predictions by one metric.

    Parameters
    ----------
    metric
        A metric, or its name.
    outputs
        Shape (n, k): probabilities in the order of the classes, or (n, t): one value per target. (n,) is (n, 1).
    targets
        Codes of the classes, shape (n,), or values, shape (n,) or (n, t).
    weights
        Of the rows, shape (n,), not negative; None: all the same.
    scale
        For ``mase`` only: mean absolute error of the seasonal naive forecast on the training rows
        (Hyndman & Koehler, 2006, "Another look at measures of forecast accuracy").

    Returns
    -------
    float
        In the metric's natural sign. NaN where it is not defined: an output is not finite, there are no rows, or
        all rows have one class where the metric (``roc_auc``, ``recall``) needs two. Classes without a row are left
        out of means over classes; `remarks` says so.

    Raises
    ------
    BackendError
        If the predictions are of another number of rows or classes than the targets, or are no probabilities.
    DataError
        If the weights are negative or all zero.
    """
    rows = _Rows(metric, outputs, targets, weights, scale)
    if rows.undefined:
        return float("nan")
    return float(rows.statistic(rows.weights[None, :])[0])


def all_scores(
    task: Task,
    outputs: ArrayLike,
    targets: ArrayLike,
    weights: ArrayLike | None = None,
    *,
    scale: float | None = None,
) -> dict[str, float]:
    """Score by every metric that ``task`` has; the number of classes is that of the outputs. See `score`."""
    classes = np.atleast_2d(np.asarray(outputs)).shape[-1] if task.is_classification else 0
    # The quantile loss needs quantiles: `scoring_forecast` has it.
    metrics = (METRICS[name] for name in metric_names(task) if name in STATISTICS)
    return {
        metric.name: score(metric, outputs, targets, weights, scale=scale)
        for metric in metrics
        if not (metric.binary_only and classes > 2) and not (metric.name == "mase" and scale is None)
    }


def confidence_interval(
    metric: str | Metric,
    outputs: ArrayLike,
    targets: ArrayLike,
    weights: ArrayLike | None = None,
    *,
    level: float = 0.95,
    resamples: int = 1000,
    seed: int = 0,
    scale: float | None = None,
) -> Interval:
    """Score predictions, with a bootstrap confidence interval over the rows; see `scoring_intervals` for how.

    Parameters
    ----------
    level
        Coverage aimed at, in (0, 1).
    resamples, seed
        How many times the rows are drawn again, and the seed of the draws: the same seed, the same interval.
    """
    rows = _Rows(metric, outputs, targets, weights, scale)
    value = score(metric, outputs, targets, weights, scale=scale)
    if not np.isfinite(value):
        return Interval(metric=rows.metric.name, value=value, low=float("nan"), high=float("nan"), level=level)
    return interval(rows.metric.name, value, rows.build, rows.weights, level=level, resamples=resamples, seed=seed)


def paired_difference(
    metric: str | Metric,
    outputs_a: ArrayLike,
    outputs_b: ArrayLike,
    targets: ArrayLike,
    weights: ArrayLike | None = None,
    *,
    level: float = 0.95,
    resamples: int = 1000,
    seed: int = 0,
    scale: float | None = None,
) -> Difference:
    """Compare two models' predictions of the same rows: score of ``a`` minus score of ``b``, with its interval.

    Both are scored on the same resamples, so that rows which are hard for both do not blur the comparison.
    """
    a = _Rows(metric, outputs_a, targets, weights, scale)
    b = _Rows(metric, outputs_b, targets, weights, scale)
    value = score(metric, outputs_a, targets, weights, scale=scale) - score(
        metric, outputs_b, targets, weights, scale=scale
    )
    return difference(a.metric, value, (a.build, b.build), a.weights, level=level, resamples=resamples, seed=seed)


def resampled_scores(
    metric: str | Metric,
    outputs: Sequence[ArrayLike],
    targets: ArrayLike,
    weights: ArrayLike | None = None,
    *,
    resamples: int = 2000,
    seed: int = 0,
    scale: float | None = None,
    clusters: NDArray[np.int64] | None = None,
) -> tuple[NDArray[np.float64], float]:
    """Score several models' predictions of the same rows on the same bootstrap draws; see `scoring_intervals`.

    Parameters
    ----------
    outputs
        One for each model.
    metric, targets, weights, scale
        As in `score`.
    resamples, seed, clusters
        As in `scoring_intervals.resampled`.

    Returns
    -------
    tuple of array and float
        Scores, shape (models, draws), and by what their spread must be multiplied.
    """
    models = [_Rows(metric, one, targets, weights, scale) for one in outputs]
    return resampled(
        [model.build for model in models], models[0].weights, resamples=resamples, seed=seed, clusters=clusters
    )


def remarks(
    task: Task, targets: ArrayLike, classes: Sequence[object] = (), *, part: str = "holdout"
) -> tuple[str, ...]:
    """Say what the reader of the scores must know about the rows they come from; empty if there is nothing."""
    if not task.is_classification:
        zeros = int((np.asarray(targets) == 0).sum())
        return (f"{zeros} target values of the {part} are 0: mape divides by them and says little",) if zeros else ()
    absent = [label for code, label in enumerate(classes) if not (np.asarray(targets) == code).any()]
    if not absent:
        return ()
    named = ", ".join(f'"{label}"' for label in absent[:5]) + (", …" if len(absent) > 5 else "")
    rest = len(classes) - len(absent)
    if rest < 2:
        return (f"no row of {named} in the {part}: roc_auc is not defined on it",)
    return (f"no row of {named} in the {part}: means over the classes are over the other {rest}",)


class _Rows:
    """Predictions and targets of one metric, checked and in one form."""

    def __init__(
        self,
        metric: str | Metric,
        outputs: ArrayLike,
        targets: ArrayLike,
        weights: ArrayLike | None,
        scale: float | None,
    ) -> None:
        self.metric = _metric(metric)
        self.outputs = _table(outputs)
        rows = len(self.outputs)
        truth = np.asarray(targets)
        if len(truth) != rows:
            raise BackendError(f"there are {rows} predictions for {len(truth)} rows")
        self.weights = _weights(weights, rows)
        self.scale = _scale(self.metric, scale)
        self.undefined = rows == 0 or not np.isfinite(self.outputs).all()
        if self.metric.needs == "values":
            self.targets: NDArray[Any] = _table(truth)
            if self.targets.shape != self.outputs.shape:
                raise BackendError(f"predictions of shape {self.outputs.shape} for targets of {self.targets.shape}")
            self.undefined |= not np.isfinite(self.targets).all()
        else:
            self.targets = truth.astype(np.int64).reshape(-1)
            _check_probabilities(self.metric, self.outputs, self.targets, undefined=self.undefined)

    @property
    def statistic(self) -> Statistic:
        """The metric as a function of weights of all rows."""
        return self.build(slice(None))

    def build(self, chosen: slice | NDArray[np.int64]) -> Statistic:
        """Return the metric as a function of weights of the chosen rows."""
        formula = STATISTICS[self.metric.name](self.outputs[chosen], self.targets[chosen])
        return lambda weights: formula(weights) / self.scale


def _metric(metric: str | Metric) -> Metric:
    if isinstance(metric, Metric):
        return metric
    if metric not in METRICS:
        raise UnknownNameError.of("metric", metric, METRICS)
    return METRICS[metric]


def _table(values: ArrayLike) -> NDArray[np.float64]:
    array = np.asarray(values, dtype=np.float64)
    return array[:, None] if array.ndim == 1 else array


def _scale(metric: Metric, scale: float | None) -> float:
    if metric.name != "mase":
        return 1.0
    if scale is None or not scale > 0:
        hint = "give the mean absolute error of the seasonal naive forecast on the training rows"
        raise UsageError(f"mase needs a scale above 0, not {scale}", hint=hint)
    return scale


def _weights(weights: ArrayLike | None, rows: int) -> NDArray[np.float64]:
    if weights is None:
        return np.ones(rows)
    array = np.asarray(weights, dtype=np.float64).reshape(-1)
    if len(array) != rows:
        raise DataError(f"there are {len(array)} weights for {rows} rows")
    if rows and (not np.isfinite(array).all() or (array < 0).any() or not array.any()):
        raise DataError("weights must be finite, not negative, and not all zero", hint="look at the weight column")
    # Only their ratios count; a largest weight of 1 keeps sums in range.
    return array / (array.max(initial=1.0) or 1.0)


def _check_probabilities(
    metric: Metric, outputs: NDArray[np.float64], codes: NDArray[np.int64], *, undefined: bool
) -> None:
    k = outputs.shape[1]
    if len(codes) and (codes.min() < 0 or codes.max() >= k):
        raise BackendError(f"predictions have {k} classes, the target has at least {codes.max() + 1}")
    if k < 2 or (metric.binary_only and k != 2):
        raise BackendError(f"{metric.name} cannot be computed from predictions of {k} classes")
    if undefined:
        return
    wrong = (outputs < 0).any(axis=1) | (np.abs(outputs.sum(axis=1) - 1) > _SUM_TOLERANCE)
    if wrong.any():
        row = int(wrong.argmax())
        shown = ", ".join(f"{value:.6g}" for value in outputs[row, :6]) + (", …" if k > 6 else "")
        raise BackendError(f"predictions of row {row} are no probabilities: {shown}")
