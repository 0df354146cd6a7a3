"""Every column understood: its role, its kind, its type."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from automl_bridge.data.arrow_types import is_integral, is_text
from automl_bridge.data.cast import cast_to_kind
from automl_bridge.data.csv_numbers import DOUBTFUL
from automl_bridge.data.durations import parse_durations
from automl_bridge.data.memory import TEXT_COLUMN
from automl_bridge.data.names import safe_names
from automl_bridge.data.schema import facts, infer_kind, parse_stamps
from automl_bridge.data.target import missing_column
from automl_bridge.data.tidy import CATEGORICAL_HINT, WRITTEN_HINT, has_hint, is_unnamed
from automl_bridge.data.written import LIKE_NUMBER, Way, way_of
from automl_bridge.errors import SchemaError, UnknownNameError
from automl_bridge.spec import ColumnProfile, ImageProfile, Kind, Role

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pyarrow as pa

__all__ = ["Columns", "understand", "written_note"]

_SPOILED_ROWS, _SPOILED_LEVELS = 20_000, 10
_DAY_OR_MONTH = r"^\s*\d{1,2}[/-]\d{1,2}[/-]\d{4}(?:[ T].*)?$"
_IGNORED = "ignored"


@dataclass(frozen=True)
class Columns:
    """Kind and role of every column of a table, by name; and what the reader should know of them."""

    kinds: dict[str, Kind]
    roles: dict[str, Role]
    notes: tuple[str, ...] = field(default=())
    written: dict[str, Way] = field(default_factory=dict)
    """Ways of the numbers that were not written plainly, as text or in a file."""
    images: dict[str, ImageProfile] = field(default_factory=dict)
    """Of the columns of pictures that have been read."""

    @property
    def targets(self) -> tuple[str, ...]:
        """Names of the targets."""
        return tuple(name for name, role in self.roles.items() if role is Role.TARGET)

    @property
    def feature_kinds(self) -> list[Kind]:
        """Kinds of the columns that a model may read."""
        return [kind for name, kind in self.kinds.items() if self.roles[name] is Role.FEATURE]

    @property
    def weight(self) -> str | None:
        """Name of the column of sample weights."""
        return self._only(Role.WEIGHT)

    @property
    def group(self) -> str | None:
        """Name of the column whose groups stay together."""
        return self._only(Role.GROUP)

    @property
    def time(self) -> str | None:
        """Name of the column that orders the rows."""
        return self._only(Role.TIME)

    def profiles(self, table: pa.Table, *, classification: bool) -> tuple[ColumnProfile, ...]:
        """Describe the columns of ``table``, in its order."""
        safe = safe_names(table.column_names)
        found = []
        for name, safe_name, column in zip(table.column_names, safe, table.columns, strict=True):
            kind, role, counted = self.kinds[name], self.roles[name], facts(column)
            if role is Role.TARGET:
                kind = _target_kind(column.type, classification=classification)
            found.append(
                ColumnProfile(
                    name=name,
                    safe_name=safe_name,
                    kind=kind,
                    role=role,
                    arrow_type=str(column.type),
                    missing=counted.missing,
                    distinct=counted.distinct,
                    max_length=counted.max_length,
                    written=str(self.written[name]) if name in self.written else None,
                    image=self.images.get(name),
                )
            )
        return tuple(found)

    def _only(self, role: Role) -> str | None:
        return next((name for name, each in self.roles.items() if each is role), None)


def understand(
    table: pa.Table, roles: Mapping[str, Role], types: Mapping[str, Kind | str], where: str, *, bare: bool = False
) -> tuple[pa.Table, Columns]:
    """Infer kinds, apply those set by hand, and cast columns to them.

    Parameters
    ----------
    roles
        Roles that are settled; all other columns are features, or ignored by the rule of `schema`.
    types
        Kind by column, or ``ignored``.
    where
        How to speak of the data.
    bare
        Whether there need be no features: a time series is learned from its own past.

    Raises
    ------
    SchemaError
        If a column of ``types`` is not there, a value does not fit, or nothing is left to learn from.
    UnknownNameError
        If a kind has no such name.
    """
    by_hand = {name: _parse_kind(kind) for name, kind in types.items()}
    for name in by_hand:
        if name not in table.column_names:
            raise missing_column(name, table.column_names, where)
    kinds: dict[str, Kind] = {}
    found: dict[str, Role] = {}
    table, in_file, doubts = _written_in_file(table)
    written = _written(table, by_hand, roles)
    for name, way in written.items():
        index = table.column_names.index(name)
        numbers = way.read(table.column(index), name)
        table = table.set_column(index, table.schema.field(index).with_type(numbers.type), numbers)
    for index, name in enumerate(table.column_names):
        table = _retyped(table, index, by_hand.get(name), roles.get(name))
        settled = by_hand.get(name)
        if settled is not None:
            kinds[name], inferred = settled, Role.FEATURE
        elif name in by_hand:
            kinds[name], inferred = Kind.CATEGORICAL, Role.IGNORED
        elif name in roles:
            kinds[name], inferred = _side_kind(table.schema.field(index), table.column(index)), Role.FEATURE
        elif name == TEXT_COLUMN and is_unnamed(table):
            image = infer_kind(table.schema.field(index), table.column(index))[0] is Kind.IMAGE
            kinds[name], inferred = Kind.IMAGE if image else Kind.TEXT, Role.FEATURE
        else:
            kinds[name], inferred = infer_kind(table.schema.field(index), table.column(index))
        found[name] = roles.get(name, inferred)
    notes = (
        _settle_ignored(kinds, found, by_hand, bare=bare)
        + tuple(written_note(name, way) for name, way in written.items())
        + doubts
        + _spoiled_numbers(table, kinds, roles, by_hand)
        + _doubtful_dates(table, kinds, roles, by_hand)
    )
    if Role.FEATURE not in found.values() and not bare:
        raise SchemaError(f"{where} has no column to learn from besides {', '.join(roles)}", hint="add feature columns")
    # Targets come in the order they were named.
    ordered = {name: found[name] for name in [*(n for n in roles if n in found), *(n for n in found if n not in roles)]}
    return table, Columns(kinds, ordered, notes, in_file | written)


def _parse_kind(kind: Kind | str) -> Kind | None:
    text = str(kind).strip().lower()
    if text == _IGNORED:
        return None
    try:
        return Kind(text)
    except ValueError:
        raise UnknownNameError.of("kind", text, [*(str(each) for each in Kind), _IGNORED]) from None


def _retyped(table: pa.Table, index: int, by_hand: Kind | None, role: Role | None) -> pa.Table:
    field, column = table.schema.field(index), table.column(index)
    changed = column
    metadata = dict(field.metadata or {})
    if by_hand is not None:
        changed = cast_to_kind(column, by_hand, field.name)
        metadata.pop(CATEGORICAL_HINT, None)
        if by_hand is Kind.CATEGORICAL:
            metadata[CATEGORICAL_HINT] = b"1"
    elif is_text(column.type) and role in {None, Role.TIME, Role.GROUP} and CATEGORICAL_HINT not in metadata:
        changed = parse_stamps(column) or parse_durations(column) or column
    if changed is column and metadata == dict(field.metadata or {}):
        return table
    return table.set_column(index, field.with_type(changed.type).with_metadata(metadata or None), changed)


def _written(table: pa.Table, by_hand: Mapping[str, Kind | None], roles: Mapping[str, Role]) -> dict[str, Way]:
    """Return how the numbers of text columns are written; of targets only where their kind was set to numbers."""
    numbers = {Kind.NUMERIC, Kind.INTEGER}
    ways = {
        field.name: way_of(column)
        for field, column in zip(table.schema, table.columns, strict=True)
        if by_hand.get(field.name) in numbers
        or not (field.name in by_hand or field.name in roles or has_hint(field, CATEGORICAL_HINT) or is_unnamed(table))
    }
    return {name: way for name, way in ways.items() if way is not None}


def _written_in_file(table: pa.Table) -> tuple[pa.Table, dict[str, Way], tuple[str, ...]]:
    """Return the table without its hints of how a file wrote numbers, what they say, and what may be doubted."""
    import pyarrow as pa

    hints = {each.name: each.metadata[WRITTEN_HINT] for each in table.schema if has_hint(each, WRITTEN_HINT)}
    if not hints:
        return table, {}, ()
    fields = []
    for each in table.schema:
        kept = {key: value for key, value in (each.metadata or {}).items() if key != WRITTEN_HINT}
        fields.append(each.with_metadata(kept or None))
    ways = {name: Way.parse(hint.decode().removesuffix("?")) for name, hint in hints.items()}
    notes = tuple(
        f'column "{name}" is read with decimal commas (1,234 is 1.234), which nothing else in the file shows: '
        "write plain numbers if they are thousands"
        for name, hint in hints.items()
        if hint == DOUBTFUL
    )
    schema = pa.schema(fields, metadata=table.schema.metadata)
    return pa.Table.from_arrays(table.columns, schema=schema), ways, notes


def written_note(name: str, way: Way) -> str:
    """Say that a column's text was read as numbers."""
    return (
        f'column "{name}" is read as numbers: all its values are written like {way.example()} '
        f"(--type {name}=categorical keeps them as text)"
    )


def _side_kind(field: pa.Field, column: pa.ChunkedArray) -> Kind:
    import pyarrow as pa

    if is_text(column.type) or pa.types.is_binary(column.type):
        return Kind.CATEGORICAL
    return infer_kind(field, column)[0]


def _settle_ignored(
    kinds: dict[str, Kind], roles: dict[str, Role], by_hand: Mapping[str, Kind | None], *, bare: bool
) -> tuple[str, ...]:
    """Keep identifiers as text where nothing else is left; say which columns were left out."""
    inferred = [name for name, role in roles.items() if role is Role.IGNORED and name not in by_hand]
    if Role.FEATURE not in roles.values() and not bare:
        for name in inferred:
            kinds[name], roles[name] = Kind.TEXT, Role.FEATURE
        return ()
    return tuple(
        f'column "{name}" left out: nearly every row has a value of its own, as identifiers do '
        f"(--type {name}=categorical keeps it)"
        for name in inferred
    )


def _words(
    table: pa.Table, kinds: Mapping[str, Kind], roles: Mapping[str, Role], by_hand: Mapping[str, Kind | None]
) -> Iterator[tuple[str, pa.ChunkedArray]]:
    """Yield the features that were taken for categories or texts, with the first of their values that are there."""
    for name in table.column_names:
        if kinds[name] in {Kind.CATEGORICAL, Kind.TEXT} and name not in roles and name not in by_hand:
            column = table[name].slice(0, _SPOILED_ROWS).drop_null()
            if is_text(column.type):
                yield name, column


def _spoiled_numbers(
    table: pa.Table, kinds: Mapping[str, Kind], roles: Mapping[str, Role], by_hand: Mapping[str, Kind | None]
) -> tuple[str, ...]:
    """Name the columns that would be numbers but for a few words: read as categories they say much less."""
    import pyarrow.compute as pc

    told = []
    for name, column in _words(table, kinds, roles, by_hand):
        if pc.count_distinct(column).as_py() <= _SPOILED_LEVELS:
            continue
        dressed = column.filter(pc.match_substring_regex(column, r"[^0-9.eE+\s-]"))
        if len(dressed) and pc.all(pc.match_substring_regex(column, LIKE_NUMBER)).as_py():
            told.append(
                f'column "{name}" is read as {kinds[name]}: values like "{dressed[0].as_py()[:40]}" may mean more '
                "than one number, or are written in more than one way; write plain numbers to have numbers"
            )
            continue
        words = column.filter(pc.invert(pc.match_substring_regex(column, LIKE_NUMBER)))
        if 0 < len(words) < 0.5 * len(column):
            told.append(
                f'column "{name}" holds numbers, but for {len(words):,} of {len(column):,} values like '
                f'"{words[0].as_py()[:40]}", and is read as {kinds[name]}: leave those cells empty to have numbers'
            )
    return tuple(told)


def _doubtful_dates(
    table: pa.Table, kinds: Mapping[str, Kind], roles: Mapping[str, Role], by_hand: Mapping[str, Kind | None]
) -> tuple[str, ...]:
    """Name the columns of dates that stay text, since day and month could change places."""
    import pyarrow.compute as pc

    told = []
    for name, column in _words(table, kinds, roles, by_hand):
        if len(column) and pc.all(pc.match_substring_regex(column, _DAY_OR_MONTH)).as_py():
            told.append(
                f'column "{name}" holds dates like "{column[0].as_py()[:40]}", whose day and month could change '
                "places, and is not read as dates: write them as 2024-12-31 to have dates"
            )
    return tuple(told)


def _target_kind(kind: pa.DataType, *, classification: bool) -> Kind:
    import pyarrow as pa

    if pa.types.is_boolean(kind):
        return Kind.BOOLEAN
    if classification:
        return Kind.CATEGORICAL
    return Kind.INTEGER if is_integral(kind) else Kind.NUMERIC
