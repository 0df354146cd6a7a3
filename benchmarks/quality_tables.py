"""Real tables that come inside Python packages, written down as CSV for every system alike."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

CREDIT = Path(__file__).parents[1] / "examples" / "data" / "credit.csv"


def _sklearn(name: str) -> pd.DataFrame:
    from sklearn import datasets

    found = getattr(datasets, f"load_{name}")(as_frame=True)
    frame = found.frame
    if hasattr(found, "target_names") and len(found.target_names) > 1:
        frame["target"] = [str(found.target_names[code]) for code in frame["target"]]
    return frame


def _statsmodels(name: str, target: str, **drop: list[str]) -> pd.DataFrame:
    import statsmodels.api as sm

    frame = getattr(sm.datasets, name).load_pandas().data
    return frame.drop(columns=drop.get("drop", [])).rename(columns={target: "target"})


def _fair() -> pd.DataFrame:
    frame = _statsmodels("fair", "affairs")
    frame["target"] = ["yes" if value > 0 else "no" for value in frame["target"]]
    return frame


def _anes() -> pd.DataFrame:
    frame = _statsmodels("anes96", "vote")
    frame["target"] = ["Dole" if value > 0 else "Clinton" for value in frame["target"]]
    return frame


def _mlxtend(name: str) -> pd.DataFrame:
    import pandas as pd
    from mlxtend import data

    x, y = getattr(data, name)()
    return pd.DataFrame(x, columns=[f"x{number}" for number in range(x.shape[1])]).assign(target=y)


def _credit() -> pd.DataFrame:
    import pandas as pd

    return pd.read_csv(CREDIT).rename(columns={"status": "target"})


TABLES: dict[str, Callable[[], pd.DataFrame]] = {
    "credit": _credit,
    "breast_cancer": lambda: _sklearn("breast_cancer"),
    "wine": lambda: _sklearn("wine"),
    "digits": lambda: _sklearn("digits"),
    "diabetes": lambda: _sklearn("diabetes"),
    "fair": _fair,
    "anes96": _anes,
    "randhie": lambda: _statsmodels("randhie", "mdvis"),
    "star98": lambda: _statsmodels("star98", "NABOVE", drop=["NBELOW"]),
    "boston_housing": lambda: _mlxtend("boston_housing_data"),
    "autompg": lambda: _mlxtend("autompg_data"),
}
"""Each has the column ``target``; text means classes."""
