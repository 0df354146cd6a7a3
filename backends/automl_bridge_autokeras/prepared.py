"""A job's data, ready for a search: encoded, with what scores it. No TensorFlow, so that it is there in no time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from automl_bridge.errors import DataError
from automl_bridge.metrics import METRICS, Metric
from automl_bridge.scoring import score
from automl_bridge_autokeras.guard import GUARD_ROWS, LinearGuard, in_parts
from automl_bridge_autokeras.inputs import fit_inputs
from automl_bridge_autokeras.judging import Arrays, Judge
from automl_bridge_autokeras.model_io import TargetScale

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from automl_bridge.data.dataset import Dataset
    from automl_bridge.spec import JobSpec
    from automl_bridge_autokeras.inputs import Inputs
    from automl_bridge_autokeras.settings import AutoKerasSettings

__all__ = ["LOSS", "Part", "Prepared", "comparison"]

LOSS = Metric("val_loss", False, "values", "validation loss")
"""What trials are compared by where it cannot be the metric: cross-entropy, or the root of the mean squared error."""


@dataclass(frozen=True)
class Part:
    """One part of the data: the model's arrays, and the target as it is scored."""

    arrays: Arrays
    target: NDArray[Any]

    def take(self, rows: NDArray[np.int64]) -> Part:
        """Return some of the rows."""
        weights = None if self.arrays.weights is None else self.arrays.weights[rows]
        inputs = tuple(array[rows] for array in self.arrays.inputs)
        return Part(Arrays(inputs, self.arrays.target[rows], weights), self.target[rows])


@dataclass(frozen=True)
class Prepared:
    """Everything that is fitted before the search, and the encoded rows.

    Parameters
    ----------
    inputs, scale
        From columns to arrays, and from targets to standardised values (None for classes).
    train, validation
        Encoded rows.
    metric
        What trials are compared by.
    judge
        The same for a training.
    classes
        Number of classes, 0 for values.
    """

    inputs: Inputs
    scale: TargetScale | None
    train: Part
    validation: Part
    metric: Metric
    judge: Judge
    classes: int

    @classmethod
    def of(cls, dataset: Dataset, spec: JobSpec, settings: AutoKerasSettings, objective: str) -> Prepared:
        """Fit to the training rows and encode.

        Parameters
        ----------
        dataset, spec, settings
            What is asked.
        objective
            What trials are compared by: the name of a metric, or ``val_loss``.

        Raises
        ------
        DataError
            If there are too few rows to learn from some and score by others.
        """
        if spec.forecast is not None:
            from automl_bridge_autokeras.prepared_forecast import prepare_forecast

            return prepare_forecast(dataset, spec, objective)
        inputs = fit_inputs(dataset, spec, settings)
        classes = len(spec.profile.classes) if spec.task.is_classification else 0
        scale = None if classes else TargetScale.fit(dataset.target_values("train"), dataset.weights("train"))
        train = _encode(dataset, "train", inputs, scale)
        if "validation" in dataset.parts:
            validation = _encode(dataset, "validation", inputs, scale)
        else:
            train, validation = _cut(train, spec.seed)
        metric = METRICS.get(objective, LOSS)
        evaluate = _evaluation({spec.metric, metric.name} - {LOSS.name}, validation, scale)
        if metric is not LOSS and not _is_defined(spec, metric, evaluate, validation, classes):
            metric = LOSS
        judge = Judge(evaluate, comparison(metric))
        return cls(inputs, scale, train, validation, metric, judge, classes)

    def guard(self) -> tuple[LinearGuard, dict[str, float]]:
        """Fit the linear model that is there before the first network; returns it with its scores."""
        arrays = self.train.arrays
        few = slice(None, None, max(1, arrays.rows // GUARD_ROWS))
        guard = LinearGuard.fit(
            self.inputs.linear([array[few] for array in arrays.inputs]),
            arrays.target[few],
            classes=self.classes,
            levels=self.inputs.levels,
            weights=None if arrays.weights is None else arrays.weights[few],
        )
        return guard, self.judge.evaluate(in_parts(guard, self.inputs.linear, self.validation.arrays.inputs))

    def finished(self, inputs: Inputs, model: Any) -> Inputs:  # noqa: ARG002 - forecasts look at the model
        """Return what goes into the bundle of a model: ``inputs``, or what is known of them now that it has learned."""
        return inputs

    def fed(self, inputs: Inputs, choose: Callable[[Sequence[NDArray[Any]]], Sequence[NDArray[Any]]]) -> Self:
        """Return the same rows as ``inputs`` encodes them; ``choose`` makes its arrays of ours."""
        train, validation = (
            replace(part, arrays=replace(part.arrays, inputs=tuple(choose(part.arrays.inputs))))
            for part in (self.train, self.validation)
        )
        return replace(self, inputs=inputs, train=train, validation=validation)


def _encode(dataset: Dataset, name: str, inputs: Inputs, scale: TargetScale | None) -> Part:
    if scale is None:
        target: NDArray[Any] = dataset.target_codes(name)
        wanted: NDArray[Any] = target.astype(np.int32)[:, None]
    else:
        target = dataset.target_values(name)
        wanted = scale.down(target)
    return Part(Arrays(inputs.transform(dataset.features(name)), wanted, dataset.weights(name)), target)


def _cut(train: Part, seed: int) -> tuple[Part, Part]:
    """Take a fifth of the training rows to score trials by, where the data came without a validation part."""
    rows = len(train.target)
    if rows < 2:
        raise DataError(
            f"a search needs rows to learn from and others to score by; there are {rows}", hint="give it more rows"
        )
    order = np.random.default_rng(seed).permutation(rows)
    cut = max(1, rows // 5)
    return train.take(np.sort(order[cut:])), train.take(np.sort(order[:cut]))


def _evaluation(names: set[str], part: Part, scale: TargetScale | None) -> Any:
    # A function of the module, so that worker processes can be sent it.
    return partial(_evaluate, tuple(sorted(names)), part, scale)


def _evaluate(
    names: tuple[str, ...], part: Part, scale: TargetScale | None, outputs: NDArray[np.float64]
) -> dict[str, float]:
    loss = "log_loss" if scale is None else "rmse"
    values = outputs if scale is None else scale.up(outputs)
    scores = {name: score(name, values, part.target, part.arrays.weights) for name in names}
    known = scores.get(loss)
    scores[LOSS.name] = score(loss, values, part.target, part.arrays.weights) if known is None else known
    return scores


def _is_defined(spec: JobSpec, metric: Metric, evaluate: Any, part: Part, classes: int) -> bool:
    """Whether the metric has a value on the validation rows; roc_auc has none if all are of one class."""
    outputs = classes or len(spec.target)
    even = np.full((len(part.target), outputs), 1 / outputs if classes else 0.0)
    return bool(np.isfinite(evaluate(even)[metric.name]))


def comparison(metric: Metric) -> Any:
    """Return the function that says whether scores are better than others: by the metric, then by the loss."""
    return partial(_better, metric)


def _better(metric: Metric, left: dict[str, float], right: dict[str, float]) -> bool:
    if left[metric.name] != right[metric.name]:
        return metric.better(left[metric.name], right[metric.name])
    return left["val_loss"] < right["val_loss"]  # labels alone often tie
