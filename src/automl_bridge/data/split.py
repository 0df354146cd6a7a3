"""The deterministic split into train, validation and holdout.

A row's part depends on the seed, on its position and on the columns that the split was told of; never on how
the data is stored or chunked, nor on the version of numpy (only the raw stream of PCG64 is used, which numpy
keeps stable).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from automl_bridge.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["HOLDOUT", "PARTS", "TRAIN", "VALIDATION", "check_fractions", "split_groups", "split_ordered", "split_rows"]

TRAIN, VALIDATION, HOLDOUT = 0, 1, 2
PARTS = ("train", "validation", "holdout")
"""Names of the parts, by number."""

_STREAM = 0x5917
_FEW = 16
"""Classes up to which a look through all rows for each is faster than sorting them."""


def check_fractions(holdout: float, validation: float, seed: int = 0) -> None:
    """Raise `UsageError` unless both are shares in [0, 1), and the seed is not negative."""
    if seed < 0:
        raise UsageError(f"a seed is 0 or more; got {seed}", hint="try 0")
    for name, value in (("holdout", holdout), ("validation", validation)):
        if not 0 <= value < 1:
            raise UsageError(f"{name} is a share of the rows, 0 or more and less than 1; got {value}", hint="try 0.2")


def split_rows(
    rows: int, *, holdout: float, validation: float, seed: int, codes: NDArray[np.int64] | None = None
) -> NDArray[np.uint8]:
    """Assign each row to a part, at random, each class by the same shares.

    Parameters
    ----------
    rows
        Number of rows.
    holdout
        Share of all rows.
    validation
        Share of the rows that are not held out.
    seed
        Not negative.
    codes
        Class of each row, to stratify by; every class keeps at least one row in train.

    Returns
    -------
    numpy.ndarray
        Part of each row: `TRAIN`, `VALIDATION` or `HOLDOUT`, shape (rows,), uint8.
    """
    import numpy as np

    keys = _keys(rows, seed)
    classes = [np.arange(rows)] if codes is None else _by_class(codes)
    sizes = np.array([len(members) for members in classes])
    held = _shares(sizes, holdout, keep=1)
    validated = _shares(sizes - held, validation, keep=1)
    parts = np.zeros(rows, np.uint8)
    for members, first, second in zip(classes, held, validated, strict=True):
        own = keys[members]
        own_parts = np.zeros(len(members), np.uint8)
        if first + second:
            edge = np.partition(own, first + second - 1)[: first + second]
            own_parts[own <= edge.max()] = VALIDATION
            if first:
                own_parts[own <= np.partition(edge, first - 1)[first - 1]] = HOLDOUT
        parts[members] = own_parts
    return parts


def split_groups(
    groups: NDArray[np.int64],
    *,
    holdout: float,
    validation: float,
    seed: int,
    codes: NDArray[np.int64] | None = None,
) -> NDArray[np.uint8]:
    """Assign whole groups to parts, at random, until each part has about its share of the rows.

    Parameters
    ----------
    groups
        Group of each row, numbered from 0 in order of first appearance.
    codes
        Class of each row; for every class one group with it stays in train.
    holdout, validation, seed
        As in `split_rows`.
    """
    import numpy as np

    count = int(groups.max()) + 1 if len(groups) else 0
    order = np.argsort(_keys(count, seed), kind="stable")
    kept = _groups_to_keep(groups, codes, order)
    free = order[~np.isin(order, kept)]
    sizes = np.bincount(groups, minlength=count)
    return _deal(sizes.tolist(), free.tolist(), holdout, validation)[groups]


def split_ordered(rank: NDArray[np.int64], *, holdout: float, validation: float) -> NDArray[np.uint8]:
    """Assign the latest rows (or groups) to the holdout, those before them to validation, the rest to train.

    Parameters
    ----------
    rank
        For each row the number of what it belongs to, in order of time: 0 is the earliest. Rows with one number
        stay together.
    """
    import numpy as np

    return _cut(np.bincount(rank), holdout, validation)[rank]


def _keys(count: int, seed: int) -> NDArray[np.uint64]:
    import numpy as np

    # A stream of its own: data made by ``default_rng(0).uniform()`` must not be cut along its own values by seed 0.
    own = np.random.SeedSequence(seed, spawn_key=(_STREAM,))
    keys = np.random.PCG64(own).random_raw(count)
    return np.asarray(keys, dtype=np.uint64)


def _by_class(codes: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    import numpy as np

    counts = np.bincount(codes)
    if len(counts) <= _FEW:
        return [np.flatnonzero(codes == code) for code in range(len(counts))]
    # Sorting 16-bit numbers is a radix sort: linear.
    small = codes.astype(np.int16 if len(counts) < 2**15 else np.int64)
    order: NDArray[np.int64] = np.argsort(small, kind="stable")
    return list(np.split(order, np.cumsum(counts)[:-1]))


def _shares(sizes: NDArray[np.int64], share: float, *, keep: int) -> NDArray[np.int64]:
    """Round ``share`` of each size so that the total is right too (largest remainder), and ``keep`` rows remain."""
    import numpy as np

    total = int(sizes.sum())
    if share <= 0 or total < 2:
        return np.zeros_like(sizes)
    wanted = min(max(1, round(total * share)), total - 1)
    exact = sizes * (wanted / total)
    room = np.maximum(sizes - keep, 0)
    taken: NDArray[np.int64] = np.minimum(np.floor(exact).astype(np.int64), room)
    # The larger class comes first among equal remainders: it can spare a row.
    order = np.lexsort((-sizes, -(exact - np.floor(exact))))
    able = order[taken[order] < room[order]]
    taken[able[: max(0, wanted - int(taken.sum()))]] += 1
    return taken


def _groups_to_keep(
    groups: NDArray[np.int64], codes: NDArray[np.int64] | None, order: NDArray[np.int64]
) -> NDArray[np.int64]:
    import numpy as np

    if codes is None or not len(order):
        return np.array([np.argmax(np.bincount(groups))]) if len(order) else order
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    last = np.full(int(codes.max()) + 1, -1)
    np.maximum.at(last, codes, place[groups])
    return np.unique(order[last[last >= 0]])


def _deal(sizes: list[int], order: list[int], holdout: float, validation: float) -> NDArray[np.uint8]:
    """Give the holdout, then validation, each group in ``order`` that brings it nearer to its share."""
    import numpy as np

    part_of = np.zeros(len(sizes), np.uint8)
    rest = sum(sizes)
    for part, share in ((HOLDOUT, holdout), (VALIDATION, validation)):
        wanted, have, passed = round(rest * share), 0, []
        for group in order:
            if sizes[group] < 2 * (wanted - have):
                part_of[group] = part
                have += sizes[group]
            else:
                passed.append(group)
        if share > 0 and not have and passed:
            # All are far too large: the smallest does least harm, unless it would leave less than half.
            smallest = min(passed, key=sizes.__getitem__)
            if sizes[smallest] <= rest / 2:
                part_of[smallest], have = part, sizes[smallest]
                passed.remove(smallest)
        order, rest = passed, rest - have
    return part_of


def _cut(sizes: NDArray[np.int64], holdout: float, validation: float) -> NDArray[np.uint8]:
    """Cut groups in order at the two places that come nearest to the shares; the first group is always train."""
    import numpy as np

    part_of = np.zeros(len(sizes), np.uint8)
    end = len(sizes)
    for part, share in ((HOLDOUT, holdout), (VALIDATION, validation)):
        if share > 0 and end > 1:
            kept = np.cumsum(sizes[:end])
            place = int(np.argmin(np.abs(kept[:-1] - (1 - share) * kept[-1]))) + 1
            part_of[place:end] = part
            end = place
    return part_of
