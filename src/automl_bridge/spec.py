"""JobSpec: the immutable, JSON-serialisable description of one job, to train or to predict.

Planning needs nothing but a JobSpec: the dataset's profile travels in it, the data does not.
"""

from __future__ import annotations

import hashlib
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from automl_bridge.budget import Budget
from automl_bridge.task import Task

__all__ = [
    "ColumnProfile",
    "ForecastSpec",
    "Frozen",
    "ImageProfile",
    "JobSpec",
    "Kind",
    "Label",
    "ModelRef",
    "Profile",
    "Role",
]

Label = str | int | float | bool | None
"""A class label in JSON; `Profile.target_type` says what type it had in the data."""


class Frozen(BaseModel):
    """A value: immutable, compared by content, no unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")


class Kind(StrEnum):
    """What a column holds, for learning; inferred, or set by hand (``--type COL=KIND``)."""

    NUMERIC = "numeric"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    CATEGORICAL = "categorical"
    TEXT = "text"
    DATETIME = "datetime"
    IMAGE = "image"


class Role(StrEnum):
    """What a column is for."""

    FEATURE = "feature"
    TARGET = "target"
    WEIGHT = "weight"
    GROUP = "group"
    TIME = "time"
    SERIES = "series"
    IGNORED = "ignored"


class ImageProfile(Frozen):
    """What planning may know about the pictures of a column.

    Parameters
    ----------
    width, height
        Medians over all pictures, in pixels.
    channels
        1 if all are grey, else 3 (RGB).
    max_bytes
        Size of the largest encoded file, in bytes.
    formats
        How they are encoded: ``PNG``, ``JPEG``.
    black, white
        The values that meant black and white in an array that they were made from; new arrays are read alike.
        None where the pictures were files.
    """

    width: int
    height: int
    channels: Literal[1, 3]
    max_bytes: int
    formats: tuple[str, ...] = ()
    black: float | None = None
    white: float | None = None


class ColumnProfile(Frozen):
    """What planning may know about one column.

    Parameters
    ----------
    name
        The column's own name.
    safe_name
        The name that every service takes (``[A-Za-z][A-Za-z0-9_]*``, unique without regard to case).
    kind, role
        What it holds and what it is for.
    arrow_type
        Type in the data, in Arrow's notation (``int64``, ``string``, ``timestamp[us, tz=UTC]``).
    missing
        Number of missing values over all rows.
    distinct
        Number of distinct values, missing not counted; None where it was not counted.
    written
        How the numbers of a column were written, as text or in a file, where not plainly (`data.written.Way`): new
        rows are read alike.
    image
        Sizes and colours, of a column of pictures.
    """

    name: str
    safe_name: str
    kind: Kind
    role: Role = Role.FEATURE
    arrow_type: str
    missing: int = 0
    distinct: int | None = None
    max_length: int | None = None
    written: str | None = None
    image: ImageProfile | None = None


class Profile(Frozen):
    """What planning may know about the data: sizes, columns, classes, fingerprint; no values but the classes.

    Parameters
    ----------
    rows
        Rows per part: ``train``, ``validation``, ``holdout`` (to train), or ``predict``.
    bytes
        Size in memory of all parts, in bytes (Arrow).
    columns
        All columns, in the data's order.
    classes
        Class labels in the stated order of all probabilities; empty unless a classification.
    class_counts
        Rows per class over all parts, in the order of `classes`.
    target_type
        Arrow type of the (first) target, so that labels come back as they went in.
    fingerprint
        SHA-256 of the content: the same rows in the same order have the same one, however they were stored.
    name
        How to speak of the data: a file's name, or ``data``.
    """

    name: str = "data"
    rows: dict[str, int]
    bytes: int
    columns: tuple[ColumnProfile, ...]
    classes: tuple[Label, ...] = ()
    class_counts: tuple[int, ...] = ()
    target_type: str | None = None
    fingerprint: str

    @property
    def features(self) -> tuple[ColumnProfile, ...]:
        """The columns that a model may read."""
        return tuple(column for column in self.columns if column.role is Role.FEATURE)

    def with_role(self, role: Role) -> tuple[ColumnProfile, ...]:
        """Return the columns of one role."""
        return tuple(column for column in self.columns if column.role is role)


class ForecastSpec(Frozen):
    """What a forecasting job needs beyond a table; `data.series_build` fills in what the caller left out.

    Parameters
    ----------
    time, series
        Names of the timestamp column and of the columns that tell series apart; no name: the table is one series.
    horizon
        Steps to forecast.
    freq
        Length of a step, as pandas writes it (``D``, ``h``, ``MS``, ``W-SUN``, ``15min``); of stamps that are whole
        numbers, a number (``1``).
    known_future
        Names of the columns whose values are known in advance.
    quantiles
        Quantiles to forecast beside the mean, ascending, in (0, 1).
    season
        Steps of a season, for the seasonal naive forecast and so for the scale of mase; 1: no season.
    windows
        Origins that the holdout is forecast from: it holds ``windows × horizon`` steps of each series, and each
        origin looks back at all that lies before it. More than 1 needs a model that predicts on this machine.
    gaps
        What was done with steps without a row, doubled and irregular stamps: ``refuse`` made them an error,
        ``fill`` filled, averaged and moved them, unless many stamps were doubled; ``average`` did so however many.
    zone
        IANA name of the time zone in which days and longer steps begin; None: the stamps' own.
    """

    time: str
    series: tuple[str, ...] = ()
    horizon: int = Field(gt=0)
    freq: str
    known_future: tuple[str, ...] = ()
    quantiles: tuple[float, ...] = (0.1, 0.5, 0.9)
    season: int = Field(default=1, gt=0)
    windows: int = Field(default=1, gt=0)
    gaps: Literal["refuse", "fill", "average"] = "refuse"
    zone: str | None = None

    @property
    def lookback(self) -> int:
        """Steps of context a series that are kept for predicting: what a model may rely on, where there are as many."""
        return max(3 * self.season + self.horizon, 4 * self.horizon, 128)


class ModelRef(Frozen):
    """Where a trained model is: a bundle's folder, or a service's own name for it.

    Parameters
    ----------
    backend
        The backend that made it and that predicts with it.
    uri
        Folder of the bundle, or the service's address.
    local
        Whether it is a bundle that predicts on this machine.
    details
        What the backend needs to find and serve it again; JSON, no secrets.
    """

    backend: str
    uri: str
    local: bool = False
    details: dict[str, object] = Field(default_factory=dict)


class JobSpec(Frozen):
    """One job: the same for every backend.

    Parameters
    ----------
    name
        Remote name, at most 32 characters of ``[a-z0-9-]``: the key of idempotency.
    kind
        ``train`` or ``predict``.
    task, target, metric
        What is learned, the target column(s), and what we score on the holdout.
    objective
        ``nearest`` lets a backend optimise the nearest objective that it has; ``exact`` refuses that.
    budget
        Limits. For ``predict``, what is left of the run's.
    cap
        ``any``, or ``strict``: only a cap that the service itself guarantees.
    seed
        Seed of every random choice.
    profile
        The data, as far as planning may know it.
    forecast
        For forecasting only.
    model
        For ``predict``: the model to ask.
    continues
        Name of an earlier job whose finished trials this one starts from (where the backend can resume).
    """

    name: str = Field(pattern=r"^[a-z0-9](-?[a-z0-9]){0,31}$", max_length=32)
    kind: Literal["train", "predict"] = "train"
    task: Task
    target: tuple[str, ...]
    metric: str
    objective: Literal["nearest", "exact"] = "nearest"
    budget: Budget = Budget()
    cap: Literal["any", "strict"] = "any"
    seed: int = 0
    profile: Profile
    forecast: ForecastSpec | None = None
    model: ModelRef | None = None
    continues: str | None = None

    def digest(self) -> str:
        """SHA-256 of the canonical JSON: two specs with one digest ask for the same job."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()
