"""Estimator: every AutoML through scikit-learn's contract, and jobs that outlive the process."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from automl_bridge import _inputs, _pickling
from automl_bridge._forecasts import ForecastOptions, like, score_forecast
from automl_bridge.budget import Budget
from automl_bridge.config import Config, load_config
from automl_bridge.handle import Run
from automl_bridge.leaderboard import Leaderboard
from automl_bridge.metrics import metric_for
from automl_bridge.session import Session
from automl_bridge.task import Task

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray
    from sklearn.utils import Tags

    from automl_bridge.costs.cost import Cost
    from automl_bridge.runs.record import RunRecord
    from automl_bridge.session import Predictions

__all__ = ["Estimator"]


def _is_classifier(estimator: Estimator) -> bool:
    task = getattr(estimator, "task_", None) or estimator.task
    return task is None or Task.parse(task).is_classification


class Estimator(BaseEstimator):  # type: ignore[misc]  # scikit-learn ships no types
    """Train a model with any AutoML, and predict with it.

    Parameters
    ----------
    task
        What to learn, as in `Task`; None lets the target settle it.
    backend
        Where to train; None takes the configuration's (``AUTOML_BRIDGE_BACKEND``, a profile, a file).
    budget
        Limits in time, money and trials, as a `Budget` or a mapping of its fields; None: the configuration's.
    metric
        What is scored on the holdout, by its name in `automl_bridge.metrics.METRICS`; None: the task's default.
    objective
        ``nearest`` or ``exact``: whether a backend may optimise the nearest objective that it has.
    cap
        ``any`` or ``strict``: whether only a cost cap that the service guarantees is good enough.
    holdout, validation
        Shares of the rows, in [0, 1): the holdout never reaches training; validation is a share of the rest.
        None: the configuration's (0.2 each). With ``holdout=0`` nothing is scored.
    types
        Kinds of columns set by hand, as ``{"zip": "categorical"}``.
    bad_images
        What to do about pictures that cannot be read, in training and in new data: ``refuse`` names them all in one
        error; ``skip`` leaves their rows out of training, and predicts them as missing.
    profile
        Name of a profile in the configuration.
    settings
        Settings of the backend, as ``{"epochs": 50}``; over those of the configuration.
    baseline
        Whether to train the baseline beside it, on the same rows; `run_` tells its score.
    random_state
        Seed of the split and the search; None: the configuration's.
    verbose
        Whether to show progress; None: in notebooks only.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Labels, in the order of the columns of `predict_proba`; classification only.
    run_ : RunRecord
        The run: state, scores, versions, notes.
    leaderboard_ : Leaderboard
        The trials, best first, failed ones last.
    score_ : float or None
        The metric on the holdout, in its natural sign.
    cost_ : Cost
        What it cost, line by line; its ``usd`` is None where that is not known.
    n_features_in_, feature_names_in_
        As in scikit-learn.

    Examples
    --------
    >>> from automl_bridge import Budget, Estimator
    >>> estimator = Estimator(backend="baseline", budget=Budget(max_time="1m"), random_state=0)
    >>> estimator.fit("credit.csv", target="status").predict("new.csv")  # doctest: +SKIP
    >>> forecaster = Estimator("forecasting", "baseline")
    >>> forecaster.fit("sales.csv", target="sold", time="day", series="shop", horizon=14).predict()  # doctest: +SKIP
    """

    def __init__(  # noqa: PLR0913 - scikit-learn: every setting is a parameter of the constructor
        self,
        task: str | Task | None = None,
        backend: str | None = None,
        *,
        budget: Budget | Mapping[str, Any] | None = None,
        metric: str | None = None,
        objective: str | None = None,
        cap: str | None = None,
        holdout: float | None = None,
        validation: float | None = None,
        types: Mapping[str, str] | None = None,
        bad_images: str = "refuse",
        profile: str | None = None,
        settings: Mapping[str, Any] | None = None,
        baseline: bool = False,
        random_state: int | None = None,
        verbose: bool | None = None,
    ) -> None:
        self.task = task
        self.backend = backend
        self.budget = budget
        self.metric = metric
        self.objective = objective
        self.cap = cap
        self.holdout = holdout
        self.validation = validation
        self.types = types
        self.bad_images = bad_images
        self.profile = profile
        self.settings = settings
        self.baseline = baseline
        self.random_state = random_state
        self.verbose = verbose

    def fit(
        self,
        X: Any,
        y: Any = None,
        sample_weight: Any = None,
        *,
        target: str | Sequence[str] | None = None,
        weight: str | None = None,
        group: Any = None,
        time: str | None = None,
        **forecast: Unpack[ForecastOptions],
    ) -> Estimator:
        """Train, and wait for the end.

        Parameters
        ----------
        X
            Features: any dataframe, array, sparse matrix, list of texts; the path or address of a file; pictures, as
            an array of shape (rows, height, width[, channels]), a list of such or of paths, or as a folder with a
            subfolder a class, which needs no target.
        y
            Target, one value a row; or name its column by `target`.
        sample_weight
            Weight of each row, not negative; or name its column by `weight`.
        target, weight, group, time
            Names of columns of `X`: what to predict; weights; rows of one group stay on one side of the
            split; the latest rows become the holdout.
        forecast
            Of a forecast: ``series`` (what tells series apart), ``horizon`` (steps to forecast), and, where they are
            not as usual, ``known_future``, ``freq``, ``season``, ``windows``, ``quantiles``, ``gaps`` and ``zone``:
            see `ForecastSpec`. ``time`` names the stamps.

        Raises
        ------
        UsageError
            For bad input, before anything is started.
        RunFailedError, NoModelError
            If the job ran and ended without a model.
        """
        run = self.submit(X, y, sample_weight, target=target, weight=weight, group=group, time=time, **forecast)
        record = run.wait(progress=self.verbose)
        return self._adopt(record)

    def submit(
        self,
        X: Any,
        y: Any = None,
        sample_weight: Any = None,
        *,
        target: str | Sequence[str] | None = None,
        weight: str | None = None,
        group: Any = None,
        time: str | None = None,
        **forecast: Unpack[ForecastOptions],
    ) -> Run:
        """Start the job and return at once; `Estimator.attach` picks it up, here or in another process.

        Parameters are those of `fit`.
        """
        from automl_bridge.data.build import build_dataset

        config = self._config()
        if config.mlflow_tracking_uri:
            from automl_bridge.reports.mlflow_mirror import require_mlflow

            require_mlflow()
        table = _inputs.checked(X, y, target, self.task)
        weights = _inputs.checked_weights(sample_weight)
        task, dataset = build_dataset(
            table.X,
            y=table.y,
            target=target,
            task=self.task,
            types=self.types,
            bad_images=self.bad_images,
            weight=weights if weights is not None else weight,
            group=group,
            time=time,
            holdout=config.holdout,
            validation=config.validation,
            seed=config.seed,
            forecast=dict(forecast),
        )
        with Session(config) as session:
            record = session.submit(
                dataset,
                task=task,
                metric=config.metric,
                budget=config.budget,
                objective=config.objective,
                cap=config.cap,
                seed=config.seed,
                baseline=self.baseline,
            )
        self.n_features_in_ = len(dataset.profile.features)
        self._named = table.named
        return Run(record.id, config)

    def predict(self, X: Any = None) -> Any:
        """Predict labels of the type they had in training, or values; one a row, in the rows' order.

        Columns are found by name: another order, further columns or the target among them change nothing.

        A forecaster takes history (rows with the target), rows to come (with what is known in advance), or both, and
        looks back at the end of its training data where there is no history; None: all its series. It returns a
        dataframe with one row per series and step: series, time, ``prediction`` and ``quantile_<level>``.
        """
        predictions = self._predictions(X)
        if self.task_ is not Task.FORECASTING:
            return predictions.labels()
        for note in predictions.notes:
            warnings.warn(note, UserWarning, stacklevel=2)
        return like(predictions.to_table(), X)

    @available_if(_is_classifier)  # type: ignore[untyped-decorator]  # scikit-learn ships no types
    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Predict probabilities, shape (rows, classes), columns in the order of `classes_`."""
        return self._predictions(X).outputs

    def score(self, X: Any, y: Any = None, sample_weight: Any = None) -> float:
        """Score predictions of `X` against `y`, greater is better, as scikit-learn's tools expect.

        With `metric` given, that metric, a loss negated (rmse 3.2 is -3.2); without, accuracy or R². A forecaster
        scores the last steps of each series of `X`, forecast from those before them; without `metric` by mase.
        """
        from automl_bridge.scoring import score

        check_is_fitted(self, "task_")
        if self.task_ is Task.FORECASTING:
            metric = metric_for(self.metric or "mase", self.task_)
            session = _pickling.session_for(self)
            return -score_forecast(session, self._source, self._forecast, self._profile, X, metric.name)
        predictions = self._predictions(X)
        classes = getattr(self, "classes_", None)
        if classes is None:
            metric, targets = metric_for(self.metric or "r2", self.task_), np.asarray(y, dtype=np.float64)
        else:
            metric = metric_for(self.metric or "accuracy", self.task_, len(classes))
            targets = _inputs.codes_of(y, classes)
        value = score(metric, predictions.outputs, targets, sample_weight)
        return value if metric.greater_is_better else -value

    @classmethod
    def attach(cls, run_id: str, *, config: Config | None = None) -> Estimator:
        """Take up a run that was submitted earlier, by its id or the beginning of it; waits for its end."""
        config = config or load_config()
        record = Run(run_id, config).wait()
        estimator = cls(task=record.task, backend=record.backend, metric=record.spec.metric)
        return estimator._adopt(record)

    @classmethod
    def load(cls, path: str | Path) -> Estimator:
        """Load a bundle: a folder that ``export`` wrote, on this machine or another."""
        from automl_bridge.bundle import read_bundle

        metadata = read_bundle(Path(path))
        estimator = cls(task=metadata.task, backend=metadata.backend, metric=metadata.metric)
        estimator._bundle = str(path)
        estimator._learn(metadata.task, metadata.profile, metadata.forecast)
        return estimator

    def export(self, path: str | Path, *, form: str = "bundle") -> Path:
        """Write the model into the folder `path`; returns it.

        Parameters
        ----------
        path
            A new folder, or an empty one.
        form
            ``bundle``, which predicts from raw rows; or, where the backend has it, the network alone as ``keras``,
            ``savedmodel`` or ``onnx``.
        """
        check_is_fitted(self, "task_")
        with Session(self._config()) as session:
            return session.export(self._source, path, form=form)

    def _config(self) -> Config:
        overrides: dict[str, Any] = {
            "backend": self.backend,
            "metric": self.metric,
            "objective": self.objective,
            "cap": self.cap,
            "seed": _inputs.seed_of(self.random_state),
            "holdout": self.holdout,
            "validation": self.validation,
        }
        if self.budget is not None:
            budget = self.budget if isinstance(self.budget, Budget) else Budget(**self.budget)
            overrides |= {name: getattr(budget, name) for name in Budget.model_fields}
        config = load_config(profile=self.profile, overrides=overrides)
        if self.settings:
            merged = {**config.backends.get(config.backend, {}), **self.settings}
            config = config.model_copy(update={"backends": {**config.backends, config.backend: merged}})
        return config

    def _adopt(self, record: RunRecord) -> Estimator:
        """Take over what a finished run knows."""
        from automl_bridge.registry import price_book

        self.run_ = record
        self.leaderboard_ = Leaderboard.of(record)
        self.score_: float | None = record.scores.get(record.spec.metric)
        self.cost_: Cost = record.cost(price_book(record.backend, self._config()))
        self._bundle = str(record.bundle_path) if record.bundle_path else None
        self._learn(record.task, record.spec.profile, record.spec.forecast)
        return self

    def _learn(self, task: Task, profile: Any, forecast: Any = None) -> None:
        from automl_bridge.data.labels import classes_array

        self.task_ = Task(task)
        self._profile, self._forecast = profile, forecast
        self.n_features_in_ = len(profile.features)
        if self.task_.is_classification:
            self.classes_ = classes_array(profile)
        if getattr(self, "_named", True):
            self.feature_names_in_ = np.asarray([column.name for column in profile.features], dtype=object)

    @property
    def _source(self) -> str:
        """What `Session` predicts with: the bundle where there is one, else the run."""
        return self._bundle or self.run_.id

    def _predictions(self, X: Any) -> Predictions:
        check_is_fitted(self, "task_")
        if self.task_ is Task.FORECASTING:
            return _pickling.session_for(self).predict(self._source, X)
        table = _inputs.checked_for_predict(X, self.n_features_in_, type(self).__name__)
        predictions = _pickling.session_for(self).predict(self._source, table, bad_images=self.bad_images)
        for note in predictions.notes:
            warnings.warn(note, UserWarning, stacklevel=3)
        return predictions

    def __getstate__(self) -> dict[str, Any]:
        return _pickling.state_of(super().__getstate__())

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(_pickling.restored(state))

    def __sklearn_tags__(self) -> Tags:
        from sklearn.utils import ClassifierTags, RegressorTags

        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        tags.input_tags.sparse = True
        if _is_classifier(self):
            tags.estimator_type = "classifier"
            tags.classifier_tags = ClassifierTags()
        else:
            tags.estimator_type = "regressor"
            tags.regressor_tags = RegressorTags()
        return tags

    def _repr_html_(self) -> str:
        if not hasattr(self, "run_"):
            return str(super()._repr_html_())
        from automl_bridge.reports.notebook import run_html

        return run_html(self.run_)
