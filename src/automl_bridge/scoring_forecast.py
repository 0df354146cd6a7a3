"""Scores of forecasts: each series by its own scale, quantiles by their loss and their coverage, beside a naive one.

Definitions, for series *s* with values *y*, forecasts *f* and season *m*:

* ``mase``: mean over series and steps of |y - f| / scale(s), where scale(s) is the mean of |y(t) - y(t - m)| over the
  rows before those that are scored (Hyndman & Koehler, 2006, "Another look at measures of forecast accuracy"). A series
  that is no longer than a season takes m = 1. One without any change has no scale, and is left out; `remarks` says so.
* ``wape``: sum of |y - f| over sum of |y|, over all series.
* ``wql``: twice the sum of the quantile losses over sum of |y|, mean over the quantiles (as in GluonTS and M5).
* ``rmse``, ``mae``, ``mape``: over all rows, of the point forecast.

Intervals draw whole series again, as the steps of one series are not independent; with fewer than 10 series they
draw steps, and are too narrow.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from automl_bridge.data.series import Panel, key_columns, series_codes
from automl_bridge.errors import BackendError
from automl_bridge.metrics import METRICS, metric_names
from automl_bridge.scoring_intervals import Difference, Interval, difference, interval, resampled
from automl_bridge.spec import Role
from automl_bridge.task import Task

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from automl_bridge.data.dataset import Dataset
    from automl_bridge.scoring_statistics import Statistic
    from automl_bridge.spec import ForecastSpec

__all__ = ["FORECAST_METRICS", "ForecastScorer", "naive_forecast", "scales_of"]

FORECAST_METRICS = tuple(metric_names(Task.FORECASTING))
LEAST_SERIES = 10
"""Fewer series cannot be drawn again with any sense."""

_EPSILON = float(np.finfo(np.float64).eps)


def scales_of(panel: Panel, season: int) -> NDArray[np.float64]:
    """Return the scale of each series of a history: the mean error of its seasonal naive forecast; NaN for none."""
    scales = _mean_change(panel, season)
    unknown = ~(scales > 0)
    if season > 1 and unknown.any():
        scales[unknown] = _mean_change(panel, 1)[unknown]
    scales[~(scales > 0)] = np.nan
    return scales


def _mean_change(panel: Panel, lag: int) -> NDArray[np.float64]:
    codes = panel.codes
    count = len(panel.starts) - 1
    if len(codes) <= lag:
        return np.full(count, np.nan)
    same = codes[lag:] == codes[:-lag]
    change = np.abs(panel.values[lag:] - panel.values[:-lag])[same]
    series = codes[lag:][same]
    with np.errstate(invalid="ignore", divide="ignore"):
        means = np.bincount(series, weights=change, minlength=count) / np.bincount(series, minlength=count)
    return np.asarray(means, np.float64)


def naive_forecast(panel: Panel, horizon: int, season: int) -> NDArray[np.float64]:
    """Return the seasonal naive forecast after the end of each series, shape (series, horizon): the last season again.

    A series that is shorter than a season repeats its last value.
    """
    ends, lengths = panel.starts[1:], panel.lengths
    step = np.arange(horizon)
    lag = np.where(lengths[:, None] >= season, season - step % season, 1)
    return np.asarray(panel.values[ends[:, None] - lag], np.float64)


@dataclass(frozen=True)
class ForecastScorer:
    """Scores forecasts of one part of a dataset.

    Parameters
    ----------
    values
        What came true, shape (rows,).
    codes
        Number of each row's series, from 0.
    scales
        Scale of each series for mase; NaN where it has none.
    quantiles
        Levels of the quantile columns.
    naive
        The seasonal naive forecast of the same rows, shape (rows,).
    season
        Its season.
    """

    values: NDArray[np.float64]
    codes: NDArray[np.int64]
    scales: NDArray[np.float64]
    quantiles: tuple[float, ...]
    naive: NDArray[np.float64]
    season: int

    @classmethod
    def of(cls, dataset: Dataset, part: str) -> ForecastScorer:
        """Make the scorer of ``validation`` or ``holdout``; the scale comes from all parts before it."""
        import pyarrow as pa

        forecast = dataset.forecast
        assert forecast is not None
        target = dataset.profile.with_role(Role.TARGET)[0].name
        names = [*forecast.series, target]
        before = ["train"] if part == "validation" else ["train", "validation"]
        past = pa.concat_tables([dataset.parts[name].select(names) for name in before if name in dataset.parts])
        wanted = dataset.parts[part].select(names)
        codes = series_codes(pa.concat_tables([past, wanted]), key_columns(wanted, forecast))
        order = np.argsort(codes[: past.num_rows], kind="stable")
        history = Panel.of(past.take(pa.array(order)), forecast, target)
        # Every series of the part has a history, so that numbers are the same on both sides.
        ours = codes[past.num_rows :]
        windows = forecast.windows if part == "holdout" else 1
        values = wanted[target].to_numpy()
        naive = _naive_rows(history, values, ours, forecast, windows)
        scored, rows = np.unique(ours, return_inverse=True)
        scales = scales_of(history, forecast.season)[scored]
        return cls(values, rows.reshape(-1), scales, forecast.quantiles, naive, forecast.season)

    def score(self, metric: str, outputs: NDArray[np.float64]) -> float:
        """Score outputs (rows, 1 + quantiles) by one metric; NaN where it is not defined."""
        units = np.zeros(len(self.values), np.int64)
        found = self._statistic(metric, outputs, units)(np.ones((1, 1)))
        return float(found[0])

    def scores(self, outputs: NDArray[np.float64]) -> dict[str, float]:
        """Score by all metrics of a forecast, and by mase and wape of the seasonal naive one beside it."""
        found = {metric: self.score(metric, outputs) for metric in FORECAST_METRICS}
        plain = self.naive[:, None]
        return {**found, **{f"{name}_seasonal_naive": self.score(name, plain) for name in ("mase", "wape")}}

    def interval(self, metric: str, outputs: NDArray[np.float64], *, seed: int = 0) -> Interval:
        """Return the score with its confidence interval."""
        value = self.score(metric, outputs)
        units = self._units()
        if not np.isfinite(value):
            return Interval(metric=metric, value=value, low=np.nan, high=np.nan)
        build = self._build(metric, outputs, units)
        weights = np.ones(int(units.max()) + 1)
        return interval(metric, value, build, weights, level=0.95, resamples=1000, seed=seed)

    def difference(
        self, metric: str, left: NDArray[np.float64], right: NDArray[np.float64], *, seed: int = 0
    ) -> Difference:
        """Return the difference of two forecasts' scores over the same draws."""
        units = self._units()
        value = self.score(metric, left) - self.score(metric, right)
        builds = (self._build(metric, left, units), self._build(metric, right, units))
        weights = np.ones(int(units.max(initial=0)) + 1)
        return difference(METRICS[metric], value, builds, weights, level=0.95, resamples=1000, seed=seed)

    def resampled(
        self, metric: str, outputs: Sequence[NDArray[np.float64]], *, draws: int, seed: int
    ) -> tuple[NDArray[np.float64], float]:
        """Score several forecasts over the same draws; see `scoring_intervals.resampled`."""
        units = self._units()
        builds = [self._build(metric, one, units) for one in outputs]
        return resampled(builds, np.ones(int(units.max(initial=0)) + 1), resamples=draws, seed=seed)

    def coverage(self, outputs: NDArray[np.float64]) -> dict[float, float]:
        """Return for each quantile the share of values at or below it."""
        return {
            level: float((self.values <= outputs[:, 1 + column]).mean())
            for column, level in enumerate(self.quantiles[: outputs.shape[1] - 1])
        }

    def remarks(self, outputs: NDArray[np.float64]) -> tuple[str, ...]:
        """Say what the reader of the scores must know."""
        naive = {name: self.score(name, self.naive[:, None]) for name in ("mase", "wape")}
        ours = {name: self.score(name, outputs) for name in ("mase", "wape")}
        season = f"season of {self.season} steps" if self.season > 1 else "no season: the last value again"
        found = f"mase {ours['mase']:.3f} and wape {ours['wape']:.3f}"
        said = [f"{found}; a seasonal naive forecast ({season}) has {naive['mase']:.3f} and {naive['wape']:.3f}"]
        if covered := self.coverage(outputs):
            shares = ", ".join(f"{level:g}: {100 * share:.0f} %" for level, share in covered.items())
            said.append(f"share of the holdout at or below each quantile: {shares}")
        if flat := int(np.isnan(self.scales).sum()):
            said.append(f"{flat:,} of {len(self.scales):,} series never change before the holdout: left out of mase")
        if len(self.scales) < LEAST_SERIES:
            count = "1 series" if len(self.scales) == 1 else f"{len(self.scales)} series"
            said.append(f"the holdout has {count}: intervals take its steps for independent, and are too narrow")
        return tuple(said)

    def _units(self) -> NDArray[np.int64]:
        return self.codes if len(self.scales) >= LEAST_SERIES else np.arange(len(self.values))

    def _build(
        self, metric: str, outputs: NDArray[np.float64], units: NDArray[np.int64]
    ) -> Callable[[slice | NDArray[np.int64]], Statistic]:
        def build(chosen: slice | NDArray[np.int64]) -> Statistic:
            if isinstance(chosen, slice):
                return self._statistic(metric, outputs, units)
            place = np.full(int(units.max()) + 1, -1)
            place[chosen] = np.arange(len(chosen))
            return self._statistic(metric, outputs, place[units])

        return build

    def _statistic(self, metric: str, outputs: NDArray[np.float64], units: NDArray[np.int64]) -> Statistic:
        """Return the metric as a function of weights of the units, shape (m, units); units below 0 are left out."""
        if len(outputs) != len(self.values):
            raise BackendError(f"there are {len(outputs)} forecasts for {len(self.values)} rows")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            above, below = self._sums(metric, outputs)
        used = (units >= 0) & ~np.isnan(below)
        if not np.isfinite(outputs).all():
            above = np.full_like(above, np.nan)
        count = int(units.max(initial=-1)) + 1
        top = np.bincount(units[used], weights=above[used], minlength=count)
        bottom = np.bincount(units[used], weights=below[used], minlength=count)

        def statistic(weights: NDArray[np.float64]) -> NDArray[np.float64]:
            with np.errstate(divide="ignore", invalid="ignore"):
                ratio = (weights @ top) / (weights @ bottom)
            ratio = np.where(np.isfinite(ratio), ratio, np.nan)
            return np.sqrt(ratio) if metric == "rmse" else ratio

        return statistic

    def _sums(self, metric: str, outputs: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return what a row adds above and below the line of a metric; NaN below: it does not count."""
        error = np.abs(self.values - outputs[:, 0])
        ones = np.ones(len(error))
        if metric == "mase":
            scale = self.scales[self.codes]
            return error / scale, np.where(np.isnan(scale), np.nan, 1.0)
        if metric == "wape":
            return error, np.abs(self.values)
        if metric == "wql":
            return self._quantile_loss(outputs), np.abs(self.values)
        if metric == "mape":
            return error / np.maximum(np.abs(self.values), _EPSILON), ones
        return (error**2 if metric == "rmse" else error), ones

    def _quantile_loss(self, outputs: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return twice the mean quantile loss of each row; without quantiles the absolute error, that of 0.5."""
        if outputs.shape[1] == 1:
            return np.abs(self.values - outputs[:, 0])
        levels = np.asarray(self.quantiles)
        over = self.values[:, None] - outputs[:, 1:]
        return np.asarray((2 * np.maximum(levels * over, (levels - 1) * over)).mean(axis=1), np.float64)


def _naive_rows(
    history: Panel, values: NDArray[np.float64], codes: NDArray[np.int64], forecast: ForecastSpec, windows: int
) -> NDArray[np.float64]:
    """Return the seasonal naive forecast of each row of a part, each window from its own origin."""
    horizon, season = forecast.horizon, forecast.season
    series = np.unique(codes)
    truth = values.reshape(len(series), windows * horizon)
    starts, ends = history.starts[:-1][series], history.starts[1:][series]
    # The last season before each origin lies in the history, or in the windows before.
    reach = max(season, 1)
    lengths = ends - starts
    place = ends[:, None] - np.arange(reach, 0, -1)
    known = np.where(place >= starts[:, None], history.values[np.maximum(place, 0)], np.nan)
    whole = np.concatenate([known, truth], axis=1)
    found = np.empty_like(truth)
    for window in range(windows):
        origin = reach + window * horizon
        for step in range(horizon):
            lag = np.where(lengths + window * horizon >= season, season - step % season, 1)
            found[:, window * horizon + step] = whole[np.arange(len(series)), origin - lag]
    return found.reshape(-1)
