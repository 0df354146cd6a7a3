"""The service's limits as data (``limits.csv``), and the one way to refuse by them."""

from __future__ import annotations

from pathlib import Path

from automl_bridge.cloud.limits import LimitTable

__all__ = ["TABLE", "limit", "refusal"]

TABLE = LimitTable(Path(__file__).with_name("limits.csv"), "Azure Automated ML")

limit = TABLE.limit
refusal = TABLE.refusal
