"""Models of tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from automl_bridge.sandbox.trainers import estimators, measures
from automl_bridge.sandbox.trainers.candidates import Candidate, UnusableDataError
from automl_bridge.sandbox.trainers.encode import Encoder
from automl_bridge.sandbox.trainers.models import Model

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

__all__ = ["MAX_ROWS", "train_table"]

MAX_ROWS = 2000
"""Rows that a model is trained on at most; a larger table is sampled."""


def train_table(  # noqa: PLR0913 (each is a choice of the caller; all but four have a default)
    train: Mapping[str, Sequence[str]],
    validation: Mapping[str, Sequence[str]] | None,
    *,
    target: str,
    problem: str,
    candidates: int,
    families: Sequence[str] = estimators.FAMILIES,
    weight: str | None = None,
    features: Sequence[str] | None = None,
    kinds: Mapping[str, str] | None = None,
    validation_fraction: float = 0.2,
    seed: int = 0,
) -> Iterator[Candidate]:
    """Train ``candidates`` models one by one and yield each.

    Parameters
    ----------
    train, validation
        Columns of text by name; without validation rows a share of the training rows is held back.
    target, weight, features
        Names of columns. Features default to all others.
    problem
        ``binary``, ``multiclass`` or ``regression``.
    families
        Model families to go through, see `automl_bridge.sandbox.trainers.estimators.FAMILIES`.
    kinds
        Kinds of columns that are not to be guessed, see `Encoder.fit`.

    Raises
    ------
    UnusableDataError
        If nothing can be learned: a target that is missing, empty, of one class, or not a number.
    """
    names = [name for name in (features or train) if name not in {target, weight}]
    rows = _usable(train, target)
    classes = problem != "regression"
    labels = sorted({train[target][row] for row in rows}, reverse=True) if classes else []
    _check(problem, labels, rows, target)
    generator = np.random.default_rng(seed)
    order = generator.permutation(rows)
    if validation is None:
        held = max(1, round(len(order) * validation_fraction))
        fit_rows, check, check_rows = order[held:], train, order[:held]
    else:
        fit_rows, check = order, validation
        check_rows = np.array(
            [r for r in _usable(validation, target) if not classes or validation[target][r] in labels]
        )
        if not len(check_rows):
            raise UnusableDataError(f'the validation data has no row with a usable "{target}"')
    fit_rows, check_rows = _sample(fit_rows, train, target, classes=classes), check_rows[:MAX_ROWS]
    encoder = Encoder.fit({name: _take(train[name], fit_rows) for name in names}, kinds)
    inputs = encoder.transform({name: _take(train[name], fit_rows) for name in names})
    held_inputs = encoder.transform({name: _take(check[name], check_rows) for name in names})
    truth = _codes(_take(train[target], fit_rows), labels)
    held_truth = _codes(_take(check[target], check_rows), labels)
    weights = _weights(train, weight, fit_rows)
    for number in range(candidates):
        family = families[number % len(families)]
        estimator, params = estimators.fit(
            family, number // len(families), inputs, truth, classes=classes, seed=seed + number, weights=weights
        )
        model = Model("table", labels, estimator, encoder)
        yield Candidate(
            family,
            model,
            params,
            _score(model, inputs, truth, classes),
            _score(model, held_inputs, held_truth, classes),
        )


def _usable(table: Mapping[str, Sequence[str]], target: str) -> NDArray[np.int64]:
    if target not in table:
        raise UnusableDataError(f'the target column "{target}" is not in the data; columns: {", ".join(table)}')
    return np.array([r for r, v in enumerate(table[target]) if v.strip()], dtype=np.int64)


def _check(problem: str, labels: Sequence[str], rows: NDArray[np.int64], target: str) -> None:
    if not len(rows):
        raise UnusableDataError(f'the target column "{target}" is empty')
    if problem == "binary" and len(labels) != 2:
        raise UnusableDataError(f'the target column "{target}" has {len(labels)} classes; a binary problem has 2')
    if problem == "multiclass" and len(labels) < 2:
        raise UnusableDataError(f'the target column "{target}" has one class only: {labels[0]}')


def _sample(
    rows: NDArray[np.int64], table: Mapping[str, Sequence[str]], target: str, *, classes: bool
) -> NDArray[np.int64]:
    if len(rows) <= MAX_ROWS:
        return rows
    kept = rows[:MAX_ROWS]
    if classes:  # no class may get lost
        seen = {table[target][row] for row in kept}
        extra = []
        for row in rows[MAX_ROWS:]:
            if table[target][row] not in seen:
                seen.add(table[target][row])
                extra.append(row)
        kept = np.concatenate([kept, np.array(extra, dtype=np.int64)])
    return kept


def _take(values: Sequence[str], rows: NDArray[np.int64]) -> list[str]:
    return [values[row] for row in rows]


def _codes(values: Sequence[str], labels: Sequence[str]) -> NDArray[Any]:
    if labels:
        place = {label: position for position, label in enumerate(labels)}
        return np.array([place[value] for value in values], dtype=np.int64)
    try:
        return np.array(values, dtype=np.float64)
    except ValueError as error:
        raise UnusableDataError(f"the target of a regression is not a number: {error}") from None


def _weights(
    table: Mapping[str, Sequence[str]], weight: str | None, rows: NDArray[np.int64]
) -> NDArray[np.float64] | None:
    if weight is None:
        return None
    if weight not in table:
        raise UnusableDataError(f'the sample weight column "{weight}" is not in the data')
    try:
        values = np.array(_take(table[weight], rows), dtype=np.float64)
    except ValueError:
        raise UnusableDataError(f'the sample weight column "{weight}" is not numeric') from None
    return np.where(np.isfinite(values) & (values >= 0), values, 0.0)


def _score(model: Model, inputs: NDArray[np.float64], truth: NDArray[Any], classes: bool) -> dict[str, float]:  # noqa: FBT001
    said = model.predict_features(inputs)
    # Of two labels in descending order the first is the greater one: "1" of "1" and "0", "yes" of "yes" and "no".
    return measures.of_classes(truth, said, positive=0) if classes else measures.of_values(truth, said)
