"""New rows for a trained model: the columns that training saw, in its order and its types, whatever else came."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from automl_bridge.data.cast import cast_like
from automl_bridge.data.dataset import Dataset
from automl_bridge.data.fingerprint import fingerprint
from automl_bridge.data.readers import read_table, source_name
from automl_bridge.data.tidy import is_unnamed
from automl_bridge.errors import SchemaError
from automl_bridge.spec import Profile

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["build_predict_dataset"]


def build_predict_dataset(source: Any, profile: Profile, *, name: str | None = None) -> Dataset:
    """Make the dataset of a predict job: one part, ``predict``, one row per row of ``source``, in order.

    Columns are found by name; where they have none (arrays, lists), by position. Others are left out, the target
    among them. No row is left out.

    Parameters
    ----------
    source
        What `readers.read_table` takes.
    profile
        Of the training data.
    name
        How to speak of the data; by default the file's name, or ``data``.

    Raises
    ------
    SchemaError
        If columns are missing, or a value cannot be read as training's type; names them.
    """
    import pyarrow as pa

    name = name or source_name(source)
    # What training saw as text is not guessed anew: "1.0", "true" and "2024-01-01" may be levels, "1,234" a thousand.
    texts = [column.name for column in profile.features if column.arrow_type == "string" or column.written]
    table = _matched(read_table(source, name=name, as_text=texts), profile, name)
    if not table.num_rows:
        raise SchemaError(f"0 sample(s) (shape=(0, {table.num_columns})) while a minimum of 1 is required.")
    columns = [cast_like(table[column.name], column) for column in profile.features]
    table = pa.Table.from_arrays(columns, names=[column.name for column in profile.features])
    seen = tuple(
        column.model_copy(update={"missing": values.null_count})
        for column, values in zip(profile.features, columns, strict=True)
    )
    new = Profile(
        name=name,
        rows={"predict": table.num_rows},
        bytes=table.nbytes,
        columns=seen,
        classes=profile.classes,
        target_type=profile.target_type,
        fingerprint=fingerprint(table),
    )
    return Dataset(new, {"predict": table})


def _matched(table: pa.Table, profile: Profile, name: str) -> pa.Table:
    wanted = [column.name for column in profile.features]
    if is_unnamed(table) and not set(wanted) <= set(table.column_names):
        if table.num_columns != len(wanted):
            raise SchemaError(
                f"X has {table.num_columns} features, but the model is expecting {len(wanted)} features as input",
                hint="give the columns that it was trained on, in their order",
            )
        return table.rename_columns(wanted)
    present = set(table.column_names)
    missing = [column for column in wanted if column not in present]
    if missing:
        listed = ", ".join(f'"{column}"' for column in missing[:12]) + (", …" if len(missing) > 12 else "")
        noun = "column" if len(missing) == 1 else f"{len(missing)} columns"
        raise SchemaError(
            f"{name} lacks the {noun} {listed} that the model was trained on",
            hint="add what is missing; empty cells are allowed",
        )
    return table.select(wanted)
