"""Which column is for what: targets, weights, groups and time, found in the table or put beside it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from automl_bridge.data.memory import from_memory
from automl_bridge.data.target import missing_column
from automl_bridge.data.tidy import tidy
from automl_bridge.data.values import array_of, mixed_metadata
from automl_bridge.errors import DataError, SchemaError, TargetError
from automl_bridge.spec import Role

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

__all__ = ["add_side_column", "add_targets", "check_weights"]


def add_targets(
    table: pa.Table, source: Any, target: str | Sequence[str] | None, y: Any, where: str
) -> tuple[pa.Table, tuple[str, ...]]:
    """Return the table with its targets in it, and their names.

    Parameters
    ----------
    source
        What the table was read from: labels of mixed types are told apart there.
    target
        Names of columns of the table; or, with ``y``, what to call it.
    y
        Targets beside the table: an array, a series, a list, a dataframe; shape (rows,) or (rows, targets).

    Raises
    ------
    TargetError
        If there is none, a column is missing, or ``y`` has another number of rows.
    """
    import pyarrow as pa

    names = (str(target),) if isinstance(target, str | int) else tuple(str(name) for name in target or ())
    if y is None and not names:
        raise TargetError("no target is given", hint="name the column to learn: --target COLUMN (target=…, or y)")
    if y is None:
        for name in names:
            if name not in table.column_names:
                raise missing_column(name, table.column_names, where, target=True)
        # Several targets stand in the order they were named, in the places that they have in the table.
        ordered = iter(names)
        table = table.select([next(ordered) if name in names else name for name in table.column_names])
        return _with_mixed(table, names, source), names
    beside, own_names = _target_table(y)
    if beside.num_rows != table.num_rows:
        raise TargetError(
            f"Found input variables with inconsistent numbers of samples: [{table.num_rows}, {beside.num_rows}] "
            "(rows of the table, and of y)",
            hint="give one target per row",
        )
    names = names if len(names) == beside.num_columns else own_names
    names = tuple(_free(name, table.column_names) for name in names)
    for name, field, column in zip(names, beside.schema, beside.columns, strict=True):
        table = table.append_column(pa.field(name, column.type, metadata=field.metadata), column)
    return table, names


def add_side_column(table: pa.Table, given: Any, role: Role, where: str) -> tuple[pa.Table, str | None]:
    """Return the table with a weight, group or time column in it, and its name.

    Parameters
    ----------
    given
        The name of a column, values beside the table with one per row, or None.

    Raises
    ------
    SchemaError
        If there is no such column, or the values have another number of rows.
    """
    if given is None:
        return table, None
    if isinstance(given, str):
        if given not in table.column_names:
            raise missing_column(given, table.column_names, where)
        return table, given
    column = tidy(from_memory(given) if not isinstance(given, list | tuple) else _one(given, str(role))).column(0)
    if len(column) != table.num_rows:
        raise SchemaError(
            f"the {role} has {len(column)} values, the table has {table.num_rows} rows", hint="give one value per row"
        )
    name = _free("sample_weight" if role is Role.WEIGHT else str(role), table.column_names)
    return table.append_column(name, column), name


def check_weights(column: pa.ChunkedArray, name: str) -> None:
    """Raise `DataError` unless weights are finite numbers, none negative or missing, and not all zero."""
    import pyarrow.compute as pc

    from automl_bridge.data.cast import to_float

    numbers = to_float(column, name)
    hint = "give every row a finite weight of 0 or more"
    if numbers.null_count:
        raise DataError(f'the weight "{name}" is missing in {numbers.null_count} rows', hint=hint)
    bad = numbers.filter(pc.or_(pc.less(numbers, 0.0), pc.invert(pc.is_finite(numbers))))
    if len(bad):
        raise DataError(f'the weight "{name}" holds {bad[0].as_py()} (and {len(bad) - 1} more of such)', hint=hint)
    if not pc.any(pc.greater(numbers, 0.0)).as_py():
        raise DataError(f'the weight "{name}" is zero in every row', hint=hint)


def _target_table(y: Any) -> tuple[pa.Table, tuple[str, ...]]:
    import pyarrow as pa

    if isinstance(y, list | tuple) and not any(
        hasattr(row, "__len__") and not isinstance(row, str | bytes) for row in y
    ):
        table = _one(y, "target")
    else:
        table = tidy(from_memory(y))
    if getattr(y, "ndim", 1) == 1 and table.num_columns == 1:
        metadata = mixed_metadata(y) if hasattr(y, "__iter__") and not hasattr(y, "to_arrow") else None
        named = getattr(y, "name", None)
        name = named if isinstance(named, str) and named else "target"
        field = pa.field(name, table.schema.types[0], metadata=metadata or table.schema.field(0).metadata)
        return pa.Table.from_arrays(table.columns, schema=pa.schema([field])), (name,)
    if table.num_columns == 1:
        return table, ("target",)
    own = isinstance(y, Mapping) or hasattr(y, "columns")
    return table, tuple(table.column_names) if own else tuple(f"target_{i}" for i in range(table.num_columns))


def _with_mixed(table: pa.Table, names: Sequence[str], source: Any) -> pa.Table:
    """Note the labels of targets whose values had no type in common in a pandas frame or a dict."""
    import pyarrow as pa

    if len(names) != 1 or isinstance(source, pa.Table) or not hasattr(source, "__getitem__"):
        return table
    if isinstance(source, str | list | tuple) or not (isinstance(source, Mapping) or hasattr(source, "iloc")):
        return table
    metadata = mixed_metadata(source[names[0]]) if names[0] in source else None
    if metadata is None:
        return table
    index = table.column_names.index(names[0])
    return table.set_column(index, table.schema.field(index).with_metadata(metadata), table.column(index))


def _one(values: Any, name: str) -> pa.Table:
    import pyarrow as pa

    table = pa.table({name: array_of(values, name)})
    metadata = mixed_metadata(values)
    field = pa.field(name, table.schema.types[0], metadata=metadata)
    return tidy(pa.Table.from_arrays(table.columns, schema=pa.schema([field])))


def _free(name: str, taken: Sequence[str]) -> str:
    while name in taken:
        name += "_"
    return name
