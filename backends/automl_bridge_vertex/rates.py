"""What things cost here: the prices of the configuration or this folder's list, asked by part and region."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from automl_bridge.costs.prices import PriceBook
from automl_bridge.errors import UnknownNameError
from automl_bridge.task import Task

if TYPE_CHECKING:
    from automl_bridge.spec import JobSpec
    from automl_bridge_vertex.settings import VertexSettings

__all__ = ["FORECAST_POINTS", "IMAGE_BATCH", "IMAGE_HOSTING", "STORAGE", "Rates", "inference", "prices", "training"]

STORAGE = "GCS:standard-storage"
IMAGE_BATCH, IMAGE_HOSTING = "Batch:image", "Deployment:image"
FORECAST_POINTS = "Batch:forecasting"


def training(spec: JobSpec, settings: VertexSettings) -> str:
    """Return the name under which the training of ``spec`` is billed."""
    if spec.task is Task.FORECASTING:
        return "Training:forecasting"
    if spec.task is Task.IMAGE_CLASSIFICATION:
        return "Training:image" if settings.model_type == "CLOUD" else "Training:image-edge"
    return "Training:tabular"


def inference(machine: str) -> str:
    """Return the name under which a machine that predicts is billed."""
    return f"Inference:{machine}"


@cache
def prices() -> PriceBook:
    """Return the prices of ``prices.csv``."""
    return PriceBook.read(Path(__file__).with_name("prices.csv"))


class Rates(NamedTuple):
    """Prices in one region.

    Parameters
    ----------
    region
        As Google names it.
    book
        The prices; None: those of ``prices.csv``.
    """

    region: str
    book: PriceBook | None = None

    def usd(self, sku: str, unit: str) -> float | None:
        """Return US dollars per unit, or None where the price list has none: unknown, not free."""
        book = self.book if self.book is not None else prices()
        try:
            return book.price(sku, self.region, unit).usd
        except UnknownNameError:
            return None
