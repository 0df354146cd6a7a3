"""Forecasts: one monthly series with a value that is known in advance, then twelve quarterly series at once.

python examples/forecasting.py
python examples/forecasting.py --backend autokeras --max-time 1m

The series are real and come with statsmodels: turnover of electrical equipment in the euro area by month, and
macroeconomic figures of the United States by quarter.
"""

from __future__ import annotations

import argparse

import numpy as np
import pandas as pd
from statsmodels.datasets import elec_equip, macrodata

from automl_bridge import Budget, Estimator


def workdays(months: pd.DatetimeIndex) -> np.ndarray:
    """Return the number of weekdays of each month: known years in advance."""
    first = months.to_numpy().astype("datetime64[M]")
    return np.busday_count(first.astype("datetime64[D]"), (first + 1).astype("datetime64[D]"))


def equipment() -> pd.DataFrame:
    """Return one series: month, turnover, and its weekdays."""
    data = elec_equip.load_pandas().data
    months = pd.DatetimeIndex(pd.to_datetime(data.index, format="mixed"))
    return pd.DataFrame({"month": months, "turnover": data.iloc[:, 0].to_numpy(), "workdays": workdays(months)})


def economy() -> pd.DataFrame:
    """Return twelve series in a long table: which figure, the quarter, its value."""
    data = macrodata.load_pandas().data.astype({"year": int, "quarter": int})
    data["quarter"] = pd.PeriodIndex.from_fields(year=data.year, quarter=data.quarter, freq="Q").to_timestamp()
    return data.drop(columns="year").melt("quarter", var_name="figure", value_name="value")


def tell(name: str, estimator: Estimator) -> None:
    """Print the scores beside those of a seasonal naive forecast."""
    scores = estimator.run_.scores
    for metric in ("mase", "wape"):
        print(f"{name}: {metric} {scores[metric]:.3f}, seasonal naive {scores[f'{metric}_seasonal_naive']:.3f}")
    for note in estimator.run_.notes:
        print(f"  {note}")


def main() -> None:
    """Fit on both, and forecast what comes next."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backend", default="baseline", help="where to train")
    parser.add_argument("--max-time", default="1m", help="for each of the two")
    arguments = parser.parse_args()
    common = {"backend": arguments.backend, "budget": Budget(max_time=arguments.max_time), "random_state": 0}

    table = equipment()
    estimator = Estimator("forecasting", **common)
    estimator.fit(table, target="turnover", time="month", horizon=12, known_future=["workdays"], windows=3)
    tell("turnover", estimator)
    months = pd.date_range(table.month.max(), periods=13, freq="MS")[1:]
    print(
        estimator.predict(pd.DataFrame({"month": months, "workdays": workdays(months)})).to_string(float_format="%.1f")
    )

    estimator = Estimator("forecasting", **common)
    estimator.fit(economy(), target="value", time="quarter", series="figure", horizon=8)
    tell("economy", estimator)
    print(estimator.predict().groupby("figure").head(2).to_string())


if __name__ == "__main__":
    main()
