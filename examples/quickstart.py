"""The main job, as `make quickstart` runs it: fit, predict in a new process, compare with three clouds' stand-ins."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from automl_bridge.data.build import build_dataset

COMMAND = [sys.executable, "-m", "automl_bridge.cli"]
MAX_TIME = "1m"
CLOUDS = ("aws", "gcp", "azure")
BACKENDS = "baseline,autokeras,sagemaker,vertex,azure"


def describe(path: Path) -> None:
    """Print what is in the example table."""
    _, dataset = build_dataset(path, target="status", holdout=0, validation=0)
    columns = dataset.profile.columns
    kinds = {column.kind for column in columns}
    print(
        f"  ✔ example data: {path.name}, {sum(dataset.profile.rows.values()):,} rows × {len(columns) - 1} columns, "
        f"{len(kinds)} kinds of column, {sum(column.missing for column in columns)} missing values"
    )


def run(*arguments: str, env: dict[str, str] | None = None) -> None:
    """Show a command, and run it."""
    print(f"\n$ automl-bridge {' '.join(arguments)}\n", flush=True)
    subprocess.run([*COMMAND, *arguments], check=True, env={**os.environ, **(env or {})})


def answer(*arguments: str) -> dict[str, object]:
    """Return the JSON document that a command writes."""
    done = subprocess.run([*COMMAND, *arguments, "--json"], check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def fit_and_predict(path: Path) -> None:
    """Fit, then predict in a new process, with the model that the run left."""
    run("fit", str(path), "--target", "status", "--backend", "autokeras", "--max-time", MAX_TIME)
    runs = answer("runs", "list")["runs"]
    newest = next(one["run_id"] for one in runs if one["backend"] == "autokeras")
    run("predict", newest, str(path), "-o", "out.csv")


def compare(path: Path) -> None:
    """Compare with three clouds' AutoML, rehearsed against local stand-ins: no account, nothing leaves the machine."""
    run("sandbox", "start", *CLOUDS)
    try:
        env = answer("sandbox", "env")["env"]
        run("prices", "refresh", "sagemaker", env=env)
        options = ["--max-trials", "4", "--max-cost", "45", "--yes", "--report", "report.html"]
        run("compare", str(path), "--target", "status", "--backends", BACKENDS, *options, env=env)
    finally:
        run("sandbox", "stop", *CLOUDS)


def main() -> None:
    """Run the whole story on one table."""
    path = Path(sys.argv[1])
    describe(path)
    fit_and_predict(path)
    compare(path)


if __name__ == "__main__":
    main()
