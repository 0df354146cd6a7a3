"""The main job, as `make quickstart` runs it: fit on a real table, then predict in a new process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from automl_bridge.data.build import build_dataset

COMMAND = [sys.executable, "-m", "automl_bridge.cli"]
MAX_TIME = "1m"


def describe(path: Path) -> None:
    """Print what is in the example table."""
    _, dataset = build_dataset(path, target="status", holdout=0, validation=0)
    columns = dataset.profile.columns
    kinds = {column.kind for column in columns}
    print(
        f"  ✔ example data: {path.name}, {sum(dataset.profile.rows.values()):,} rows × {len(columns) - 1} columns, "
        f"{len(kinds)} kinds of column, {sum(column.missing for column in columns)} missing values"
    )


def run(*arguments: str) -> None:
    """Show a command, and run it."""
    print(f"$ automl-bridge {' '.join(arguments)}\n", flush=True)
    subprocess.run([*COMMAND, *arguments], check=True)


def main() -> None:
    """Fit, then predict in a new process, with the model that the run left."""
    path = Path(sys.argv[1])
    describe(path)
    run("fit", str(path), "--target", "status", "--backend", "autokeras", "--max-time", MAX_TIME)
    latest = subprocess.run([*COMMAND, "runs", "list", "--json"], check=True, capture_output=True, text=True)
    print()
    run("predict", _newest(latest.stdout), str(path), "-o", "out.csv")


def _newest(document: str) -> str:
    import json

    runs = json.loads(document)["runs"]
    return next(run["run_id"] for run in runs if run["backend"] == "autokeras")


if __name__ == "__main__":
    main()
