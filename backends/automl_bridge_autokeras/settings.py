"""Settings of the AutoKeras backend: AutoKeras' own knobs under their own names, and limits of this machine."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator

from automl_bridge.metrics import METRICS
from automl_bridge_autokeras.references import Reference, reference

__all__ = ["AutoKerasSettings"]

_ADDRESS = re.compile(r"(ray://)?(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9_.-]+):\d{1,5}")
_SIZES = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?)(i?b?)")


def _size(value: object) -> object:
    """Read ``4GB`` (powers of 1,000, as messages write it), ``4GiB``, ``512M`` (of 1,024), or a number of bytes."""
    if not isinstance(value, str):
        return value
    text = value.strip().lower()
    if found := _SIZE.fullmatch(text):
        number, unit, end = found.groups()
        return int(float(number) * (1000 if end == "b" else 1024) ** _SIZES[unit])
    return text


def _references(value: object) -> object:
    """Read one callback or several; in a variable, commas stand between them."""
    if isinstance(value, str):
        value = [each.strip() for each in value.split(",") if each.strip()]
    elif not isinstance(value, list | tuple):
        value = [value]
    return tuple(reference(each) for each in value)


def _search_space(value: object) -> object:
    """Read a function, its name, or a graph of AutoKeras blocks (which its maker has imported already)."""
    if type(value).__module__.partition(".")[0] == "autokeras" or any(
        base.__module__.partition(".")[0] == "autokeras" for base in type(value).__mro__
    ):
        from automl_bridge_autokeras.graphs import graph_document

        return graph_document(value)
    return reference(value)


class AutoKerasSettings(BaseModel):
    """Settings of the backend, from ``[backends.autokeras]`` or ``AUTOML_BRIDGE_AUTOKERAS__NAME``.

    Parameters
    ----------
    epochs
        Epochs of each trial at most. None: chosen by the search, up to 48, with early stopping.
    tuner
        How trials are chosen: ``greedy`` (AutoKeras' default), ``bayesian``, ``random`` or ``hyperband``.
    objective
        What trials are compared by: ``metric`` (the metric that was asked for), ``val_loss``, or ``val_`` and the
        name of any metric that the task has (``val_accuracy``).
    search_space
        What is searched instead of our own space: ``module:function`` or ``file.py:function`` of a function that
        returns AutoKeras blocks, the function itself, or an ``ak.AutoModel``. See ``custom`` for what it gets.
    callbacks
        Keras callbacks of each trial, as ``module:Class`` (or the class itself): called at the beginning and end of a
        training and of its epochs, not of its batches. ``model.stop_training`` ends a trial.
    ensemble
        Whether the trials are put together at the end, where that is better on the validation rows.
    refit
        Whether the networks that are kept are trained once more at the end, on training and validation rows, where
        that takes at most a third of the search. Not with a ``search_space`` or ``callbacks``, and not for forecasts.
    image_size
        Longest side of pictures in pixels. None: theirs, up to 96, less where there are many.
    workers
        Worker processes of one search, which run its trials side by side; ``auto``: as many as there are cores, where
        trials are long enough to gain by it. Trials that the oracle chooses, after the first few, depend on which
        others are over by then: with several workers they differ from search to search.
    ray_address
        A Ray cluster that the workers run on: ``auto`` (the one that runs on this machine), ``host:port`` or
        ``ray://host:port``. None: they run here. No cluster is ever started.
    max_memory
        Memory that a search may use, in bytes or as ``4GB`` or ``4GiB``, 256 MB at least; beyond it the search ends
        with its best model. None: no limit.
    max_model_size
        Weights that a model may have; larger ones are failed trials. None: no limit.
    max_trials
        Trials where the budget limits neither time nor trials.
    overwrite
        Whether a job that continues an earlier one starts anew instead of from its finished trials.
    threads
        Threads that TensorFlow uses for one operation. None: one per core; with several workers, one in each.
    linger
        Seconds that the worker process stays warm after a job, so that the next starts at once.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    epochs: int | None = Field(default=None, ge=1)
    tuner: Literal["greedy", "bayesian", "random", "hyperband"] = "greedy"
    objective: str = "metric"
    search_space: Annotated[Reference | None, BeforeValidator(_search_space)] = None
    callbacks: Annotated[tuple[Reference, ...], BeforeValidator(_references)] = ()
    ensemble: bool = True
    refit: bool = True
    image_size: int | None = Field(default=None, ge=4, le=1024)
    workers: Annotated[int, Field(ge=1, le=256)] | Literal["auto"] = 1
    ray_address: str | None = None
    max_memory: Annotated[int | None, BeforeValidator(_size)] = Field(default=None, ge=256_000_000)
    max_model_size: int | None = Field(default=None, ge=1)
    max_trials: int = Field(default=10, ge=1)
    overwrite: bool = False
    threads: int | None = Field(default=None, ge=1)
    linger: float = Field(default=60.0, ge=0)

    @field_validator("objective")
    @classmethod
    def _known_objective(cls, value: str) -> str:
        """AutoKeras' own way to name a metric is ours too."""
        if value in {"metric", "val_loss"} or value.removeprefix("val_") in METRICS:
            return value
        raise ValueError(f"it is metric, val_loss or val_ and one of {', '.join(METRICS)}")

    @field_validator("ray_address")
    @classmethod
    def _address(cls, value: str | None) -> str | None:
        """Take addresses only: other words make Ray start a cluster."""
        if value is None or value == "auto" or _ADDRESS.fullmatch(value):
            return value
        raise ValueError("it is auto, host:port or ray://host:port")

    def search_settings(self) -> dict[str, Any]:
        """Return the settings that change what a search finds: trials under others are not gone on with."""
        names = {"epochs", "tuner", "objective", "max_model_size"}
        # What is at its default is left out, so that searches from before these settings were there go on.
        for name in ("search_space", "callbacks", "image_size"):
            if getattr(self, name):
                names.add(name)
        return self.model_dump(mode="json", include=names)
