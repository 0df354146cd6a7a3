"""Class labels: to numbers in a stated order, and back in the type they came in."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from automl_bridge.data.arrow_types import parse_type
from automl_bridge.data.values import mixed_labels, text_of
from automl_bridge.errors import TargetError

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from automl_bridge.spec import Label, Profile

__all__ = ["MIXED", "classes_array", "classes_of", "decode", "encode"]

MIXED = "mixed"
"""`Profile.target_type` of labels that have no type in common (``1`` and ``"a"``)."""


def classes_of(field: pa.Field, column: pa.ChunkedArray) -> tuple[tuple[Label, ...], tuple[int, ...], str]:
    """Return the classes of a target, their counts, and the type for `Profile.target_type`.

    The order is that of `numpy.unique` for the type: strings by code point, numbers by value, False before True,
    stamps by time; labels without a common type by their text.

    Parameters
    ----------
    field, column
        The target, in the form of `tidy.tidy`; missing values are no class.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    counted = pc.value_counts(column.drop_null())
    values, counts = counted.field("values"), counted.field("counts")
    # Booleans have no order in Arrow's sort.
    key = values.cast(pa.uint8()) if pa.types.is_boolean(values.type) else values
    order = pc.sort_indices(key)
    values, counts = values.take(order), counts.take(order)
    mixed = mixed_labels(field)
    if mixed is not None:
        own = {text_of(label): label for label in mixed}
        return tuple(own[text] for text in values.to_pylist()), tuple(counts.to_pylist()), MIXED
    return tuple(_label(value) for value in values), tuple(counts.to_pylist()), str(field.type)


def encode(column: pa.ChunkedArray, profile: Profile) -> NDArray[np.int64]:
    """Return each value's index into ``profile.classes``, shape (rows,), int64.

    Raises
    ------
    TargetError
        If a value is none of the classes; names it.
    """
    import pyarrow.compute as pc

    known = _class_values(profile).cast(column.type)
    codes = pc.index_in(column, value_set=known)
    if codes.null_count:
        unknown = column.filter(pc.is_null(codes))[0].as_py()
        raise TargetError(
            f"the target holds {unknown!r}, which is none of the {len(profile.classes)} classes",
            hint="score on rows whose classes were there in training",
        )
    found: NDArray[np.int64] = codes.to_numpy().astype("int64")
    return found


def decode(codes: Any, profile: Profile) -> NDArray[Any]:
    """Return labels for class indices, in the type that the target had.

    Parameters
    ----------
    codes
        Indices into ``profile.classes``, any shape.
    profile
        Of the training data.

    Returns
    -------
    numpy.ndarray
        Of the same shape. Strings, dates, stamps with a zone, decimals and mixed labels are objects; all others have
        their dtype.
    """
    import numpy as np

    return classes_array(profile)[np.asarray(codes, dtype=np.int64)]


def classes_array(profile: Profile) -> NDArray[Any]:
    """Return ``profile.classes`` as an array of the type that the target had, shape (classes,)."""
    import numpy as np

    if profile.target_type == MIXED:
        labels = np.empty(len(profile.classes), dtype=object)
        labels[:] = profile.classes
        return labels
    values = _class_values(profile)
    if str(values.type) == "date32[day]" or "tz=" in str(values.type):
        # As pandas and Python have them: numpy has no zones, and its days are no dates.
        labels = np.empty(len(values), dtype=object)
        labels[:] = values.to_pylist()
        return labels
    found: NDArray[Any] = np.asarray(values.to_numpy(zero_copy_only=False))
    return found


def _class_values(profile: Profile) -> pa.Array:
    import pyarrow as pa

    assert profile.target_type is not None
    if profile.target_type == MIXED:
        return pa.array([text_of(label) for label in profile.classes], pa.string())
    kind = parse_type(profile.target_type)
    if pa.types.is_binary(kind):
        return pa.array([str(label).encode("latin-1") for label in profile.classes], kind)
    if all(isinstance(label, str) for label in profile.classes):
        return _from_text(profile.classes, kind)
    if pa.types.is_floating(kind):
        return pa.array([float(label) for label in profile.classes if label is not None], kind)
    return pa.array(profile.classes, kind)


def _from_text(labels: tuple[Label, ...], kind: pa.DataType) -> pa.Array:
    import pyarrow as pa

    values = pa.array(labels, pa.string())
    if pa.types.is_timestamp(kind) and kind.tz is not None:
        return values.cast(pa.timestamp(kind.unit)).cast(pa.timestamp(kind.unit, "UTC")).cast(kind)
    if pa.types.is_duration(kind):
        return values.cast(pa.int64()).cast(kind)
    if pa.types.is_time(kind):
        return pa.array([dt.time.fromisoformat(str(label)) for label in labels], kind)
    return values.cast(kind)


def _label(value: pa.Scalar) -> Label:
    """Write one class in JSON: numbers, strings and booleans as they are, all else as text that `_from_text` reads."""
    import pyarrow as pa

    kind = value.type
    if pa.types.is_binary(kind):
        return str(value.as_py().decode("latin-1"))
    if pa.types.is_timestamp(kind):
        return str(
            value.cast(pa.timestamp(kind.unit, "UTC") if kind.tz else kind)
            .cast(pa.timestamp(kind.unit))
            .cast(pa.string())
            .as_py()
        )
    if pa.types.is_duration(kind):
        return str(value.cast(pa.int64()).as_py())
    if pa.types.is_date(kind) or pa.types.is_time(kind) or pa.types.is_decimal(kind):
        return str(value.cast(pa.string()).as_py())
    label: Label = value.as_py()
    return label
