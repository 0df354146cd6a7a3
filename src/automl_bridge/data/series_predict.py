"""New data for a forecaster: history, rows to come, or both; what is not there is taken from the model's own data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from automl_bridge.data.cast import cast_like, in_file, to_float
from automl_bridge.data.readers import read_table, source_name
from automl_bridge.data.series import parts_columns, series_codes, series_name
from automl_bridge.data.series_build import regular_rows, sorted_rows
from automl_bridge.data.series_clock import Clock, in_zone, stamps_of
from automl_bridge.data.series_context import asked, forecast_dataset
from automl_bridge.data.series_doubled import refuse_doubled
from automl_bridge.data.series_regular import Rows
from automl_bridge.data.series_steps import Steps
from automl_bridge.errors import DataError, SchemaError
from automl_bridge.spec import Role

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from automl_bridge.data.dataset import Dataset
    from automl_bridge.spec import ForecastSpec, Profile

__all__ = ["build_series_predict_dataset"]


def build_series_predict_dataset(
    source: Any, profile: Profile, forecast: ForecastSpec, stored: pa.Table | None, *, name: str | None = None
) -> Dataset:
    """Make the dataset of a predict job: the next ``horizon`` steps of each series of ``source``.

    Rows with a target are history. Rows after the last of them are rows to come, which bring the values that are
    known in advance; where there are no such columns, they may be left out. History is put before by what the model
    keeps (``stored``) where it joins on without a gap; a series without history of its own is forecast from
    ``stored``, up to the step before its first row to come.

    Parameters
    ----------
    source
        What `readers.read_table` takes; None: all series of ``stored``.
    profile, forecast
        Of the training data.
    stored
        The end of the training data, regular and sorted; None if there is none.
    name
        How to speak of the data; by default the file's name, or ``data``.

    Raises
    ------
    SchemaError
        If a column is missing, or a value cannot be read as training's type; names it.
    DataError
        If a series has no history, is not regular, or lacks rows or values that are to be known in advance; names
        series, column and the first stamp. If no data was given, and a model cannot do without.
    """
    name = name or source_name(source)
    work = _Work(profile, forecast, name)
    if source is None:
        if stored is None or forecast.known_future:
            raise _no_data(profile, forecast, work.first_after(stored))
        history, coming = work.rows(stored), work.rows(stored.slice(0, 0))
    else:
        history, coming = work.split(work.read(source))
        history = work.with_stored(history, coming, stored)
    context, predict, notes = work.question(history, coming)
    return forecast_dataset(context, predict, profile.model_copy(update={"name": name}), forecast, notes)


def _no_data(profile: Profile, forecast: ForecastSpec, first: str | None) -> DataError:
    """Return the error for a forecast without data by a model that needs some.

    Parameters
    ----------
    first
        The first stamp that it would forecast; None if it keeps no history.
    """
    keys = ", ".join(f'"{name}"' for name in (*forecast.series, forecast.time))
    known = ", ".join(f'"{name}"' for name in forecast.known_future)
    way = "as DATA: automl-bridge predict MODEL DATA -o OUT (in Python predict(DATA))"
    steps = f"the {forecast.horizon} steps to forecast"
    if first is not None:
        return DataError(
            f"no DATA is given, and the model needs {known}, known in advance, for {first} and on: {steps}",
            hint=f"give a table with {keys} and {known}, a row for each of {steps} of each series, {way}",
        )
    goal = profile.with_role(Role.TARGET)[0].name
    rows = f", and a row with {known} for each of {steps}" if known else ""
    return DataError(
        "no DATA is given, and the model keeps no history to look back at",
        hint=f'give a table with {keys} and "{goal}", the past of each series{rows}, {way}',
    )


class _Places(NamedTuple):
    """Rows to come: their series' number, and the step that they are for, from 1."""

    series: NDArray[np.int64]
    step: NDArray[np.int64]


class _Work:
    """What all steps need to know."""

    def __init__(self, profile: Profile, forecast: ForecastSpec, where: str) -> None:
        self.profile, self.forecast, self.where = profile, forecast, where
        self.columns = {column.name: column for column in profile.columns}
        self.names = parts_columns(profile)
        self.goal = profile.with_role(Role.TARGET)[0].name
        self.steps = Steps.parse(forecast.freq)
        self.clock = Clock(self.columns[forecast.time].arrow_type, self.steps.is_calendar)

    def rows(self, table: pa.Table) -> Rows:
        """Sort rows by series, then time."""
        codes = series_codes(table, self.forecast.series)
        return sorted_rows(table, codes, self.clock, self.forecast.time, self.goal)

    def first_after(self, stored: pa.Table | None) -> str | None:
        """Write the first stamp after what the model keeps, the earliest of all series; None if it keeps nothing."""
        import numpy as np

        if stored is None:
            return None
        rows = self.rows(stored)
        last = rows.times[np.r_[np.flatnonzero(np.diff(rows.codes)), len(rows.codes) - 1]]
        return self.clock.say(self.steps.after(last, np.ones(len(last), np.int64)).min())

    def name_of(self, rows: Rows, row: int) -> str:
        """Write the series of a row."""
        return series_name(rows.table, int(row), self.forecast)

    def read(self, source: Any) -> Rows:
        """Read new rows in training's types; covariates that are not there are missing values."""
        import pyarrow as pa

        texts = [name for name in self.names if self.columns[name].arrow_type == "string" or self.columns[name].written]
        table = read_table(source, name=self.where, as_text=[name for name in texts if name != self.forecast.time])
        if not table.num_rows:
            raise SchemaError(f"{self.where} has no rows", hint="give history, or the rows to forecast")
        missing = [name for name in (*self.forecast.series, self.forecast.time) if name not in table.column_names]
        if missing:
            listed = ", ".join(f'"{name}"' for name in missing)
            raise SchemaError(f"{self.where} lacks the column {listed} that the model was trained on")
        columns = [self._column(table, name) for name in self.names]
        return self.rows(pa.Table.from_arrays(columns, names=self.names))

    def _column(self, table: pa.Table, name: str) -> pa.ChunkedArray:
        import pyarrow as pa

        from automl_bridge.data.arrow_types import parse_type

        seen = self.columns[name]
        if name not in table.column_names:
            return pa.chunked_array([pa.nulls(table.num_rows, parse_type(seen.arrow_type))])
        column = table[name]
        seen = in_file(table.schema.field(name), column, seen)
        if name == self.forecast.time:
            column = stamps_of(column, name)
            if self.forecast.zone is not None:
                column = in_zone(column, self.forecast.zone, series_codes(table, self.forecast.series))
        elif name == self.goal:
            return to_float(cast_like(column, seen), name)
        elif seen.role is Role.SERIES and column.null_count:
            raise SchemaError(f'the series "{name}" is missing in {column.null_count:,} rows', hint="fill it in")
        return cast_like(column, seen)

    def split(self, rows: Rows) -> tuple[Rows, Rows]:
        """Return history, regular, and the rows to come: those after the last target of their series."""
        import numpy as np

        known = ~np.isnan(rows.values)
        index = np.arange(len(known))
        count = int(rows.codes[-1]) + 1
        first, last = np.full(count, len(known)), np.full(count, -1)
        np.minimum.at(first, rows.codes[known], index[known])
        np.maximum.at(last, rows.codes[known], index[known])
        inside = (index >= first[rows.codes]) & (index <= last[rows.codes])
        history = rows.take(inside)
        if len(history.codes):
            if self.forecast.gaps == "fill":
                settled = (self.forecast.time, self.goal)
                refuse_doubled(history, self.forecast.series, settled, self.where, trained=True)
            history, _ = regular_rows(history, self.steps, self.clock, self.forecast, self.forecast.time, self.where)
        return history, rows.take(index > last[rows.codes])

    def with_stored(self, history: Rows, coming: Rows, stored: pa.Table | None) -> Rows:
        """Put the model's own history before that of the data, where they join on."""
        import numpy as np
        import pyarrow as pa

        if stored is None or not stored.num_rows:
            return history
        stored = stored.select(self.names).cast(history.table.schema)
        tables = [stored, history.table, coming.table]
        codes = series_codes(pa.concat_tables(tables), self.forecast.series)
        old, new, next_ = np.split(codes, np.cumsum([stored.num_rows, history.table.num_rows]))
        past = Rows(stored, old, self.clock.read(stored[self.forecast.time]), np.zeros(len(old)))
        never = np.iinfo(np.int64).max
        begin = np.full(int(codes.max()) + 1, never)
        np.minimum.at(begin, new, history.times)
        alone = begin == never  # series without history of their own
        np.minimum.at(begin, next_[alone[next_]], coming.times[alone[next_]])
        chosen = (past.times < begin[old]) & (begin[old] != never)
        joined = self._joins(past, chosen, begin) | alone
        kept = pa.concat_tables([stored.filter(pa.array(chosen & joined[old])), history.table])
        return self.rows(kept)

    def _joins(self, past: Rows, chosen: NDArray[np.bool_], begin: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return for each series whether the step after its last chosen row is where its new rows begin."""
        import numpy as np

        last = np.full(len(begin), np.iinfo(np.int64).min)
        np.maximum.at(last, past.codes[chosen], past.times[chosen])
        found = np.flatnonzero(last != np.iinfo(np.int64).min)
        joins = np.zeros(len(begin), bool)
        joins[found] = self.steps.after(last[found], np.ones(len(found), np.int64)) == begin[found]
        return joins

    def question(self, history: Rows, coming: Rows) -> tuple[pa.Table, pa.Table, list[str]]:
        """Return context, the rows to forecast, and notes."""
        import numpy as np
        import pyarrow as pa

        both = pa.concat_tables([history.table, coming.table])
        codes = series_codes(both, self.forecast.series)
        ours, theirs = codes[: len(history.codes)], codes[len(history.codes) :]
        self._all_known(coming, ours, theirs)
        ends = np.r_[np.flatnonzero(np.diff(ours)), len(ours) - 1]
        last = history.times[ends]
        horizon = self.forecast.horizon
        series = np.repeat(np.arange(len(ends)), horizon)
        step = np.tile(np.arange(1, horizon + 1), len(ends))
        times = self.steps.after(last[series], step)
        places = self._places(coming, theirs, last)
        source = np.full(len(times), -1)
        wanted = places.step <= horizon
        source[places.series[wanted] * horizon + places.step[wanted] - 1] = np.flatnonzero(wanted)
        self._all_there(history, coming, source, times, ends)
        table = self._asked(history, coming, source, times, ends)
        beyond = int((~wanted).sum())
        notes = [f"{beyond:,} rows lie beyond the {horizon} steps that the model forecasts: left out"] if beyond else []
        return history.table, asked(table, self.profile, self.forecast), notes

    def _all_known(self, coming: Rows, ours: NDArray[np.int64], theirs: NDArray[np.int64]) -> None:
        import numpy as np

        new = ~np.isin(theirs, ours)
        if new.any():
            row = int(new.argmax())
            count = len(np.unique(theirs[new]))
            more = f" (and {count - 1:,} more series)" if count > 1 else ""
            raise DataError(
                f"{self.where}: {self.name_of(coming, row) or 'the series '}has no history to look back at, neither "
                f"here nor with the model{more}",
                hint="give rows with the target before those to forecast",
            )

    def _places(self, coming: Rows, codes: NDArray[np.int64], last: NDArray[np.int64]) -> _Places:
        """Find for which step each row to come is; raise if it is for none, or another is for the same."""
        import numpy as np

        begin = last[codes]
        step = self.steps.positions(coming.times, begin)
        wrong = self.steps.after(begin, step) != coming.times
        order = np.lexsort((step, codes))
        again = np.zeros(len(codes), bool)
        again[order[1:]] = (np.diff(codes[order]) == 0) & (np.diff(step[order]) == 0)
        for bad, what in (
            (wrong, f"is not a whole number of steps ({self.steps.freq}) after the history"),
            (again, "is there more than once"),
        ):
            if bad.any():
                row = int(bad.argmax())
                stamp = self.clock.say(coming.times[row])
                raise DataError(
                    f"{self.where}: {self.name_of(coming, row)}{stamp} {what}", hint="mend the rows to come"
                )
        return _Places(codes, step)

    def _all_there(
        self,
        history: Rows,
        coming: Rows,
        source: NDArray[np.int64],
        times: NDArray[np.int64],
        ends: NDArray[np.int64],
    ) -> None:
        """Raise unless every step has what is to be known in advance, and rows to come begin where history ends."""
        import numpy as np

        horizon, known = self.forecast.horizon, self.forecast.known_future
        grid = source.reshape(len(ends), horizon)
        # Without values to come rows are not needed; but those that are there must follow on the history.
        late = (grid < 0) & (np.cumsum(grid[:, ::-1] >= 0, axis=1)[:, ::-1] > 0)
        absent = ((grid < 0) if known else late).reshape(-1)
        if absent.any():
            cell = int(absent.argmax())
            name, stamp = self.name_of(history, ends[cell // horizon]), self.clock.say(times[cell])
            columns = ", ".join(f'"{each}"' for each in known)
            wanted = f" with {columns}, known in advance," if known else ""
            raise DataError(
                f"{self.where}: {name}has no row{wanted} for {stamp}: {int(absent.sum()):,} of the {len(absent):,} "
                "steps to forecast lack one",
                hint=f"give a row for each of the {horizon} steps after the history",
            )
        for column in known:
            empty = coming.table[column].is_null().to_numpy()[source] if len(source) else np.zeros(0, bool)
            if empty.any():
                cell = int(empty.argmax())
                name, stamp = self.name_of(history, ends[cell // horizon]), self.clock.say(times[cell])
                raise DataError(
                    f'{self.where}: "{column}" is known in advance, and {name}lacks it for {stamp} '
                    f"({int(empty.sum()):,} of {len(empty):,} steps)",
                    hint="fill it in",
                )

    def _asked(
        self,
        history: Rows,
        coming: Rows,
        source: NDArray[np.int64],
        times: NDArray[np.int64],
        ends: NDArray[np.int64],
    ) -> pa.Table:
        """Return the rows to forecast: stamps as they must be, what is known of them from the rows to come."""
        import numpy as np
        import pyarrow as pa

        owner = pa.array(np.repeat(ends, self.forecast.horizon))
        rows = pa.array(source, mask=source < 0)
        columns = []
        for field in history.table.schema:
            if field.name == self.forecast.time:
                columns.append(self.clock.write(times).cast(field.type))
            elif field.name in self.forecast.series:
                columns.append(history.table[field.name].take(owner))
            else:
                columns.append(coming.table[field.name].take(rows))
        return pa.Table.from_arrays(columns, schema=history.table.schema)
