"""Settings of the AutoKeras backend: AutoKeras' own knobs under their own names, and limits of this machine."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

__all__ = ["AutoKerasSettings"]

_SIZES = {"k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}


def _size(value: object) -> object:
    """Read ``4GB``, ``4 GiB``, ``512M`` or a number of bytes (multiples of 1,024)."""
    if not isinstance(value, str):
        return value
    text = value.strip().lower().removesuffix("b").removesuffix("i").strip()
    if text and text[-1] in _SIZES:
        return int(float(text[:-1]) * _SIZES[text[-1]])
    return text


class AutoKerasSettings(BaseModel):
    """Settings of the backend, from ``[backends.autokeras]`` or ``AUTOML_BRIDGE_AUTOKERAS__NAME``.

    Parameters
    ----------
    epochs
        Epochs of each trial at most. None: chosen by the search, up to 48, with early stopping.
    tuner
        How trials are chosen: ``greedy`` (AutoKeras' default), ``bayesian``, ``random`` or ``hyperband``.
    objective
        What trials are compared by: ``metric`` (the metric that was asked for) or ``val_loss``.
    workers
        Worker processes of one search. Only 1 so far.
    max_memory
        Memory that a search may use, in bytes or as ``4GB``; beyond it the search ends with its best model.
        None: no limit.
    max_model_size
        Weights that a model may have; larger ones are failed trials. None: no limit.
    max_trials
        Trials where the budget limits neither time nor trials.
    overwrite
        Whether a job that continues an earlier one starts anew instead of from its finished trials.
    threads
        Threads that TensorFlow uses for one operation. None: one per core.
    linger
        Seconds that the worker process stays warm after a job, so that the next starts at once.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    epochs: int | None = Field(default=None, ge=1)
    tuner: Literal["greedy", "bayesian", "random", "hyperband"] = "greedy"
    objective: Literal["metric", "val_loss"] = "metric"
    workers: int = Field(default=1, ge=1, le=1)
    max_memory: Annotated[int | None, BeforeValidator(_size)] = Field(default=None, ge=2**28)
    max_model_size: int | None = Field(default=None, ge=1)
    max_trials: int = Field(default=10, ge=1)
    overwrite: bool = False
    threads: int | None = Field(default=None, ge=1)
    linger: float = Field(default=60.0, ge=0)
