"""What the script in the workspace wrote, as numbers: a header of known names, and one line a row."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from automl_bridge.cloud.outputs import check_probabilities
from automl_bridge.data.csv_cells import any_size
from automl_bridge.errors import BackendError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

__all__ = ["read_predictions"]


def read_predictions(
    body: bytes,
    columns: Sequence[str],
    rows: int,
    probabilities: bool,  # noqa: FBT001 - a fact of the job
) -> NDArray[np.float64]:
    """Return predictions, shape (rows, columns).

    Parameters
    ----------
    columns
        The header that is expected.
    rows
        How many rows were asked about.
    probabilities
        Whether the values of a row must be probabilities.

    Raises
    ------
    BackendError
        If header, number of rows or a value are not what was asked for; names the line.
    """
    import numpy as np

    lines = _lines(body)
    header = next(lines, [])
    if header != list(columns):
        raise BackendError(f"the predict job answered with columns {', '.join(header[:12])}, not {', '.join(columns)}")
    values = []
    for number, line in enumerate(lines, start=2):
        try:
            values.append([float(cell) for cell in line])
        except ValueError:
            raise BackendError(
                f"line {number} of the predict job's answer is no row of numbers: {str(line)[:200]}"
            ) from None
        if len(line) != len(columns):
            raise BackendError(f"line {number} of the predict job's answer has {len(line)} values, not {len(columns)}")
    if len(values) != rows:
        raise BackendError(f"the predict job answered {len(values):,} rows of {rows:,}")
    outputs = np.array(values, dtype=np.float64).reshape(rows, len(columns))
    if probabilities:
        check_probabilities(outputs, "the predict job")
    elif not np.isfinite(outputs).all():
        raise BackendError("the predict job answered with values that are no numbers")
    return outputs


def _lines(body: bytes) -> Iterator[list[str]]:
    with any_size():
        yield from csv.reader(io.StringIO(body.decode("utf-8"), newline=""))
