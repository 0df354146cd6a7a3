"""From any source to the Dataset of a forecasting job: every series regular, sorted, and cut by time."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from automl_bridge.data.columns import understand, written_note
from automl_bridge.data.dataset import Dataset
from automl_bridge.data.fingerprint import fingerprint
from automl_bridge.data.parts import CutParts
from automl_bridge.data.readers import read_table, source_name
from automl_bridge.data.roles import add_side_column, add_targets
from automl_bridge.data.series import series_codes, series_name
from automl_bridge.data.series_clock import Clock, in_zone, stamps_of
from automl_bridge.data.series_doubled import refuse_doubled
from automl_bridge.data.series_freq import infer_steps
from automl_bridge.data.series_options import SeriesOptions
from automl_bridge.data.series_regular import Rows, filled, first_of, refuse
from automl_bridge.data.series_split import assign_windows, season_for
from automl_bridge.data.series_steps import Steps
from automl_bridge.data.target import missing_column, numbers
from automl_bridge.data.written import way_of
from automl_bridge.errors import DataError, SchemaError, TargetError, UsageError
from automl_bridge.spec import ForecastSpec, Kind, Profile, Role

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pyarrow as pa

    from automl_bridge.data.columns import Columns

__all__ = ["build_series_dataset", "regular_rows", "sorted_rows"]


def build_series_dataset(  # noqa: PLR0913 - as `build.build_dataset`
    source: Any,
    options: Mapping[str, Any],
    *,
    target: str | Sequence[str] | None,
    y: Any = None,
    time: Any = None,
    types: Mapping[str, Kind | str] | None = None,
    weight: Any = None,
    group: Any = None,
    holdout: float = 0.2,
    validation: float = 0.2,
    name: str | None = None,
) -> Dataset:
    """Make the dataset of a forecasting job; see ``docs/forecasting.md`` for its form.

    Parameters
    ----------
    source, target, y, time, types, name
        As in `build.build_dataset`; ``time`` must be given.
    options
        What `SeriesOptions` takes.
    weight, group
        Must be None: a forecast has neither.
    holdout, validation
        0 for none; otherwise the last windows × horizon steps of each series, and the horizon before them.

    Raises
    ------
    DataError
        If a series is not regular and ``gaps`` is ``refuse``, or all are too short; names series, stamps, lengths. If
        ``gaps`` is ``fill`` and so many stamps are doubled that a column of series seems to be missing.
    SchemaError, TargetError, UsageError
        If columns are missing or cannot be used, or options make no sense.
    """
    asked = SeriesOptions.of(options)
    for given, what in ((weight, "weights"), (group, "groups")):
        if given is not None:
            raise UsageError(f"a forecast takes no {what}", hint="series are told apart by --series")
    if time is None:
        raise UsageError("a forecast needs to know which column is the time", hint="name it, as --time date")
    name = name or source_name(source)
    table, columns, time = _gathered(source, asked, target, y, time, types or {}, name)
    goal = columns.targets[0]
    table, columns = _with_numbers(table, goal, columns)
    notes = columns.notes
    table = _with_stamps(table, time, asked)
    rows, steps, clock, said = _regular(table, asked, time, goal, name)
    series, table = asked.series, rows.table
    table = table.set_column(table.column_names.index(goal), goal, _floats(rows))
    assert asked.horizon is not None
    windows = asked.windows if holdout else 0
    assigned, told = assign_windows(
        first_of(rows.codes),
        asked.horizon,
        windows,
        lambda row: series_name(table, row, _names(series)),
        validation > 0,
    )
    season = season_for(asked, steps, rows.codes, windows)
    forecast = ForecastSpec(
        time=time, series=series, horizon=asked.horizon, freq=steps.freq, known_future=asked.known_future,
        quantiles=asked.quantiles, season=season, windows=asked.windows, gaps=asked.gaps, zone=asked.zone,
    )  # fmt: skip
    del clock
    profile = Profile(
        name=name,
        rows={},
        bytes=table.nbytes,
        columns=columns.profiles(table, classification=False),
        target_type="double",
        fingerprint=fingerprint(table),
    )
    ignored = [column.name for column in profile.columns if column.role is Role.IGNORED]
    parts = CutParts(table.drop_columns(ignored) if ignored else table, assigned)
    frequency = () if asked.freq else (f"the step is {steps.freq}, found from the stamps (--freq sets another)",)
    return Dataset(
        profile.model_copy(update={"rows": dict(parts.sizes)}),
        parts,
        None,
        (*notes, *frequency, *said, *told),
        hashlib.sha256(assigned.tobytes()).hexdigest(),
        forecast,
    )


def _names(series: tuple[str, ...]) -> ForecastSpec:
    """Return a spec that tells series apart: for names only."""
    return ForecastSpec(time="", series=series, horizon=1, freq="D")


def _gathered(
    source: Any,
    asked: SeriesOptions,
    target: str | Sequence[str] | None,
    y: Any,
    time: Any,
    types: Mapping[str, Kind | str],
    where: str,
) -> tuple[pa.Table, Columns, str]:
    table = read_table(source, name=where)
    if not table.num_rows:
        raise SchemaError(f"{where} has no rows", hint="a series needs its past")
    table, targets = add_targets(table, source, target, y, where)
    if len(targets) > 1:
        raise TargetError(f"a forecast has one target, not {len(targets)}", hint="fit one job a target")
    table, stamp = add_side_column(table, time, Role.TIME, where)
    assert stamp is not None
    roles = {targets[0]: Role.TARGET}
    for column, role in ((stamp, Role.TIME), *((each, Role.SERIES) for each in asked.series)):
        if column not in table.column_names:
            raise missing_column(column, table.column_names, where)
        if column in roles:
            raise SchemaError(f'column "{column}" cannot be {roles[column]} and {role} at once', hint="name another")
        if table[column].null_count:
            raise SchemaError(
                f'the {role} "{column}" is missing in {table[column].null_count:,} rows',
                hint="fill it in, or leave those rows out",
            )
        roles[column] = role
    for column in asked.known_future:
        if column not in table.column_names:
            raise missing_column(column, table.column_names, where)
        if column in roles:
            raise SchemaError(f'column "{column}" is the {roles[column]}: it is no covariate', hint="name another")
    table, columns = understand(table, roles, types, where, bare=True)
    return table, _with_covariates(columns, asked), stamp


def _with_covariates(columns: Columns, asked: SeriesOptions) -> Columns:
    """Leave out pictures, which no forecaster reads; keep what is known in advance, whatever it looks like."""
    from dataclasses import replace

    roles, notes = dict(columns.roles), list(columns.notes)
    for column, kind in columns.kinds.items():
        if roles[column] is Role.FEATURE and kind is Kind.IMAGE:
            roles[column] = Role.IGNORED
            notes.append(f'column "{column}" left out: a forecast reads no pictures')
        elif roles[column] is Role.IGNORED and column in asked.known_future:
            roles[column] = Role.FEATURE
            notes = [note for note in notes if not note.startswith(f'column "{column}" left out')]
    return replace(columns, roles=roles, notes=tuple(notes))


def _with_numbers(table: pa.Table, goal: str, columns: Columns) -> tuple[pa.Table, Columns]:
    """Read the target as numbers; new history will be read as they were written."""
    from dataclasses import replace

    index = table.column_names.index(goal)
    column = table.column(index)
    way = way_of(column)
    if way is not None:
        column = way.read(column, goal)
        columns = replace(columns, notes=(*columns.notes, written_note(goal, way)))
        columns = replace(columns, written={**columns.written, goal: way})
    if column.null_count == len(column):
        raise TargetError(f'the target "{goal}" is missing in every row', hint="choose another target")
    return table.set_column(index, goal, numbers(goal, column)), columns


def _with_stamps(table: pa.Table, time: str, asked: SeriesOptions) -> pa.Table:
    index = table.column_names.index(time)
    stamps = stamps_of(table.column(index), time)
    if asked.zone is not None:
        stamps = in_zone(stamps, asked.zone, series_codes(table, asked.series))
    return table.set_column(index, time, stamps)


def _floats(rows: Rows) -> pa.Array:
    import numpy as np
    import pyarrow as pa

    return pa.array(rows.values, pa.float64(), mask=np.isnan(rows.values))


def _regular(
    table: pa.Table, asked: SeriesOptions, time: str, goal: str, where: str
) -> tuple[Rows, Steps, Clock, tuple[str, ...]]:
    """Sort the rows and make the series regular, or refuse them."""
    import pyarrow as pa

    kind = str(table.schema.field(time).type)
    codes = series_codes(table, asked.series)
    wall = sorted_rows(table, codes, Clock(kind, calendar=True), time, goal)
    if asked.gaps == "fill":
        refuse_doubled(wall, asked.series, (time, goal), where)
    numbered = pa.types.is_integer(table.schema.field(time).type)
    if asked.freq is not None:
        steps = Steps.parse(asked.freq)
    else:
        absolute = Clock(kind, calendar=False).read(wall.table[time])
        steps = infer_steps(wall.times, absolute, wall.codes, numbers=numbered)
    if numbered != (steps.unit == "number"):
        held = "whole numbers" if numbered else "stamps"
        raise UsageError(f'the time "{time}" holds {held}: "{steps.freq}" is no step of them')
    clock = Clock(kind, steps.is_calendar)
    rows = sorted_rows(table, codes, clock, time, goal)
    known, trimmed = _trimmed(rows, asked, where)
    regular, said = regular_rows(known, steps, clock, asked, time, where)
    return regular, steps, clock, tuple(note for note in (trimmed, said) if note)


def sorted_rows(table: pa.Table, codes: Any, clock: Clock, time: str, goal: str) -> Rows:
    """Sort rows by series, then time."""
    import numpy as np
    import pyarrow as pa

    times = clock.read(table[time])
    values = table[goal].cast(pa.float64()).to_numpy(zero_copy_only=False)
    inside = codes[1:] == codes[:-1]
    if not ((codes[1:] > codes[:-1]) | (inside & (times[1:] >= times[:-1]))).all():
        order = np.lexsort((times, codes))
        table, codes, times, values = table.take(pa.array(order)), codes[order], times[order], values[order]
    return Rows(table, codes, times, np.asarray(values, np.float64))


def _trimmed(rows: Rows, asked: SeriesOptions, where: str) -> tuple[Rows, str]:
    """Leave out rows before the first and after the last value of each series; say how many."""
    import numpy as np

    known = ~np.isnan(rows.values)
    if known.all():
        return rows, ""
    index = np.arange(len(known))
    count = int(rows.codes[-1]) + 1
    first, last = np.full(count, len(known)), np.full(count, -1)
    np.minimum.at(first, rows.codes[known], index[known])
    np.maximum.at(last, rows.codes[known], index[known])
    if (last < 0).any():
        row = int(np.flatnonzero(rows.codes == int((last < 0).argmax()))[0])
        raise DataError(
            f"{where}: {series_name(rows.table, row, _names(asked.series))}has no target in any row",
            hint="leave the series out, or give its values",
        )
    inside = (index >= first[rows.codes]) & (index <= last[rows.codes])
    left = int((~inside).sum())
    return rows.take(inside), (
        f"{left:,} rows left out: they lie before the first or after the last value of their series" if left else ""
    )


def regular_rows(
    rows: Rows, steps: Steps, clock: Clock, asked: SeriesOptions | ForecastSpec, time: str, where: str
) -> tuple[Rows, str]:
    """Return regular series: as they are, or filled if that was asked for.

    Raises
    ------
    DataError
        If they are not regular, and were not to be filled.
    """
    if asked.gaps != "refuse":
        return filled(rows, steps, clock.write, time)
    names = _names(asked.series)
    hint = _way_out(clock, steps)
    if not asked.series:
        # Filling would average the series with each other, so this comes first.
        hint = f"are these several series? --series COLUMN tells them apart; if it is one: {hint}"
    if isinstance(asked, ForecastSpec):
        hint = "mend the rows; a model that was trained with gaps filled fills those of new data, too"
    refuse(rows, steps, lambda row: series_name(rows.table, row, names), clock.say, hint, where)
    return rows, ""


def _way_out(clock: Clock, steps: Steps) -> str:
    hint = "mend the rows, or --gaps fill averages doubled rows, moves stamps to their step and fills steps between"
    if "tz=" not in clock.arrow_type and clock.arrow_type.startswith("timestamp") and not steps.is_calendar:
        hint += "; an hour that is there twice, or is missing where clocks change: --zone, as Europe/Berlin"
    if "tz=UTC" in clock.arrow_type and steps.is_calendar:
        hint += "; days that begin at another zone's midnight: --zone, as Europe/Berlin"
    return hint
