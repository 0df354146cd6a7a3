"""From any source to a Dataset: read, typed, checked, split and fingerprinted."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from automl_bridge.data.columns import Columns, understand, written_note
from automl_bridge.data.copies import copies_note
from automl_bridge.data.csv_labels import label_note, missing_hint, missing_words, without_words
from automl_bridge.data.dataset import Dataset
from automl_bridge.data.fingerprint import fingerprint
from automl_bridge.data.image_columns import check_bad_images
from automl_bridge.data.image_files import base_of
from automl_bridge.data.image_folder import IMAGE_COLUMN, LABEL_COLUMN, is_image_folder, read_image_folder
from automl_bridge.data.labels import classes_of
from automl_bridge.data.leak import leaking
from automl_bridge.data.parts import CutParts
from automl_bridge.data.predict import build_predict_dataset
from automl_bridge.data.readers import read_table, source_name
from automl_bridge.data.roles import add_side_column, add_targets, check_weights
from automl_bridge.data.split import check_fractions
from automl_bridge.data.split_by import assign
from automl_bridge.data.subject import settle_roles, with_pictures
from automl_bridge.data.target import check_classes, few_values, infer_task, numbers, single_row_note
from automl_bridge.data.tidy import CATEGORICAL_HINT, has_hint
from automl_bridge.data.written import way_of
from automl_bridge.errors import SchemaError, TargetError, UsageError
from automl_bridge.spec import Kind, Profile, Role
from automl_bridge.task import Task

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from automl_bridge.spec import Label

__all__ = ["build_dataset", "build_predict_dataset"]


def build_dataset(  # noqa: PLR0913 - each says one thing of the data that it cannot say itself
    source: Any,
    *,
    target: str | Sequence[str] | None = None,
    y: Any = None,
    task: Task | str | None = None,
    types: Mapping[str, Kind | str] | None = None,
    weight: Any = None,
    group: Any = None,
    time: Any = None,
    bad_images: str = "refuse",
    holdout: float = 0.2,
    validation: float = 0.2,
    seed: int = 0,
    name: str | None = None,
    forecast: Mapping[str, Any] | None = None,
) -> tuple[Task, Dataset]:
    """Make the dataset of a training job.

    Parameters
    ----------
    source
        What `readers.read_table` takes: a dataframe, an array, a path, an address …; or a folder with a subfolder of
        pictures a class, whose target is ``label`` unless it is called otherwise.
    target, y
        The column(s) to learn; or the values themselves, shape (rows,) or (rows, targets). Rows whose target is
        missing are left out, with a note.
    task
        By default what `target.infer_task` finds.
    types
        Kind by column, where the inferred one is not right (`schema` has the rule); ``ignored`` leaves one out.
    weight, group, time
        Name of a column, or one value per row. Rows of one group stay in one part. With a time the latest rows
        are held out, those before them validate; by default parts are drawn at random, each class by its share.
    bad_images
        What to do about pictures that cannot be read: ``refuse`` them all in one error, or ``skip`` their rows.
    holdout
        Share of all rows that never reaches training, in [0, 1).
    validation
        Share of the other rows, in [0, 1).
    seed
        Of the split.
    name
        How to speak of the data; by default the file's name, or ``data``.
    forecast
        Options of a forecast, as `series_options.SeriesOptions` has them; with one that is not None, the task is
        forecasting. The split is then by time (`series_split`).

    Returns
    -------
    tuple of Task and Dataset

    Raises
    ------
    DataError
        If the source cannot be read (`UnreadableError`, `EncodingError`), its columns cannot be used
        (`SchemaError`) or the target cannot be learned (`TargetError`).
    """
    check_fractions(holdout, validation, seed)
    asked = None if task is None else Task.parse(task)
    # That there are to be no quantiles is said by an empty list; of the others an empty one says nothing.
    options = {
        key: value
        for key, value in (forecast or {}).items()
        if value is not None and (key == "quantiles" or value not in ((), []))
    }
    if asked is Task.FORECASTING or (asked is None and options):
        from automl_bridge.data.series_build import build_series_dataset

        return Task.FORECASTING, build_series_dataset(
            source, options, target=target, y=y, time=time, types=types, weight=weight, group=group,
            holdout=holdout, validation=validation, name=name,
        )  # fmt: skip
    if options:
        raise UsageError(
            f"{', '.join(options)}: options of a forecast, and the task is {asked}", hint="use the task forecasting"
        )
    skip = check_bad_images(bad_images) == "skip"
    name = name or source_name(source)
    table, columns, said = _gathered(source, target, y, weight, group, time, types, name)
    first = columns.targets[0]
    origin = table.schema.field(first)
    table, notes = _with_target(table, columns.targets)
    if asked is None or not asked.is_classification:
        table, notes = _with_written_targets(table, columns.targets, notes, certain=asked is not None)
    found = asked or infer_task(
        table.schema.field(first),
        table[first],
        columns.feature_kinds,
        targets=len(columns.targets),
        numbers=str((types or {}).get(first, "")).lower() in {"numeric", "integer"},
    )
    columns = settle_roles(table, columns, found)
    classes: tuple[Label, ...] = ()
    counts: tuple[int, ...] = ()
    target_type = str(table.schema.field(first).type)
    if found.is_classification:
        classes, counts, target_type = _classes(table, columns, origin, inferred=asked is None)
    else:
        table = _with_numbers(table, columns.targets)
    if columns.weight:
        check_weights(table[columns.weight], columns.weight)
    # Reading pictures takes longest, so it comes last.
    pictured = with_pictures(
        table,
        columns,
        base_of(source),
        skip=skip,
        drop_missing=found.value.startswith("image"),
        where=name,
    )
    columns = replace(columns, images=pictured.images)
    if pictured.table.num_rows < table.num_rows and found.is_classification:
        classes, counts, target_type = _classes(pictured.table, columns, origin, inferred=asked is None)
    table = pictured.table
    notes = said + notes + pictured.notes + single_row_note(first, classes, counts)
    # Hashing needs nothing of what else there is to do, and leaves the interpreter free.
    with ThreadPoolExecutor(1) as aside:
        digest = aside.submit(fingerprint, table)
        profile = Profile(
            name=name,
            rows={"train": table.num_rows},
            bytes=table.nbytes,
            columns=columns.profiles(table, classification=found.is_classification),
            classes=classes,
            class_counts=counts,
            target_type=target_type,
            fingerprint="",
        )
        dataset = _cut(table, profile, columns, notes + columns.notes, holdout, validation, seed)
    whole = dataset.profile.model_copy(update={"fingerprint": digest.result()})
    return found, replace(dataset, profile=whole)


def _gathered(
    source: Any,
    target: str | Sequence[str] | None,
    y: Any,
    weight: Any,
    group: Any,
    time: Any,
    types: Mapping[str, Kind | str] | None,
    name: str,
) -> tuple[pa.Table, Columns, tuple[str, ...]]:
    notes: tuple[str, ...] = ()
    if is_image_folder(source):
        source, notes = read_image_folder(source, classes=y is None)
        target = target or (LABEL_COLUMN if y is None else None)
        if y is None and isinstance(target, str) and target not in source.column_names:
            source = source.rename_columns([IMAGE_COLUMN, target])
    named = [] if y is not None or target is None else [target] if isinstance(target, str | int) else list(target)
    as_words = {str(each): str((types or {}).get(each, "")).lower() in {"categorical", "text"} for each in named}
    table = read_table(source, name=name, labels=as_words)
    if not table.num_rows:
        raise SchemaError(f"0 sample(s) (shape=(0, {table.num_columns})) while a minimum of 1 is required.")
    table, targets = add_targets(table, source, target, y, name)
    roles = dict.fromkeys(targets, Role.TARGET)
    for given, role in ((weight, Role.WEIGHT), (group, Role.GROUP), (time, Role.TIME)):
        table, column = add_side_column(table, given, role, name)
        if column in roles:
            raise SchemaError(f'column "{column}" cannot be {roles[column]} and {role} at once', hint="name another")
        if column is not None:
            roles[column] = role
    return *understand(table, roles, types or {}, name), notes


def _with_target(table: pa.Table, targets: Sequence[str]) -> tuple[pa.Table, tuple[str, ...]]:
    """Leave out the rows that have no target, and say how many."""
    import functools

    import pyarrow.compute as pc

    fields = [table.schema.field(name) for name in targets]
    notes = tuple(note for field in fields for note in label_note(field))
    for field in fields:
        index = table.column_names.index(field.name)
        table = table.set_column(index, without_words(field), table.column(index))
    if not any(table[name].null_count for name in targets):
        return table, notes
    kept = table.filter(functools.reduce(pc.and_, [pc.is_valid(table[name]) for name in targets]))
    listed = ", ".join(f'"{name}"' for name in targets)
    if not kept.num_rows:
        raise TargetError(
            f"the target {listed} is missing in every row" + "".join(map(missing_words, fields)),
            hint="choose another target" + "".join(f"; {hint}" for hint in map(missing_hint, fields) if hint),
        )
    left_out = (
        f"{table.num_rows - kept.num_rows:,} of {table.num_rows:,} rows left out: their target {listed} is missing"
    )
    words = "".join(map(missing_words, fields))
    hints = "".join(f"; {hint}" for hint in map(missing_hint, fields) if hint)
    return kept, (*notes, left_out + words + hints)


def _with_written_targets(
    table: pa.Table, targets: Sequence[str], notes: tuple[str, ...], *, certain: bool
) -> tuple[pa.Table, tuple[str, ...]]:
    """Read targets like ``$1,234.50`` as numbers; unless a regression is ``certain``, only if they are no classes."""
    for name in targets:
        index = table.column_names.index(name)
        column = table.column(index)
        way = None if has_hint(table.schema.field(index), CATEGORICAL_HINT) else way_of(column)
        if way is not None and (certain or not few_values(column)):
            table = table.set_column(index, name, way.read(column, name))
            notes = (*notes, written_note(name, way))
    return table, notes


def _classes(
    table: pa.Table, columns: Columns, origin: pa.Field, *, inferred: bool
) -> tuple[tuple[Label, ...], tuple[int, ...], str]:
    """Return classes, their counts and the target's type; ``origin`` is the target as it was read."""
    if len(columns.targets) > 1:
        raise TargetError(f"{len(columns.targets)} targets at once are learned only as numbers", hint="choose one")
    first = columns.targets[0]
    classes, counts, target_type = classes_of(table.schema.field(first), table[first])
    check_classes(origin, table[first], classes, inferred=inferred)
    return classes, counts, target_type


def _with_numbers(table: pa.Table, targets: Sequence[str]) -> pa.Table:
    for name in targets:
        index = table.column_names.index(name)
        column = numbers(name, table.column(index))
        if column is not table.column(index):
            table = table.set_column(index, name, column)
    return table


def _cut(
    table: pa.Table,
    profile: Profile,
    columns: Columns,
    notes: tuple[str, ...],
    holdout: float,
    validation: float,
    seed: int,
) -> Dataset:
    """Split, look for columns that give the target away, and put the dataset together."""
    import numpy as np

    whole = Dataset(profile, {"train": table})
    values: NDArray[np.float64]
    codes = whole.target_codes("train") if profile.classes else None
    values = whole.target_values("train")[:, 0] if codes is None else codes.astype(np.float64)
    assigned = assign(table, columns, codes, holdout=holdout, validation=validation, seed=seed)
    features = [column.name for column in profile.features if column.kind is not Kind.IMAGE]
    for leak in leaking(table, features, values, classes=len(profile.classes)):
        told = (
            f'column "{leak}" holds the same information as the target "{columns.targets[0]}", one to one; '
            f"leave it out (--type {leak}=ignored) unless it is known when you predict"
        )
        notes = (*notes, told)
    for column in profile.features if len(profile.features) == 1 else ():
        if what := {Kind.IMAGE: "pictures", Kind.TEXT: "texts"}.get(column.kind):
            notes = (*notes, *copies_note(table[column.name], assigned, what))
    ignored = [column.name for column in profile.with_role(Role.IGNORED)]
    parts = CutParts(table.drop_columns(ignored) if ignored else table, assigned)
    return Dataset(
        profile.model_copy(update={"rows": dict(parts.sizes)}),
        parts,
        None,
        notes,
        hashlib.sha256(assigned.tobytes()).hexdigest(),
    )
