"""``automl-bridge predict``: one row of predictions for each row of data, in order."""

from __future__ import annotations

import contextlib
import io
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from automl_bridge.cli.options import BadImages, command, complete_run, examples
from automl_bridge.cli.output import claim_stdout, current

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    import pyarrow as pa

__all__ = ["EXAMPLES", "predict"]

EXAMPLES = examples(
    "automl-bridge predict 2f9c31d0 NEW.csv -o out.csv",
    "automl-bridge predict ./my-model NEW.parquet -o out.parquet",
    "automl-bridge predict 2f9c31d0 photos/ -o out.csv",
    "automl-bridge predict 2f9c31d0 NEW.csv -o - | head",
)
SUFFIXES = (".csv", ".parquet", ".arrow")


@command
def predict(
    *,
    model: Annotated[
        str,
        typer.Argument(
            metavar="RUN_OR_BUNDLE",
            help="Id of a run, or the folder of an exported model.",
            autocompletion=complete_run,
        ),
    ],
    data: Annotated[
        str | None,
        typer.Argument(
            metavar="DATA",
            help="A CSV, Parquet, Arrow or JSON-lines file with the features, a folder of pictures, or a .txt file "
            "with a text a line. Of a forecast: history, rows to come, or nothing.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        str,
        typer.Option(
            "--output", "-o", metavar="OUT", help="Where to write: .csv, .parquet or .arrow; - is standard output."
        ),
    ],
    bad_images: BadImages = None,
) -> None:
    """Predict each row of DATA: a column prediction, and a column probability_CLASS for each class.

    Of a folder of pictures the first column, file, says which picture; one left out as bad has no prediction.
    A forecast has one row for each series and step to come, with a column quantile_LEVEL for each quantile.
    """
    from automl_bridge.errors import UsageError

    output = current()
    if out == "-":
        if output.json_mode:
            raise UsageError("--json and -o - both want standard output", hint="write the predictions to a file")
        with claim_stdout() as stream:
            stream.write(_csv(_predicted(model, data, bad_images or "refuse")[1]))
        return
    path = _checked(Path(out))
    run_id, table = _predicted(model, data, bad_images or "refuse")
    _write(table, path)
    output.line(f"  {table.num_rows:,} {'row' if table.num_rows == 1 else 'rows'} → {path}")
    if output.json_mode:
        output.document(
            {
                "run_id": run_id,
                "state": "succeeded",
                "score": None,
                "output": str(path),
                "rows": table.num_rows,
                "columns": table.column_names,
            }
        )


def _is_bundle(model: str) -> bool:
    return os.sep in model or Path(model).is_dir()


def _predicted(model: str, data: str | None, bad_images: str) -> tuple[str | None, pa.Table]:
    """Predict by a run's model, or by a bundle, which needs no store; return the run's id, and the predictions."""
    from automl_bridge.cli.work import open_session

    with open_session() as session:
        run_id = None if _is_bundle(model) else session.get(model).id
        predictions = session.predict(Path(model) if run_id is None else run_id, data, bad_images=bad_images)
        for note in predictions.notes:
            current().err.print(f"  note: {note}", style="yellow", markup=False, soft_wrap=True)
        return run_id, _with_files(predictions.to_table(), data)


def _with_files(table: pa.Table, data: str | None) -> pa.Table:
    """Put the names of the pictures of a folder before their predictions."""
    import pyarrow as pa

    from automl_bridge.data.image_folder import is_image_folder, picture_files

    if not is_image_folder(data):
        return table
    return table.add_column(0, "file", pa.array(picture_files(str(data)), pa.string()))


def _checked(path: Path) -> Path:
    """Look where the predictions go before the work is done."""
    from automl_bridge.errors import StorageError, UsageError

    if path.suffix.lower() not in SUFFIXES:
        raise UsageError(f'"{path}" ends in no format that is known', hint=f"end it in {', '.join(SUFFIXES)}, or use -")
    if not path.parent.is_dir():
        raise UsageError(
            f"there is no folder {path.parent} to write {path.name} in", hint="make it, or write elsewhere"
        )
    if path.is_dir() or not os.access(path if path.exists() else path.parent, os.W_OK):
        raise StorageError(f"cannot write {path}", hint="write to a folder that is yours: -o FOLDER/out.csv")
    return path


def _csv(table: pa.Table) -> str:
    from pyarrow import csv

    # Arrow takes every text to need quotes: names are written without where they hold nothing that does.
    plain = not any(sign in name for name in table.column_names for sign in ',"\r\n')
    buffer = io.BytesIO()
    options = csv.WriteOptions(quoting_style="needed", quoting_header="none" if plain else "needed")
    csv.write_csv(table, buffer, options)
    return buffer.getvalue().decode()


def _write(table: pa.Table, path: Path) -> None:
    """Write the whole file or none: a reader never sees half of it."""
    with _whole(path) as file:
        suffix = path.suffix.lower()
        if suffix == ".csv":
            file.write(_csv(table).encode())
        elif suffix == ".parquet":
            from pyarrow import parquet

            parquet.write_table(table, file)
        else:
            from pyarrow import ipc

            with ipc.new_file(file, table.schema) as writer:
                writer.write_table(table)


@contextlib.contextmanager
def _whole(path: Path) -> Iterator[BinaryIO]:
    from automl_bridge.errors import StorageError

    draft = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with draft.open("xb") as file:
            yield file
        draft.replace(path)
    except OSError as error:
        raise StorageError(f"cannot write {path}: {error.strerror or error}", hint="write elsewhere") from error
    finally:
        draft.unlink(missing_ok=True)
