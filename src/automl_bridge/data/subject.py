"""What a task is about: which columns an image, a text or a multimodal task reads, and the pictures themselves."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from automl_bridge.data.arrow_types import is_text
from automl_bridge.data.image_columns import listed, read_pictures, refuse
from automl_bridge.data.spool import filtered
from automl_bridge.errors import SchemaError
from automl_bridge.spec import ImageProfile, Kind, Role

if TYPE_CHECKING:
    import pyarrow as pa

    from automl_bridge.data.columns import Columns
    from automl_bridge.task import Task

__all__ = ["WithPictures", "settle_roles", "with_pictures"]


class WithPictures(NamedTuple):
    """A table whose pictures have been read; which rows of the table before it has; sentences for the reader."""

    table: pa.Table
    images: dict[str, ImageProfile]
    notes: tuple[str, ...]


def settle_roles(table: pa.Table, columns: Columns, task: Task) -> Columns:
    """Leave the columns to a task that it reads; the others are ignored, with a note.

    Raises
    ------
    SchemaError
        If an image or text task has no such column, or more than one.
    """
    subject = task.value.partition("-")[0]
    if subject == "image":
        return _only(columns, _image_column(columns, task), task)
    if subject == "text":
        return _only(columns, _text_column(table, columns, task), task, Kind.TEXT)
    if subject in {"tabular", "forecasting"}:
        images = _of_kind(columns, Kind.IMAGE)
        if images and len(images) == len(columns.feature_kinds):
            raise SchemaError(
                f"all columns hold pictures, which {task} does not read", hint=f"use {_sibling(task, 'image')}"
            )
        return _without(columns, images, f"{task} does not read pictures") if images else columns
    return columns


def with_pictures(
    table: pa.Table, columns: Columns, base: str, *, skip: bool, drop_missing: bool, where: str
) -> WithPictures:
    """Read the pictures of all columns that are features of that kind.

    Parameters
    ----------
    base
        What paths are relative to.
    skip
        Whether rows with a picture that cannot be read are left out; else they are an error that names all.
    drop_missing
        Whether rows without a picture are left out.
    where
        How to speak of the data.

    Raises
    ------
    UnreadableError
        If pictures cannot be read; names all of them.
    """
    import numpy as np
    import pyarrow as pa

    images: dict[str, ImageProfile] = {}
    notes: list[str] = []
    keep = np.ones(table.num_rows, bool)
    for name in _of_kind(columns, Kind.IMAGE):
        index = table.column_names.index(name)
        found = read_pictures(table.schema.field(index), table.column(index), base)
        if found.bad and not skip:
            raise refuse(found.bad, table.num_rows, name, where, base)
        keep[[each.row for each in found.bad]] = False
        if found.bad:
            count = f"{len(found.bad):,} of {table.num_rows:,} images"
            notes.append(f"{count} left out, they cannot be read: {listed(found.bad)}")
        missing = found.column.null_count - len(found.bad)
        if missing and drop_missing:
            keep &= found.column.is_valid().to_numpy()
            notes.append(f"{missing:,} of {table.num_rows:,} rows left out: they have no picture")
        if found.profile is None:
            raise SchemaError(f'column "{name}" of {where} holds no picture at all', hint="give at least one picture")
        images[name] = found.profile
        table = table.set_column(index, found.field, found.column)
    if not keep.all():
        table = _filtered(table, pa.array(keep))
    if not table.num_rows:
        raise SchemaError(f"{where} has no row left with a picture that can be read", hint="mend the pictures")
    return WithPictures(table, images, tuple(notes))


def _filtered(table: pa.Table, keep: pa.BooleanArray) -> pa.Table:
    """Return the rows to keep; columns of pictures may be larger than memory."""
    import pyarrow as pa

    columns = [
        filtered(column, keep) if pa.types.is_large_binary(column.type) else column.filter(keep)
        for column in table.columns
    ]
    return pa.Table.from_arrays(columns, schema=table.schema)


def _of_kind(columns: Columns, kind: Kind) -> list[str]:
    return [name for name, each in columns.kinds.items() if each is kind and columns.roles[name] is Role.FEATURE]


def _image_column(columns: Columns, task: Task) -> str:
    found = _of_kind(columns, Kind.IMAGE)
    if len(found) == 1:
        return found[0]
    if found:
        raise _too_many(found, "pictures")
    raise SchemaError(
        f"{task} needs a column of pictures: of paths like photos/1.png, or of encoded PNG or JPEG files",
        hint="set it by hand: --type COLUMN=image",
    )


def _text_column(table: pa.Table, columns: Columns, task: Task) -> str:
    found = _of_kind(columns, Kind.TEXT)
    if not found:
        # Short or repeated texts look like categories or identifiers.
        settled = set(columns.roles) - {
            name for name, role in columns.roles.items() if role in {Role.FEATURE, Role.IGNORED}
        }
        found = [
            name
            for name in table.column_names
            if name not in settled and is_text(table[name].type) and columns.kinds[name] is Kind.CATEGORICAL
        ]
    if len(found) == 1:
        return found[0]
    if found:
        raise _too_many(found, "texts")
    raise SchemaError(f"{task} needs a column of texts, and there is none", hint="set it by hand: --type COLUMN=text")


def _too_many(names: list[str], what: str) -> SchemaError:
    listed = ", ".join(f'"{name}"' for name in names[:12])
    return SchemaError(
        f"{len(names)} columns hold {what}: {listed}",
        hint=f"choose one by leaving out the others (--type {names[-1]}=ignored), or use a multimodal task",
    )


def _only(columns: Columns, name: str, task: Task, kind: Kind | None = None) -> Columns:
    others = [each for each, role in columns.roles.items() if role is Role.FEATURE and each != name]
    kinds = columns.kinds if kind is None else columns.kinds | {name: kind}
    notes = tuple(note for note in columns.notes if not note.startswith(f'column "{name}" left out'))
    columns = replace(columns, kinds=kinds, roles=columns.roles | {name: Role.FEATURE}, notes=notes)
    why = f'{task} reads "{name}" only; {_sibling(task, "multimodal")} takes all'
    return _without(columns, others, why) if others else columns


def _without(columns: Columns, names: list[str], why: str) -> Columns:
    roles = columns.roles | dict.fromkeys(names, Role.IGNORED)
    listed = ", ".join(f'"{name}"' for name in names[:12]) + (", …" if len(names) > 12 else "")
    noun = "column" if len(names) == 1 else f"{len(names)} columns"
    return replace(columns, roles=roles, notes=(*columns.notes, f"{noun} {listed} left out: {why}"))


def _sibling(task: Task, subject: str) -> str:
    return f"{subject}-{'classification' if task.is_classification else 'regression'}"
