"""Real tables that come inside Python wheels. Each has the column ``target``; text in it means classes.

Tables of which a holdout of a fifth tells nothing are left out: fewer than 400 rows (iris, wine, Hitters, star98),
or all but solved by any model (breast cancer); likewise those that hold nothing to learn (Smarket, Weekly).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd
    from quality_wheels import Wheels

CREDIT = Path(__file__).parents[1] / "examples" / "data" / "credit.csv"


def _credit(_wheels: Wheels) -> pd.DataFrame:
    import pandas as pd

    return pd.read_csv(CREDIT).rename(columns={"status": "target"})


def _digits(_wheels: Wheels) -> pd.DataFrame:
    from sklearn.datasets import load_digits

    frame = load_digits(as_frame=True).frame
    return frame.assign(target=[f"digit {value}" for value in frame["target"]])


def _statsmodels(name: str) -> pd.DataFrame:
    import statsmodels.api as sm

    return getattr(sm.datasets, name).load_pandas().data


def _fair(_wheels: Wheels) -> pd.DataFrame:
    """Whether a person had an affair, by a survey of 1974."""
    frame = _statsmodels("fair").rename(columns={"affairs": "target"})
    return frame.assign(target=["yes" if value > 0 else "no" for value in frame["target"]])


def _party(_wheels: Wheels) -> pd.DataFrame:
    """The party a voter feels close to, on seven steps, by what is known without their vote (1996)."""
    frame = _statsmodels("anes96").drop(columns=["vote", "logpopul"]).rename(columns={"PID": "target"})
    return frame.assign(target=[f"step {value:.0f}" for value in frame["target"]])


def _islp(name: str, target: str, *drop: str) -> Callable[[Wheels], pd.DataFrame]:
    def load(wheels: Wheels) -> pd.DataFrame:
        return wheels.islp(name).drop(columns=list(drop)).rename(columns={target: "target"})

    return load


TABLES: dict[str, Callable[[Wheels], pd.DataFrame]] = {
    # Two classes, by roc_auc.
    "credit": _credit,
    "fair": _fair,
    "caravan": _islp("Caravan", "Purchase"),
    "default": _islp("Default", "default"),
    "oj": _islp("OJ", "Purchase"),
    # More classes, by log_loss.
    "digits": _digits,
    "segment": lambda wheels: wheels.csv("river", "river/datasets/segment.csv.zip").rename(
        columns={"category": "target"}
    ),
    "party": _party,
    "education": _islp("Wage", "education", "logwage"),
    # Numbers, by rmse. Columns that add up to the target, or are it, are dropped.
    "bikeshare": _islp("Bikeshare", "bikers", "casual", "registered"),
    "wage": _islp("Wage", "wage", "logwage"),
    "college": _islp("College", "Outstate"),
    "carseats": _islp("Carseats", "Sales"),
    "randhie": lambda _wheels: _statsmodels("randhie").rename(columns={"mdvis": "target"}),
    "diamonds": lambda wheels: wheels.csv("plotnine", "plotnine/data/diamonds.csv").rename(columns={"price": "target"}),
}
