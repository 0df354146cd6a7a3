"""The split: a partition, the same for the same seed, each class by its share, groups whole, time in order."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automl_bridge.data.build import build_dataset
from automl_bridge.data.split import HOLDOUT, TRAIN, VALIDATION, split_groups, split_ordered, split_rows
from automl_bridge.errors import SchemaError, UsageError

SHARES = st.sampled_from([0.0, 0.1, 0.2, 0.5])
SEEDS = st.integers(0, 2**32)


@settings(max_examples=150, deadline=None)
@given(codes=st.lists(st.integers(0, 4), min_size=1, max_size=300), holdout=SHARES, validation=SHARES, seed=SEEDS)
def test_stratified_split(codes, holdout, validation, seed):
    codes = np.unique(codes, return_inverse=True)[1].astype(np.int64)
    rows = len(codes)
    parts = split_rows(rows, holdout=holdout, validation=validation, seed=seed, codes=codes)
    assert np.array_equal(parts, split_rows(rows, holdout=holdout, validation=validation, seed=seed, codes=codes))
    assert set(codes[parts == TRAIN]) == set(codes)
    assert ((parts == HOLDOUT).sum() == 0) if holdout == 0 else True
    for code in set(codes):
        own = parts[codes == code]
        expected = len(own) * holdout
        assert abs((own == HOLDOUT).sum() - expected) <= max(1, expected), (code, own)


@pytest.mark.parametrize("rows", [2, 3, 5, 10, 1000])
def test_shares_are_kept_as_well_as_rows_allow(rows):
    parts = split_rows(rows, holdout=0.2, validation=0.2, seed=0)
    held, validated = (parts == HOLDOUT).sum(), (parts == VALIDATION).sum()
    assert held == max(1, round(rows * 0.2))
    assert validated == (max(1, round((rows - held) * 0.2)) if rows - held > 1 else 0)
    assert (parts == TRAIN).sum() >= 1


def test_another_seed_is_another_split_and_rows_are_shuffled():
    one, other = (split_rows(1000, holdout=0.2, validation=0.2, seed=seed) for seed in (0, 1))
    assert not np.array_equal(one, other)
    assert 0.1 < (one[:500] == HOLDOUT).mean() < 0.3


def test_data_drawn_with_the_split_s_own_seed_is_not_cut_along_its_values():
    # default_rng(0).uniform() is the raw stream of PCG64(0): the holdout would be the rows of the least values.
    values = np.random.default_rng(0).uniform(size=2000)
    parts = split_rows(2000, holdout=0.2, validation=0.2, seed=0)
    assert abs(values[parts == HOLDOUT].mean() - 0.5) < 0.05
    assert abs(values[parts == VALIDATION].mean() - 0.5) < 0.05


def test_the_split_never_changes_between_versions():
    # A run that is repeated with a later version must hold out the same rows: those of the least raw numbers.
    parts = split_rows(12, holdout=0.25, validation=0.25, seed=7)
    order = np.argsort(np.random.PCG64(np.random.SeedSequence(7, spawn_key=(0x5917,))).random_raw(12))
    assert sorted(np.flatnonzero(parts == HOLDOUT)) == sorted(order[:3])
    assert sorted(np.flatnonzero(parts == VALIDATION)) == sorted(order[3:5])


@settings(max_examples=100, deadline=None)
@given(groups=st.lists(st.integers(0, 12), min_size=2, max_size=200), holdout=SHARES, validation=SHARES, seed=SEEDS)
def test_groups_never_straddle(groups, holdout, validation, seed):
    groups = np.unique(groups, return_inverse=True)[1].astype(np.int64)
    codes = groups % 3
    parts = split_groups(groups, holdout=holdout, validation=validation, seed=seed, codes=codes)
    for group in set(groups):
        assert len(set(parts[groups == group])) == 1
    assert set(codes[parts == TRAIN]) == set(codes)


def test_a_giant_group_stays_in_train():
    groups = np.repeat([0, 1, 2, 3], [900, 40, 30, 30])
    for seed in range(20):
        parts = split_groups(groups, holdout=0.05, validation=0.05, seed=seed)
        assert set(parts[:900]) == {TRAIN}
        assert HOLDOUT in parts


def test_groups_fill_their_shares():
    groups = np.repeat(np.arange(200), 5)
    parts = split_groups(groups, holdout=0.2, validation=0.25, seed=3)
    assert [(parts == part).sum() for part in (TRAIN, VALIDATION, HOLDOUT)] == [600, 200, 200]


@settings(max_examples=60, deadline=None)
@given(times=st.lists(st.integers(0, 60), min_size=3, max_size=100))
def test_the_latest_rows_are_held_out(times):
    rank = np.unique(times, return_inverse=True)[1].astype(np.int64)
    parts = split_ordered(rank, holdout=0.2, validation=0.2)
    times = np.array(times)
    train, validation, holdout = (times[parts == part] for part in (TRAIN, VALIDATION, HOLDOUT))
    assert len(train)
    assert not len(validation) or train.max() < validation.min()
    assert not len(holdout) or max([*train, *validation]) < holdout.min()


def table(rows: int = 400) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "x": rng.normal(size=rows),
            "who": rng.integers(0, 40, rows).astype(str),
            "when": pd.date_range("2024-01-01", periods=rows, freq="h")[rng.permutation(rows)],
            "y": rng.choice(["a", "b"], rows),
        }
    )


def test_a_group_column_is_kept_whole_and_is_no_feature():
    _, dataset = build_dataset(table(), target="y", group="who")
    groups = {part: set(dataset.parts[part]["who"].to_pylist()) for part in dataset.parts}
    assert not groups["train"] & groups["holdout"]
    assert not groups["train"] & groups["validation"]
    assert "who" not in dataset.features("train").column_names


def test_a_time_column_puts_the_latest_rows_in_the_holdout():
    _, dataset = build_dataset(table(), target="y", time="when")
    ends = {part: (min(c), max(c)) for part in dataset.parts for c in [dataset.parts[part]["when"].to_pylist()]}
    assert ends["train"][1] < ends["validation"][0] < ends["validation"][1] < ends["holdout"][0]
    assert dataset.profile.rows == {"train": 256, "validation": 64, "holdout": 80}


def test_group_and_time_together():
    _, dataset = build_dataset(table(), target="y", group="who", time="when")
    groups = {part: set(dataset.parts[part]["who"].to_pylist()) for part in dataset.parts}
    assert not groups["train"] & groups["holdout"]


def test_a_missing_time_is_an_error():
    frame = table()
    frame.loc[3, "when"] = None
    with pytest.raises(SchemaError, match='"when" is missing in 1 rows'):
        build_dataset(frame, target="y", time="when")


def test_parts_are_the_same_from_any_storage(tmp_path):
    frame = table()
    frame.to_csv(tmp_path / "a b.csv", index=False)
    whole = pa.Table.from_pandas(frame, preserve_index=False)
    pieces = pa.Table.from_batches(whole.to_batches(max_chunksize=17))
    built = [build_dataset(source, target="y", seed=5)[1] for source in (tmp_path / "a b.csv", whole, pieces, frame)]
    kept = [dataset.parts["holdout"]["x"].to_pylist() for dataset in built]
    assert kept[0] == kept[1] == kept[2] == kept[3]


@pytest.mark.parametrize("shares", [{"holdout": -0.1}, {"holdout": 1.0}, {"validation": 1.5}])
def test_shares_out_of_range(shares):
    with pytest.raises(UsageError, match="share of the rows"):
        build_dataset(table(), target="y", **shares)


def test_no_holdout_and_no_validation():
    _, dataset = build_dataset(table(), target="y", holdout=0, validation=0)
    assert dict(dataset.profile.rows) == {"train": 400}
    assert list(dataset.parts) == ["train"]
