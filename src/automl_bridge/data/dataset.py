"""Dataset: the rows of one job in Arrow form, cut into parts, with the profile that planning reads."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from automl_bridge.data.labels import encode
from automl_bridge.data.parts import StoredParts, batches_of, schema_of
from automl_bridge.errors import StorageError, UnreadableError
from automl_bridge.spec import ForecastSpec, Profile, Role

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = ["Dataset"]

_FORMAT = 1


@dataclass(frozen=True)
class Dataset:
    """The data of one job; made by `build.build_dataset` and `build.build_predict_dataset`.

    Parameters
    ----------
    profile
        Sizes, columns, classes, fingerprint: what planning may know.
    parts
        Tables by part: ``train``, and ``validation`` and ``holdout`` if there are any; or ``predict``. Rows are in
        the source's order. A part is cut out (or mapped from its file) when it is first asked for.
    path
        Folder that it was saved to; None while it is in memory only.
    notes
        Sentences for the reader: what was left out, what looks wrong.
    split_digest
        Digest of which row went where; a part of `key`.
    forecast
        Of time series: their columns, step and horizon; the parts are then as ``docs/forecasting.md`` has them.
    """

    profile: Profile
    parts: Mapping[str, pa.Table] = field(repr=False)
    path: Path | None = None
    notes: tuple[str, ...] = ()
    split_digest: str = ""
    forecast: ForecastSpec | None = None

    @property
    def key(self) -> str:
        """Name of its folder: SHA-256, shortened to 32 digits, of content, profile and split."""
        text = f"{_FORMAT}\n{self.profile.model_dump_json()}\n{self.split_digest}"
        if self.forecast is not None:
            text += f"\n{self.forecast.model_dump_json()}"
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    def features(self, part: str) -> pa.Table:
        """Return the columns that a model may read, by their own names, in the profile's order."""
        return self.parts[part].select([column.name for column in self.profile.features])

    def question(self) -> pa.Table:
        """Return what a local model is asked: the features of ``predict``, or for time series `series.question`."""
        if self.forecast is None:
            return self.features("predict")
        from automl_bridge.data.series import question

        return question(self)

    def target_codes(self, part: str) -> NDArray[np.int64]:
        """Return each row's index into ``profile.classes``, shape (rows,)."""
        name = self.profile.with_role(Role.TARGET)[0].name
        return encode(self.parts[part][name], self.profile)

    def target_values(self, part: str) -> NDArray[np.float64]:
        """Return the targets of a regression, shape (rows, targets); durations in seconds."""
        import numpy as np

        from automl_bridge.data.cast import to_float

        table = self.parts[part]
        columns = [to_float(table[c.name], c.name).to_numpy() for c in self.profile.with_role(Role.TARGET)]
        return np.column_stack(columns).astype(np.float64, copy=False)

    def weights(self, part: str) -> NDArray[np.float64] | None:
        """Return the sample weights, shape (rows,), or None if there are none."""
        import numpy as np

        columns = self.profile.with_role(Role.WEIGHT)
        if not columns:
            return None
        return np.asarray(self.parts[part][columns[0].name].cast("float64").to_numpy(), dtype=np.float64)

    def save(self, root: Path) -> Dataset:
        """Write it to ``root / key``, unless it is there already, and return it as read from there.

        The folder appears complete or not at all: it is written under another name and renamed.

        Raises
        ------
        StorageError
            If it cannot be written; names the folder.
        """
        final = Path(root) / self.key
        if (final / "dataset.json").is_file():
            return Dataset.open(final)
        draft = Path(root) / f".{self.key}.{uuid.uuid4().hex[:8]}"
        try:
            draft.mkdir(parents=True)
            self._write(draft)
            try:
                draft.rename(final)
            except OSError:
                # Another process was first; what it wrote is the same.
                if not (final / "dataset.json").is_file():
                    raise
        except OSError as error:
            raise StorageError(
                f"cannot write the dataset to {final}: {error.strerror or error}",
                hint="free some space or set AUTOML_BRIDGE_HOME to a folder that takes it",
            ) from error
        finally:
            shutil.rmtree(draft, ignore_errors=True)
        return Dataset.open(final)

    @classmethod
    def open(cls, path: Path) -> Dataset:
        """Open a saved dataset; its tables are mapped into memory, not read.

        Raises
        ------
        UnreadableError
            If there is none, or it is from a newer version.
        """
        path = Path(path)
        try:
            held = json.loads((path / "dataset.json").read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise UnreadableError(f"no dataset in {path}: {error}", hint="build it again from its source") from error
        if held["format"] > _FORMAT:
            raise UnreadableError(
                f"the dataset in {path} has format {held['format']}; this version reads up to {_FORMAT}",
                hint="upgrade automl-bridge",
            )
        parts = StoredParts(path, tuple(held["parts"]))
        profile = Profile.model_validate(held["profile"])
        forecast = ForecastSpec.model_validate(held["forecast"]) if held.get("forecast") else None
        return cls(profile, parts, path, tuple(held["notes"]), held["split_digest"], forecast)

    def _write(self, folder: Path) -> None:
        import pyarrow as pa

        for part in self.parts:
            schema = schema_of(self.parts, part)
            with pa.OSFile(str(folder / f"{part}.arrow"), "wb") as sink, pa.ipc.new_file(sink, schema) as writer:
                for batch in batches_of(self.parts, part):
                    writer.write_batch(batch)
        document = {
            "format": _FORMAT,
            "parts": list(self.parts),
            "profile": self.profile.model_dump(mode="json"),
            "notes": list(self.notes),
            "split_digest": self.split_digest,
            "forecast": None if self.forecast is None else self.forecast.model_dump(mode="json"),
        }
        with (folder / "dataset.json").open("w", encoding="utf-8") as file:
            json.dump(document, file, ensure_ascii=False)
            file.flush()
            os.fsync(file.fileno())
