"""A forecasting job's data, ready for a search: origins to learn from, origins to score by. No TensorFlow."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from automl_bridge.data.series import Panel
from automl_bridge.data.series_arrays import SeriesReader
from automl_bridge.data.series_context import validation_question
from automl_bridge.data.series_windows import Shape
from automl_bridge.errors import DataError
from automl_bridge.metrics import METRICS
from automl_bridge.scoring_forecast import ForecastScorer, scales_of
from automl_bridge_autokeras import ensemble
from automl_bridge_autokeras.guard import LinearGuard
from automl_bridge_autokeras.inputs_custom import CustomForecastInputs
from automl_bridge_autokeras.inputs_forecast import ForecastInputs, Origins
from automl_bridge_autokeras.judging import Arrays, Judge
from automl_bridge_autokeras.prepared import LOSS, Part, Prepared, comparison

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from automl_bridge.data.dataset import Dataset
    from automl_bridge.data.series_arrays import SeriesArrays
    from automl_bridge.spec import JobSpec
    from automl_bridge_autokeras.inputs import Inputs

__all__ = ["ForecastPrepared", "prepare_forecast"]

_MOST_ORIGINS = 40_000
_LEAST_SERIES = 10
"""Series whose validation rows tell models apart; of fewer, the origins before them are scored too."""
_MOST_SET_ASIDE = 0.2  # of the training steps


@dataclass(frozen=True)
class ForecastPrepared(Prepared):
    """`Prepared` of a forecast: rows are origins, and outputs are scaled steps.

    Parameters
    ----------
    scored
        The origins to score by.
    """

    scored: Scored

    def finished(self, inputs: Inputs, model: Any) -> Inputs:
        """Shift the quantiles so that they cover what they should on the validation rows.

        Conformalised quantile regression (Romano, Patterson & Candès, NeurIPS 2019, arXiv:1905.03222), each quantile
        for itself, errors in spreads of the window, pooled over series and steps.
        """
        if isinstance(inputs, CustomForecastInputs):
            fed = self.fed(inputs, inputs.choose)
            return replace(inputs, base=fed.shifted(inputs.base, model))
        return self.shifted(inputs, model) if isinstance(inputs, ForecastInputs) else inputs

    def shifted(self, inputs: ForecastInputs, model: Any) -> ForecastInputs:
        """Return ``inputs`` with shifts for the quantiles of ``model``, which is asked the validation rows as fed."""
        if not inputs.quantiles:
            return inputs
        outputs = self._outputs(inputs, model)
        rows = self.scored.rows
        scaled = outputs.reshape(len(outputs), -1, inputs.shape.horizon)[:, 1:]
        truth = (self.scored.scorer.values.reshape(-1, inputs.shape.horizon) - rows.base) / rows.spread
        levels = inputs.reader.forecast.quantiles
        shifts = [float(np.quantile(truth - scaled[:, each], level)) for each, level in enumerate(levels)]
        return replace(inputs, shifts=np.asarray(shifts))

    def _outputs(self, inputs: ForecastInputs, model: Any) -> NDArray[np.float64]:
        """Return what a model, or the file of one, answers for the validation rows."""
        arrays = self.validation.arrays.inputs
        if isinstance(model, LinearGuard):
            return model.predict(inputs.linear(arrays))
        if isinstance(model, Path):
            kept = model.parent / ensemble.OUTPUTS
            if kept.exists():
                return np.asarray(np.load(kept, allow_pickle=False), np.float64)
        from automl_bridge_autokeras.forward import Forward
        from automl_bridge_autokeras.model_io import open_keras

        return Forward(open_keras(model) if isinstance(model, Path) else model)(arrays)

    def guard(self) -> tuple[LinearGuard, dict[str, float]]:
        """Return a linear model of all that a network reads, or the linear forecast alone if that scores better.

        Quantiles are those of its own errors.
        """
        assert isinstance(self.inputs, ForecastInputs)
        fitted = LinearGuard.fit(self.inputs.linear(self.train.arrays.inputs), self.train.arrays.target)
        both = (self._with_quantiles(point) for point in (fitted, self._alone()))
        scored = [(guard, self.judge.evaluate(guard.predict(self._asked))) for guard in both]
        return scored[1] if self.judge.better(scored[1][1], scored[0][1]) else scored[0]

    def _alone(self) -> LinearGuard:
        """Return the linear forecast as it is, or the base where there is none."""
        assert isinstance(self.inputs, ForecastInputs)
        horizon = self.inputs.shape.horizon
        width = sum(array.shape[1] for array in self.inputs.linear(self.train.arrays.inputs))
        weights = np.vstack([np.eye(horizon) * (self.inputs.ridge is not None), np.zeros((1, horizon))])
        return LinearGuard(False, np.zeros((0, horizon)), np.arange(width - horizon, width), weights)

    @property
    def _asked(self) -> tuple[NDArray[Any], ...]:
        """What a linear model reads of the validation rows."""
        return self.inputs.linear(self.validation.arrays.inputs)

    def _with_quantiles(self, point: LinearGuard) -> LinearGuard:
        assert isinstance(self.inputs, ForecastInputs)
        errors = self.train.arrays.target - point.predict(self.inputs.linear(self.train.arrays.inputs))
        levels = self.inputs.reader.forecast.quantiles
        shifts = [np.quantile(errors, level, axis=0) for level in levels]
        weights = np.hstack([point.weights] * (1 + len(shifts)))
        weights[-1] += np.concatenate([np.zeros(errors.shape[1]), *shifts])
        return replace(point, weights=weights, means=np.zeros((0, weights.shape[1])))


def prepare_forecast(dataset: Dataset, spec: JobSpec, objective: str) -> ForecastPrepared:
    """Fit to the training rows and encode; see `Prepared.of`."""
    assert spec.forecast is not None
    reader = SeriesReader.fit(dataset.parts["train"], spec.profile, spec.forecast)
    series = reader.read(dataset.parts["train"])
    shape = Shape.of(spec.forecast.horizon, spec.forecast.season, np.diff(series.starts))
    judges, learned = _judges(dataset, series, shape)
    learned = _some(learned, spec.seed)
    inputs = ForecastInputs.fit(reader, shape, series, learned, spec.seed)
    scored = Scored.of(dataset, inputs, series, judges)
    rows = inputs.training(series, learned, spec.seed)
    goal = series.values[series.ahead(learned, shape.horizon)]
    train = Part(Arrays(rows.arrays, rows.down(goal)), goal)
    wanted = scored.rows.down(scored.scorer.values.reshape(-1, shape.horizon))
    validation = Part(Arrays(scored.rows.arrays, wanted), scored.scorer.values)
    evaluate = _evaluation({spec.metric, objective} & set(METRICS), scored, wanted)
    metric = METRICS.get(objective, LOSS)
    flat = np.zeros((len(wanted), shape.horizon * (1 + inputs.quantiles)))
    if metric is not LOSS and not np.isfinite(evaluate(flat)[metric.name]):
        metric = LOSS
    judge = Judge(evaluate, comparison(metric))
    return ForecastPrepared(inputs, None, train, validation, metric, judge, 0, scored)


@dataclass(frozen=True)
class Scored:
    """Origins to score by, and their scorer."""

    rows: Origins
    scorer: ForecastScorer

    @classmethod
    def of(cls, dataset: Dataset, inputs: ForecastInputs, series: SeriesArrays, judges: NDArray[np.int64]) -> Scored:
        """Put the origins of the validation part and those of the training part that are set aside together."""
        own = cls(inputs.origins(series, judges), _scorer(dataset, inputs, series, judges))
        if "validation" not in dataset.parts:
            return own
        asked = inputs.reader.read(validation_question(dataset))
        rows = inputs.origins(asked, asked.asked(inputs.shape.horizon))
        scorer = ForecastScorer.of(dataset, "validation")
        if not len(judges):
            return cls(rows, scorer)
        return cls(_both(rows, own.rows), _joined(scorer, own.scorer))


def _judges(dataset: Dataset, series: SeriesArrays, shape: Shape) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return origins of the training part to score by, and those to learn from.

    Raises
    ------
    DataError
        If there are none to learn from.
    """
    origins = series.origins(shape.horizon, min(shape.length, max(shape.season, 2)))
    if len(origins) < 2:
        origins = series.origins(shape.horizon, 1)
    if len(origins) < 2:
        raise DataError(
            f"no series has steps to learn from before the {shape.horizon} to forecast",
            hint="forecast fewer steps, or give longer series",
        )
    left = series.starts[1:][series.codes[origins]] - origins
    if "validation" not in dataset.parts:
        judges, learned = _apart(origins, left, shape.horizon, 1)
        # Too few to part with: scored by what was learned from, which is better than by nothing.
        return (judges, learned) if len(judges) else (origins[left < left.min() + shape.horizon], origins)
    count = dataset.profile.rows["validation"] // shape.horizon
    usual = int(np.median(np.diff(series.starts)))
    windows = min(-(-_LEAST_SERIES // count) - 1, int(_MOST_SET_ASIDE * usual / shape.horizon))
    return _apart(origins, left, shape.horizon, windows)


def _apart(
    origins: NDArray[np.int64], left: NDArray[np.int64], horizon: int, windows: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the last origins of each series, a horizon apart, and those whose future lies before all of them."""
    if windows < 1:
        return origins[:0], origins
    judges = origins[(left % horizon == 0) & (left <= windows * horizon)]
    learned = origins[left >= (windows + 1) * horizon]
    return (judges, learned) if len(judges) and len(learned) >= 2 else (origins[:0], origins)


def _scorer(
    dataset: Dataset, inputs: ForecastInputs, series: SeriesArrays, judges: NDArray[np.int64]
) -> ForecastScorer:
    horizon, season = inputs.shape.horizon, inputs.shape.season
    panel = Panel(dataset.parts["train"], series.starts, series.values)
    rows = series.ahead(judges, horizon).reshape(-1)
    scales, unused = scales_of(panel, season), np.zeros(len(rows))
    quantiles = inputs.reader.forecast.quantiles
    return ForecastScorer(series.values[rows], series.codes[rows], scales, quantiles, unused, season)


def _joined(first: ForecastScorer, second: ForecastScorer) -> ForecastScorer:
    return ForecastScorer(
        values=np.concatenate([first.values, second.values]),
        codes=np.concatenate([first.codes, len(first.scales) + second.codes]),
        scales=np.concatenate([first.scales, second.scales]),
        quantiles=first.quantiles,
        naive=np.concatenate([first.naive, second.naive]),
        season=first.season,
    )


def _both(first: Origins, second: Origins) -> Origins:
    arrays = tuple(np.concatenate(pair) for pair in zip(first.arrays, second.arrays, strict=True))
    base, spread = (np.concatenate([getattr(each, name) for each in (first, second)]) for name in ("base", "spread"))
    return Origins(arrays, base, spread, first.shifts)


def _evaluation(
    names: set[str], scored: Scored, wanted: NDArray[np.float32]
) -> Callable[[NDArray[np.float64]], dict[str, float]]:
    # A function of the module, so that worker processes can be sent it.
    return partial(_evaluate, tuple(sorted(names)), scored, wanted)


def _evaluate(
    names: tuple[str, ...], scored: Scored, wanted: NDArray[np.float32], outputs: NDArray[np.float64]
) -> dict[str, float]:
    values = scored.rows.up(outputs)
    scores = {name: scored.scorer.score(name, values) for name in names}
    point = outputs[:, : wanted.shape[1]]
    scores[LOSS.name] = float(np.abs(point - wanted).mean())
    return scores


def _some(origins: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    if len(origins) <= _MOST_ORIGINS:
        return origins
    return np.sort(np.random.default_rng(seed).choice(origins, _MOST_ORIGINS, replace=False))
