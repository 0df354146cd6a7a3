"""Settings: AutoKeras' knobs under their own names, sizes as people write them."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from automl_bridge_autokeras import AutoKerasSettings


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("4GB", 4 * 10**9),
        ("300 mb", 300 * 10**6),
        ("512M", 512 * 2**20),
        ("1.5 GiB", 3 * 2**29),
        (str(2**30), 2**30),
        (2**30, 2**30),
        (None, None),
    ],
)
def test_memory_as_people_write_it(text, size):
    assert AutoKerasSettings(max_memory=text).max_memory == size


@pytest.mark.parametrize(
    "wrong",
    [
        {"tuner": "grid"},
        {"epochs": 0},
        {"max_memory": "much"},
        {"max_memory": "1MB"},
        {"workers": 0},
        {"workers": "many"},
        {"ray_address": "local"},
        {"ray_address": "head"},
        {"max_trials": 0},
        {"learning_rate": 1},
    ],
)
def test_wrong_settings_are_refused(wrong):
    with pytest.raises(ValidationError):
        AutoKerasSettings(**wrong)
