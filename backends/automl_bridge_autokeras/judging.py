"""What a training is given and judged by: arrays, pace, patience, scores. No TensorFlow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

__all__ = ["Arrays", "Judge", "Pace", "Patience", "together"]


@dataclass(frozen=True)
class Arrays:
    """One part of the data as a model takes it: inputs in the model's order, target, and weights or None."""

    inputs: tuple[NDArray[Any], ...]
    target: NDArray[Any]
    weights: NDArray[np.float64] | None = None

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(self.target)


def together(first: Arrays, second: Arrays) -> Arrays:
    """Return the rows of both."""
    inputs = tuple(np.concatenate(pair) for pair in zip(first.inputs, second.inputs, strict=True))
    weights = None
    if first.weights is not None and second.weights is not None:
        weights = np.concatenate([first.weights, second.weights])
    return Arrays(inputs, np.concatenate([first.target, second.target]), weights)


@dataclass(frozen=True)
class Judge:
    """Scores validation outputs and says which of two scores is better.

    Parameters
    ----------
    evaluate
        From the outputs, shape (rows, outputs), to scores by name.
    better
        Whether the first scores beat the second: the best epoch's weights are kept.
    improved
        Whether the first scores are reason to go on after the second; None: as `better`. It may look at another
        score, as AutoKeras does, which keeps weights by its objective and stops by the loss.
    """

    evaluate: Callable[[NDArray[np.float64]], dict[str, float]]
    better: Callable[[dict[str, float], dict[str, float]], bool]
    improved: Callable[[dict[str, float], dict[str, float]], bool] | None = None


@dataclass(frozen=True)
class Pace:
    """How long a training may take.

    Parameters
    ----------
    stop
        Asked several times a second; True ends the training there.
    seconds
        Seconds that the training should take at most, so that its learning rate ends in time; None: as it comes.
    shorten
        Called with a number of steps if there is no time for all.
    """

    stop: Callable[[], bool] = lambda: False
    seconds: float | None = None
    shorten: Callable[[int], None] = lambda _steps: None


@dataclass(frozen=True)
class Patience:
    """Stop after ``epochs`` epochs in which the judge saw no improvement."""

    epochs: int
