"""Parts of a dataset that are made when they are asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from automl_bridge.data.split import PARTS

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = ["CutParts", "StoredParts", "batches_of", "schema_of"]


class CutParts(Mapping[str, "pa.Table"]):
    """Parts of one table in memory: cut out when first asked for, then kept.

    Parameters
    ----------
    table
        All rows.
    assigned
        Number of each row's part, as `split` gives it, shape (rows,).
    """

    def __init__(self, table: pa.Table, assigned: NDArray[np.uint8]) -> None:
        import numpy as np

        counts = np.bincount(assigned, minlength=len(PARTS))
        self._table, self._assigned = table, assigned
        self._made: dict[str, pa.Table] = {}
        self.schema: pa.Schema = table.schema
        self.sizes = {name: int(count) for name, count in zip(PARTS, counts, strict=True) if count}

    def __getitem__(self, part: str) -> pa.Table:
        if part not in self.sizes:
            raise KeyError(part)
        if part not in self._made:
            import pyarrow as pa

            whole = self.sizes[part] == self._table.num_rows
            mask = None if whole else pa.array(self._assigned == PARTS.index(part))
            self._made[part] = self._table if mask is None else self._table.filter(mask)
        return self._made[part]

    def batches(self, part: str) -> Iterator[pa.RecordBatch]:
        """Give a part batch by batch; it is not kept, so that columns larger than memory can be written."""
        import pyarrow as pa

        number, start = PARTS.index(part), 0
        for batch in self._table.to_batches(max_chunksize=None):
            mask = self._assigned[start : start + batch.num_rows] == number
            start += batch.num_rows
            if mask.any():
                yield batch.filter(pa.array(mask))

    def __iter__(self) -> Iterator[str]:
        return iter(self.sizes)

    def __len__(self) -> int:
        return len(self.sizes)


def batches_of(parts: Mapping[str, pa.Table], part: str) -> Iterator[pa.RecordBatch]:
    """Give a part batch by batch; one of pictures, which may be larger than memory, is not cut out for it."""
    import pyarrow as pa

    if isinstance(parts, CutParts) and any(pa.types.is_large_binary(kind) for kind in parts.schema.types):
        yield from parts.batches(part)
    else:
        yield from parts[part].to_batches()


def schema_of(parts: Mapping[str, pa.Table], part: str) -> pa.Schema:
    """Return the columns of a part, which is not cut out for it."""
    return parts.schema if isinstance(parts, CutParts) else parts[part].schema


class StoredParts(Mapping[str, "pa.Table"]):
    """Parts in Arrow files of a folder, mapped into memory when first asked for."""

    def __init__(self, folder: Path, names: tuple[str, ...]) -> None:
        self._folder, self._names = folder, names
        self._made: dict[str, pa.Table] = {}

    def __getitem__(self, part: str) -> pa.Table:
        if part not in self._names:
            raise KeyError(part)
        if part not in self._made:
            import pyarrow as pa

            with pa.memory_map(str(self._folder / f"{part}.arrow")) as source:
                self._made[part] = pa.ipc.open_file(source).read_all()
        return self._made[part]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)
