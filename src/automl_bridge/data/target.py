"""The target: found, understood and checked before anything is spent on it."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from automl_bridge.data.arrow_types import is_integral, is_number, is_stamp, is_text
from automl_bridge.data.csv_labels import missing_hint, missing_words
from automl_bridge.data.tidy import CATEGORICAL_HINT, has_hint
from automl_bridge.errors import SchemaError, TargetError
from automl_bridge.spec import Kind
from automl_bridge.task import Task

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pyarrow as pa

    from automl_bridge.spec import Label

__all__ = ["check_classes", "few_values", "infer_task", "missing_column", "numbers", "single_row_note"]

_MAX_INTEGER_CLASSES = 20
_ROWS_PER_CLASS = 10


def missing_column(wanted: str, names: Sequence[str], where: str, *, target: bool = False) -> SchemaError | TargetError:
    """Return the error for a column that is not there, with the nearest that is."""
    near = difflib.get_close_matches(wanted, names, n=1)
    guess = f' Did you mean "{near[0]}"?' if near else ""
    shown = ", ".join(names[:12]) + (", …" if len(names) > 12 else "")
    kind = TargetError if target else SchemaError
    return kind(f'no column "{wanted}" in {where}.{guess} Columns: {shown} ({len(names)})')


def infer_task(
    field: pa.Field, column: pa.ChunkedArray, kinds: Iterable[Kind], *, targets: int = 1, numbers: bool = False
) -> Task:
    """Return the task that the target and the features settle.

    Classification for strings, booleans, categoricals, for whole numbers (also as floats) of at most 20 values with
    10 or more rows each on average, and for 0 and 1. Regression for all other numbers. Text or image, if all
    features are; multimodal, if some are images; tabular otherwise.

    Parameters
    ----------
    field, column
        The (first) target.
    kinds
        Kinds of the features.
    targets
        Number of targets; more than one is a regression.
    numbers
        Whether the target's kind was set to numbers by hand.

    Raises
    ------
    TargetError
        If it is neither a class nor a number.
    """
    classification = targets == 1 and not numbers and _looks_like_classes(field, column)
    if not classification and not _is_quantity(field):
        raise TargetError(f'the target "{field.name}" holds {field.type}', hint="give numbers or labels to learn")
    found = set(kinds)
    subject = "tabular"
    if found == {Kind.TEXT}:
        subject = "text"
    elif found == {Kind.IMAGE}:
        subject = "image"
    elif Kind.IMAGE in found:
        subject = "multimodal"
    return Task(f"{subject}-{'classification' if classification else 'regression'}")


def check_classes(field: pa.Field, column: pa.ChunkedArray, classes: Sequence[Label], *, inferred: bool) -> None:
    """Raise `TargetError` for a target that no classifier learns: one class, fractions, hardly a label twice."""
    import pyarrow as pa

    name = field.name

    if pa.types.is_floating(column.type) and _has_infinity(column):
        raise _infinity(name)
    if len(classes) == 1:
        raise TargetError(
            f'the target "{name}" has only one class, {classes[0]!r}: there is nothing to tell apart'
            + (f"; other rows are missing{words}" if (words := missing_words(field)) else ""),
            hint=missing_hint(field) or "add rows of another class, or choose another target",
        )
    if pa.types.is_floating(column.type) and not _integral(column) and len(classes) > _few(len(column)):
        raise TargetError(
            f'Unknown label type: continuous. The target "{name}" holds fractions, {len(classes)} different ones',
            hint="for numbers use a regression task",
        )
    if inferred and len(classes) > max(50, len(column) // 2):
        raise TargetError(
            f'the target "{name}" has {len(classes)} classes in {len(column)} rows: hardly any is there twice',
            hint="is it an identifier? Choose another target, or name the task to have it anyway",
        )


def few_values(column: pa.ChunkedArray) -> bool:
    """Whether there are as few different values as classes of whole numbers have."""
    import pyarrow.compute as pc

    return bool(pc.count_distinct(column).as_py() <= _few(len(column)))


def numbers(name: str, column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a regression's target as numbers: text is read, booleans count as 0 and 1.

    Raises
    ------
    TargetError
        If a value is no finite number; names it.
    """
    import pyarrow as pa

    if is_text(column.type):
        from automl_bridge.data.cast import to_float

        try:
            column = to_float(column, name)
        except SchemaError as error:
            raise TargetError(
                f"a regression needs numbers: {error.message}", hint="use a classification task"
            ) from None
    elif pa.types.is_boolean(column.type):
        column = column.cast(pa.uint8())
    elif not is_number(column.type) and not pa.types.is_duration(column.type):
        raise TargetError(f'a regression needs numbers: the target "{name}" holds {column.type}')
    if pa.types.is_floating(column.type) and _has_infinity(column):
        raise _infinity(name)
    return column


def single_row_note(name: str, classes: Sequence[Label], counts: Sequence[int]) -> tuple[str, ...]:
    """Return the warning for classes with a single row: they are kept, trained on, and cannot be scored."""
    alone = [repr(label) for label, count in zip(classes, counts, strict=True) if count == 1]
    if not alone:
        return ()
    listed = ", ".join(alone[:5]) + (", …" if len(alone) > 5 else "")
    noun = "class" if len(alone) == 1 else "classes"
    return (f'{noun} {listed} of "{name}" with a single row: kept and trained on, but no score can tell how well',)


def _looks_like_classes(field: pa.Field, column: pa.ChunkedArray) -> bool:
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = field.type
    if has_hint(field, CATEGORICAL_HINT) or is_text(kind) or pa.types.is_boolean(kind) or pa.types.is_binary(kind):
        return True
    if not (is_integral(kind) or (pa.types.is_floating(kind) and _integral(column))):
        return False
    distinct = pc.count_distinct(column).as_py()
    if distinct <= 2:
        return bool(is_integral(kind) or set(pc.unique(column).to_pylist()) <= {0.0, 1.0})
    return bool(distinct <= _few(len(column)))


def _is_quantity(field: pa.Field) -> bool:
    import pyarrow as pa

    return bool(is_number(field.type) or pa.types.is_duration(field.type)) and not is_stamp(field.type)


def _few(rows: int) -> int:
    return min(_MAX_INTEGER_CLASSES, rows // _ROWS_PER_CLASS)


def _integral(column: pa.ChunkedArray) -> bool:
    import pyarrow.compute as pc

    return bool(pc.all(pc.equal(column, pc.round(column))).as_py())


def _has_infinity(column: pa.ChunkedArray) -> bool:
    import pyarrow.compute as pc

    return bool(pc.any(pc.is_inf(column)).as_py())


def _infinity(name: str) -> TargetError:
    # The words of scikit-learn, so that its own checks know them.
    return TargetError(
        f"Input y contains infinity or a value too large for dtype('float64'). (The target is \"{name}\".)",
        hint="leave out the rows with an infinite target, or give them a number",
    )
