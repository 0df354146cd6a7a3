"""The model families that a search goes through, small enough to take a moment each."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from numpy.typing import NDArray

__all__ = ["FAMILIES", "fit", "one_thread"]

FAMILIES = ("linear", "boosting", "forest", "extra-trees", "network")


def fit(
    family: str,
    attempt: int,
    features: NDArray[np.float64],
    target: NDArray[Any],
    *,
    classes: bool,
    seed: int,
    weights: NDArray[np.float64] | None = None,
) -> tuple[Any, dict[str, object]]:
    """Train a model of ``family``; ``attempt`` (from 0) picks its settings. Returns the model and its settings."""
    estimator, params = _make(family, attempt, classes=classes, seed=seed)
    with one_thread():
        if family == "network":
            return _fit_network(estimator, features, target, classes=classes), params
        estimator.fit(features, target, sample_weight=weights)
    return estimator, params


def one_thread() -> AbstractContextManager[Any]:
    """Keep numeric libraries to one thread: models this small spend more time on waiting for each other's."""
    return _controller().limit(limits=1)  # type: ignore[no-any-return]


@cache
def _controller() -> Any:
    import sklearn.ensemble  # noqa: F401 (loads the libraries that are to be limited)
    from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped, unused-ignore]

    return ThreadpoolController()


def _make(family: str, attempt: int, *, classes: bool, seed: int) -> tuple[Any, dict[str, object]]:
    from sklearn import ensemble, linear_model, neural_network

    if family == "linear":
        strength = (1.0, 0.1, 10.0, 0.01, 100.0)[attempt % 5]
        if classes:
            return linear_model.LogisticRegression(C=strength, max_iter=3000, tol=1e-3), {"C": strength}
        return linear_model.Ridge(alpha=strength), {"alpha": strength}
    if family == "boosting":
        params: dict[str, object] = {
            "learning_rate": (0.1, 0.2, 0.05, 0.3)[attempt % 4],
            "max_iter": (25, 15, 40)[attempt % 3],
            "max_leaf_nodes": (15, 7, 31)[attempt % 3],
        }
        kind = ensemble.HistGradientBoostingClassifier if classes else ensemble.HistGradientBoostingRegressor
        return kind(random_state=seed, early_stopping=False, **params), params
    if family == "network":
        params = {"hidden_layer_sizes": [(32,), (64,), (16, 16)][attempt % 3]}
        kind = neural_network.MLPClassifier if classes else neural_network.MLPRegressor
        return kind(random_state=seed + attempt, learning_rate_init=0.005, **params), params
    params = {"n_estimators": (20, 10, 30)[attempt % 3], "max_depth": (None, 8, 4)[attempt % 3]}
    names = {"forest": "RandomForest", "extra-trees": "ExtraTrees"}
    kind = getattr(ensemble, names[family] + ("Classifier" if classes else "Regressor"))
    return kind(random_state=seed + attempt, n_jobs=1, **params), params


def _fit_network(estimator: Any, features: NDArray[np.float64], target: NDArray[Any], *, classes: bool) -> Any:
    options = {"classes": np.unique(target)} if classes else {}
    for _epoch in range(10):  # epoch by epoch: `fit` would warn that it has not converged
        estimator.partial_fit(features, target, **options)
    return estimator
