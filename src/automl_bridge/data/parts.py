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

__all__ = ["CutParts", "StoredParts"]


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

    def __iter__(self) -> Iterator[str]:
        return iter(self.sizes)

    def __len__(self) -> int:
        return len(self.sizes)


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
