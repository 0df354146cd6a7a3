"""How fast it starts: import, ``--help``, and the first finished fit. Each beside bare Python, in one run."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time

FIT = (
    "from sklearn.datasets import load_breast_cancer\n"
    "from automl_bridge import Estimator\n"
    "X, y = load_breast_cancer(return_X_y=True)\n"
    "Estimator(backend='baseline', random_state=0).fit(X, y)\n"
)
CASES = {
    "bare python": ["-c", "pass"],
    "import automl_bridge": ["-c", "import automl_bridge"],
    "automl-bridge --help": ["-m", "automl_bridge.cli", "--help"],
    "import Estimator + baseline fit on breast_cancer": ["-c", FIT],
}
LIMITS = {
    "import automl_bridge": 0.15,
    "automl-bridge --help": 0.4,
    "import Estimator + baseline fit on breast_cancer": 3,
}
ROUNDS = 7


def seconds(arguments: list[str]) -> float:
    with tempfile.TemporaryDirectory() as home:
        started = time.perf_counter()
        environment = {**os.environ, "AUTOML_BRIDGE_HOME": home}
        subprocess.run([sys.executable, *arguments], check=True, env=environment, stdout=subprocess.DEVNULL)
        return time.perf_counter() - started


def main() -> None:
    # Interleaved, so that a slow spell of the machine falls on every case alike.
    times: dict[str, list[float]] = {name: [] for name in CASES}
    for _ in range(ROUNDS):
        for name, arguments in CASES.items():
            times[name].append(seconds(arguments))
    bare = statistics.median(times["bare python"])
    print(f"median of {ROUNDS}, seconds over bare Python ({bare:.3f} s)\n")
    for name, values in times.items():
        if name in LIMITS:
            over = statistics.median(values) - bare
            print(f"{name:<50} {over:7.3f}   aim {LIMITS[name]:g}   {'met' if over <= LIMITS[name] else 'MISSED'}")


if __name__ == "__main__":
    main()
