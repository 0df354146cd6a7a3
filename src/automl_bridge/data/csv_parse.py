"""Arrow's CSV parser, told no more than it must know, and told again where that was not enough."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

from automl_bridge.data.csv_cells import any_size
from automl_bridge.data.csv_dialect import encoding_error
from automl_bridge.data.csv_watch import BLOCK, WatchedFile, breaks_in_quotes
from automl_bridge.errors import DataError, SchemaError, UnreadableError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import pyarrow as pa

__all__ = ["CsvParser"]

_SAMPLE = 4 * BLOCK
_LONG_RECORDS = 64 * BLOCK


@dataclass
class CsvParser:
    """Parses one file.

    Three things make it fast, each undone where the file shows that it was wrong: line breaks in quotes are not
    looked for; blocks are small; and types are inferred from the first 4 MB, because Arrow keeps the text of all
    cells in memory as long as a type is open. A type that holds for all rows is the one that inference from all
    rows finds: each type that it tries before fails in the sample already.

    Parameters
    ----------
    opener
        Opens the file anew, from its start, in binary mode.
    name
        How to speak of it.
    separator, width
        Of the cells, and number of columns.
    text
        Columns that are text, whatever they look like.
    lines
        Number of lines that stand in the file before what the opener opens.
    """

    opener: Callable[[], BinaryIO]
    name: str
    separator: str
    width: int
    text: frozenset[str] = frozenset()
    lines: int = 0
    breaks: bool = False
    block: int = BLOCK
    leading_zeros: bool = False

    def all_columns(self) -> pa.Table:
        """Parse the file.

        Raises
        ------
        EncodingError, SchemaError, UnreadableError
            As `readers.read_table` says.
        """
        return self._parse([], self._sampled_types())

    def as_text(self, names: Sequence[str], **nulls: Any) -> pa.Table:
        """Parse the columns ``names`` only, as they are written; ``nulls`` are Arrow's options of what is missing."""
        import pyarrow as pa

        return self._parse(names, dict.fromkeys(names, pa.string()), nulls)

    def _parse(
        self, names: Sequence[str], types: dict[str, pa.DataType], nulls: Mapping[str, Any] | None = None
    ) -> pa.Table:
        import pyarrow as pa

        while True:
            watched = WatchedFile(self.opener(), self.separator)
            try:
                with watched:
                    table = self._read(watched, names, types, nulls or {})
            except UnicodeDecodeError:
                raise encoding_error(self.opener, self.name, self.lines + 1) from None
            except pa.ArrowInvalid as error:
                if not names and types.keys() > self.text and "conversion error" in str(error):
                    types = self._text_types()
                elif not self._ask_for_more():
                    raise self._explain(error) from None
                continue
            if watched.breaks and not self.breaks:
                self.breaks = True
                continue
            if any(pa.types.is_binary(kind) for kind in table.schema.types):
                raise encoding_error(self.opener, self.name, self.lines + 1)
            if watched.odd and not names and _never_closed(table, watched.end):
                raise UnreadableError(f"{self.name} ends within a quoted cell", hint="look for a quote never closed")
            self.leading_zeros = watched.leading_zeros
            return table

    def _ask_for_more(self) -> bool:
        if not self.breaks:
            self.breaks = True
        elif self.block < _LONG_RECORDS:
            self.block = _LONG_RECORDS
        else:
            return False
        return True

    def _read(
        self,
        file: BinaryIO | io.RawIOBase,
        names: Sequence[str],
        types: dict[str, pa.DataType],
        nulls: Mapping[str, Any],
    ) -> pa.Table:
        import pyarrow.csv

        return pyarrow.csv.read_csv(
            file,
            pyarrow.csv.ReadOptions(block_size=self.block),
            pyarrow.csv.ParseOptions(
                delimiter=self.separator,
                newlines_in_values=self.breaks,
                # In a file of one column an empty line is a row whose value is missing.
                ignore_empty_lines=self.width > 1,
                invalid_row_handler=_without_blank_lines if self.width > 1 else None,
            ),
            pyarrow.csv.ConvertOptions(
                **{"strings_can_be_null": True, **nulls}, include_columns=list(names) or None, column_types=types
            ),
        )

    def _sampled_types(self) -> dict[str, pa.DataType]:
        """Return the types of the first 4 MB, where columns are not empty; of a small file those of `text` only."""
        import pyarrow as pa

        with self.opener() as file:
            sample = file.read(_SAMPLE)
        self.breaks = breaks_in_quotes(sample)
        if len(sample) < _SAMPLE:
            return self._text_types()
        try:
            schema = self._read(io.BytesIO(sample[: sample.rfind(b"\n") + 1]), [], {}, {}).schema
        except (pa.ArrowInvalid, UnicodeDecodeError):
            # A cell is cut through, or the file is wrong: parsing all of it will tell.
            return self._text_types()
        open_types = {field.name for field in schema if pa.types.is_null(field.type) or pa.types.is_binary(field.type)}
        return {field.name: field.type for field in schema if field.name not in open_types} | self._text_types()

    def _text_types(self) -> dict[str, pa.DataType]:
        import pyarrow as pa

        return dict.fromkeys(self.text, pa.string())

    def _explain(self, error: Exception) -> DataError:
        """Find the line that does not fit, with the standard library's parser: slow, but it is the last step."""
        if "UTF8" in str(error):
            return encoding_error(self.opener, self.name, self.lines + 1)
        try:
            with any_size(), io.TextIOWrapper(self.opener(), "utf-8-sig", errors="replace", newline="") as file:
                found = _first_misfit(file, self.separator)
        except csv.Error as other:
            return UnreadableError(f"{self.name} is no CSV: {other}")
        if found is None:
            return UnreadableError(
                f"{self.name} cannot be read as CSV: {error}", hint="look for a quote that is never closed"
            )
        line, row = found[0] + self.lines, found[1]
        return SchemaError(
            f"line {line} of {self.name} has {len(row)} cells, its header has {self.width}: "
            + self.separator.join(row)[:60],
            hint="quote cells that hold the separator, or mend the line",
        )


def _without_blank_lines(row: Any) -> str:
    """Leave out lines of spaces only, as empty ones are; ``row`` is Arrow's `InvalidRow`."""
    return "skip" if row.actual_columns == 1 and not (row.text or "").strip() else "error"


def _first_misfit(file: io.TextIOWrapper, separator: str) -> tuple[int, list[str]] | None:
    reader = csv.reader(file, delimiter=separator)
    width, line = None, 1
    for row in reader:
        width = width or len(row)
        if row and len(row) != width and not (len(row) == 1 and not row[0].strip()):
            return line, row
        line = reader.line_num + 1
    return None


def _never_closed(table: pa.Table, end: bytes) -> bool:
    """Whether the last cell runs on over lines to the very end of the file, past where its quote should be."""
    import pyarrow as pa

    if not table.num_rows or not pa.types.is_string(table.schema.types[-1]):
        return False
    last = (table.column(table.num_columns - 1)[-1].as_py() or "").encode()
    return b"\n" in last and end.endswith(last[-32:])
