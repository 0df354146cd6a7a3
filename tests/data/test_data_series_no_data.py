"""A forecast without data, by a model that needs some: what is missing, and how it is given."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from automl_bridge.data.build import build_dataset
from automl_bridge.data.series_context import tail
from automl_bridge.data.series_predict import build_series_predict_dataset
from automl_bridge.errors import DataError

TABLE = pd.DataFrame(
    {"day": pd.date_range("2024-01-01", periods=60), "sold": np.arange(60.0), "promo": np.arange(60) % 2}
)


@pytest.mark.parametrize("known", ["promo", None])
@pytest.mark.parametrize("kept", [True, False])
def test_what_is_missing_is_said(known, kept):
    dataset = build_dataset(TABLE, target="sold", time="day", forecast={"horizon": 5, "known_future": known})[1]
    stored = tail(dataset) if kept else None
    if kept and known is None:
        assert (
            build_series_predict_dataset(None, dataset.profile, dataset.forecast, stored).profile.rows["predict"] == 5
        )
        return
    with pytest.raises(DataError, match="no DATA is given, and the model") as caught:
        build_series_predict_dataset(None, dataset.profile, dataset.forecast, stored)
    said = f"{caught.value.message} {caught.value.hint}"
    assert ('"promo", known in advance, for 2024-03-01 and on: the 5 steps' in said) == (kept and known is not None)
    assert ('"promo"' in said) == (known is not None)
    assert '"day"' in said
    assert "automl-bridge predict MODEL DATA -o OUT" in said
