"""Tables with an easy signal, and short ways to learn from them: damage on the way in shows as lost accuracy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from automl_bridge import Estimator

AWKWARD_NAMES = (
    "with space",
    " leading space",
    "[brackets]",
    "{braces}: a, b",
    'double "quoted"',
    "semi;colon",
    "pipe|tab\tname",
    "line\nbreak",
    "слово",
    "日本語の列名",
    "ราคาสินค้า",
    "_leading",
    "-dash",
    "1st",
    "a=b",
    "class",
    "Class",
    "CLASS",
    "select",
    "None",
    "nan",
    "index",
    "prediction",
    "probability_yes",
    "sample_weight",
    "x0",
    "text",
    "group",
    "__getattr__",
    "a.b",
    "a_b",
    "a/b",
    "..",
    "🙂",
    "x" * 300,
)


def table(rows: int = 240, seed: int = 0, labels: tuple[Any, ...] = ("no", "yes")) -> pd.DataFrame:
    """Return a number, a whole number and a category; ``label`` follows from all three with nothing left to chance."""
    rng = np.random.default_rng(seed)
    number = rng.normal(size=rows).round(4)
    count = rng.integers(0, 100, rows)
    city = rng.choice(["Oslo", "Rome", "Bern"], rows)
    sure = np.where(np.abs(number) < 0.3, np.sign(number + 1e-9) * 0.3, number)
    code = (sure * 2 + (count > 50) + (city == "Rome") > 1).astype(int)
    label = np.asarray(labels, dtype=object)[code]
    return pd.DataFrame({"label": label, "number": number, "count": count, "city": city})


def learn(source: Any, y: Any = None, *, target: Any = "label", fit: dict[str, Any] | None = None, **words: Any) -> Any:
    """Return an estimator that has learned by the baseline, unless told otherwise."""
    words = {"backend": "baseline", "random_state": 0, **words}
    target = None if y is not None else target
    return Estimator(**words).fit(source, y, target=target, **(fit or {}))


def share_right(estimator: Estimator, source: Any, truth: Any) -> float:
    """Return the share of the rows of ``source`` whose label is predicted as it is in ``truth``."""
    predicted, truth = estimator.predict(source), np.asarray(truth)
    assert len(predicted) == len(truth)
    return float(np.mean([left == right for left, right in zip(predicted.tolist(), truth.tolist(), strict=True)]))


def notes(estimator: Estimator) -> str:
    """Return everything that a run says of its data."""
    return "\n".join([*estimator.run_.plan.notes, *estimator.run_.notes])


def mixed_table(rows: int = 400, seed: int = 0) -> pd.DataFrame:
    """Return every kind of column with some gaps; ``label`` is one of twelve texts, '0' to '11', easy to tell."""
    rng = np.random.default_rng(seed)
    code = rng.integers(0, 12, rows)
    city = np.asarray(["Oslo", "Rome", "Bern"])[code % 3]
    start = pd.Timestamp("2024-01-01", tz="Europe/Berlin")
    frame = pd.DataFrame(
        {
            "number": (code // 3) * 2.0 + rng.normal(size=rows) * 0.1,
            "count: [all]": rng.integers(0, 50, rows),
            "city": city,
            "flag": rng.random(rows) < 0.5,
            "when": start + pd.to_timedelta(rng.integers(0, 200 * 24, rows), unit="h"),
            "took": pd.to_timedelta(rng.integers(1, 5000, rows), unit="s"),
            "large": rng.integers(0, 1000, rows) + 2**53,
            "label": [str(one) for one in code],
        }
    )
    frame.loc[frame.index % 23 == 0, "count: [all]"] = np.nan
    frame.loc[frame.index % 29 == 0, "when"] = pd.NaT
    return frame
