"""New rows for a trained model: the columns that training saw, in its order and its types, whatever else came."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from automl_bridge.data.arrow_types import is_text
from automl_bridge.data.cast import cast_like, in_file, new_notes
from automl_bridge.data.dataset import Dataset
from automl_bridge.data.fingerprint import fingerprint
from automl_bridge.data.image_arrays import from_image_arrays, is_image_arrays
from automl_bridge.data.image_columns import check_bad_images, listed, read_pictures, refuse
from automl_bridge.data.image_files import base_of
from automl_bridge.data.image_folder import is_image_folder, is_picture_file, read_image_folder
from automl_bridge.data.readers import read_table, source_name
from automl_bridge.data.text_files import is_text_file, read_text_file
from automl_bridge.data.tidy import IMAGE_HINT, SCALE_HINT, has_hint, is_unnamed
from automl_bridge.errors import SchemaError
from automl_bridge.spec import Kind, Profile

if TYPE_CHECKING:
    import pyarrow as pa

    from automl_bridge.spec import ColumnProfile, ImageProfile

__all__ = ["build_predict_dataset"]


def build_predict_dataset(
    source: Any, profile: Profile, *, name: str | None = None, bad_images: str = "refuse"
) -> Dataset:
    """Make the dataset of a predict job: one part, ``predict``, one row per row of ``source``, in order.

    Columns are found by name; where they have none (arrays, lists), by position. Others are left out, the target
    among them. No row is left out. A folder gives its pictures, sorted by path, with or without subfolders; a picture
    itself; a file that ends in ``.txt`` gives a text a line, to a model of one text column.

    Parameters
    ----------
    source
        What `readers.read_table` takes.
    profile
        Of the training data.
    name
        How to speak of the data; by default the file's name, or ``data``.
    bad_images
        What to do about pictures that cannot be read: ``refuse`` them all in one error, or ``skip`` them, which
        makes them missing, with a note.

    Raises
    ------
    SchemaError
        If columns are missing, or a value cannot be read as training's type; names them.
    """
    import pyarrow as pa

    skip = check_bad_images(bad_images) == "skip"
    name = name or source_name(source)
    base = base_of(source)
    source = _loose(source, profile)
    # What training saw as text is not guessed anew: "1.0", "true" and "2024-01-01" may be levels, "1,234" a thousand.
    texts = [column.name for column in profile.features if column.arrow_type == "string" or column.written]
    table = _matched(read_table(source, name=name, as_text=texts), profile, name)
    if not table.num_rows:
        raise SchemaError(f"0 sample(s) (shape=(0, {table.num_columns})) while a minimum of 1 is required.")
    fields, columns, seen, notes = [], [], [], []
    for column in profile.features:
        given = table.schema.field(column.name), table[column.name]
        image = column.image
        if column.kind is Kind.IMAGE:
            field, values, image, said = _pictures(*given, column, base, skip=skip, where=name)
            notes += said
        else:
            written = in_file(*given, column)
            values = cast_like(given[1], written)
            notes += new_notes(*given, written)
            field = pa.field(column.name, values.type)
        fields.append(field)
        columns.append(values)
        seen.append(column.model_copy(update={"missing": values.null_count, "image": image}))
    table = pa.Table.from_arrays(columns, schema=pa.schema(fields))
    new = Profile(
        name=name,
        rows={"predict": table.num_rows},
        bytes=table.nbytes,
        columns=tuple(seen),
        classes=profile.classes,
        target_type=profile.target_type,
        fingerprint=fingerprint(table),
    )
    return Dataset(new, {"predict": table}, None, tuple(notes))


def _loose(source: Any, profile: Profile) -> Any:
    """Return sources without column names of their own as tables of one column: folders, arrays, files of texts."""
    single = profile.features[0] if len(profile.features) == 1 else None
    if is_image_folder(source):
        return read_image_folder(source, classes=False).table
    if single is not None and single.kind is Kind.IMAGE and is_picture_file(source):
        return [str(Path(source).expanduser().absolute())]
    if is_image_arrays(source):
        return from_image_arrays(source, single.image if single else None)
    if single is not None and single.kind is Kind.TEXT and is_text_file(source):
        return read_text_file(source)
    return source


def _pictures(
    field: pa.Field, values: pa.ChunkedArray, column: ColumnProfile, base: str, *, skip: bool, where: str
) -> tuple[pa.Field, pa.ChunkedArray, ImageProfile | None, list[str]]:
    import pyarrow as pa

    if has_hint(field, IMAGE_HINT) and pa.types.is_large_binary(field.type) and not has_hint(field, SCALE_HINT):
        return field, values, column.image, []  # rows that the data room made: all has been checked
    if not (is_text(values.type) or pa.types.is_binary(values.type) or pa.types.is_large_binary(values.type)):
        if values.null_count < len(values):
            raise SchemaError(
                f'column "{column.name}" held pictures in training and holds {values.type} now',
                hint="give paths of pictures, or encoded PNG or JPEG files",
            )
        values = values.cast(pa.string())
    found = read_pictures(field, values, base)
    if found.bad and not skip:
        raise refuse(found.bad, len(values), column.name, where, base)
    if not found.bad:
        return found.field, found.column, found.profile or column.image, []
    told = f"{len(found.bad):,} of {len(values):,} images cannot be read and count as missing: {listed(found.bad)}"
    return found.field, found.column, found.profile or column.image, [told]


def _way_to(missing: list[str], there: list[str], *, everything: bool) -> str:
    """Say how the columns that are missing are given: some may be there under nearly their names, or without any."""
    near = {" ".join(name.split()).casefold(): name for name in there}
    found = [(name, near[key]) for name in missing if (key := " ".join(name.split()).casefold()) in near]
    if found:
        told = ", ".join(f'"{name}" instead of "{other}"' for name, other in found[:5])
        return f"call columns what training called them: {told}"
    if everything:
        shown = ", ".join(f'"{name[:30]}"' for name in there[:5]) + (", …" if len(there) > 5 else "")
        return f"the first line must name the columns; it reads {shown}"
    return "add what is missing; empty cells are allowed"


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
            hint=_way_to(missing, table.column_names, everything=len(missing) == len(wanted)),
        )
    return table.select(wanted)
