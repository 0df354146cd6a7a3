"""Any cloud's stand-in for tests: a process of its own, and sessions that know it by its variables only."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from automl_bridge.config import load_config
from automl_bridge.data.build import build_dataset
from automl_bridge.sandbox import life
from automl_bridge.session import Session

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CLOUDS = {"sagemaker": "aws", "vertex": "gcp", "azure": "azure"}


class EngineClock:
    """What the engine sleeps through counts as gone by, at ``factor`` times the pace of the wall's clock.

    A sandbox whose clock races by the same factor and this one agree on how long a poll waits.
    """

    def __init__(self, factor: float) -> None:
        self._factor = factor
        self._start = time.time()

    def now(self) -> float:
        return self._start + (time.time() - self._start) * self._factor

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds / self._factor)


@dataclass
class Cloud:
    """A stand-in that runs, and the folder of what is kept here."""

    backend: str
    sandbox: life.Sandbox
    home: Path

    @contextmanager
    def session(self, factor: float = 100.0) -> Iterator[Session]:
        with Session(load_config(overrides={"home": self.home}), clock=EngineClock(factor)) as opened:
            yield opened


@contextmanager
def running(backend: str, home: Path, factor: float) -> Iterator[Cloud]:
    """Start the stand-in of a backend, and stop it in the end."""
    sandbox = life.start(CLOUDS[backend], home=home, factor=factor)
    try:
        yield Cloud(backend, sandbox, home)
    finally:
        life.stop(CLOUDS[backend], home=home)


def table(rows: int = 1600, seed: int = 0) -> pa.Table:
    """Rows that every service takes, with a target that can be learned."""
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(2, rows))
    noise = rng.normal(scale=0.3, size=rows)
    return pa.table(
        {
            "x": x,
            "y": y,
            "level": np.array(["a", "b"])[(y > 0).astype(int)],
            "target": np.where(x + noise > 0, "yes", "no"),
        }
    )


def dataset(rows: int = 1600, seed: int = 0):
    return build_dataset(table(rows, seed), target="target")
