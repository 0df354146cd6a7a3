"""How fast it starts: import, ``--help``, an estimate for all backends, and the first finished fit.

Each over what bare Python takes, in one run. Of an estimate the whole time counts, Python's start included, in a home
without a store and in one whose store it learns from.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CREDIT = str(Path(__file__).parents[1] / "examples" / "data" / "credit.csv")
FIT = (
    "from sklearn.datasets import load_breast_cancer\n"
    "from automl_bridge import Estimator\n"
    "X, y = load_breast_cancer(return_X_y=True)\n"
    "Estimator(backend='baseline', random_state=0).fit(X, y)\n"
)
ESTIMATE = ["-m", "automl_bridge.cli", "estimate", CREDIT, "--target", "status"]
BARE = "bare python"
CASES = {
    BARE: ["-c", "pass"],
    "import automl_bridge": ["-c", "import automl_bridge"],
    "automl-bridge --help": ["-m", "automl_bridge.cli", "--help"],
    "import Estimator + baseline fit on breast_cancer": ["-c", FIT],
    "automl-bridge estimate, all backends": ESTIMATE,
    "automl-bridge estimate, with a store": ESTIMATE,
}
LIMITS = {
    "import automl_bridge": 0.15,
    "automl-bridge --help": 0.4,
    "import Estimator + baseline fit on breast_cancer": 3,
    "automl-bridge estimate, all backends": 1,
    "automl-bridge estimate, with a store": 1,
}
WHOLE = {"automl-bridge estimate, all backends", "automl-bridge estimate, with a store"}
"""Cases whose aim is for the whole time, bare Python's included."""
ROUNDS = 7


def seconds(arguments: list[str], home: str) -> tuple[float, float]:
    """Return the time that passed, and the processor time of the process and its children."""
    started, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = {**os.environ, "AUTOML_BRIDGE_HOME": home}
    subprocess.run([sys.executable, *arguments], check=True, env=environment, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.perf_counter() - started, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    # Interleaved, so that a slow spell of the machine falls on every case alike.
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in CASES}
    with tempfile.TemporaryDirectory() as used:
        subprocess.run([sys.executable, "-c", FIT], check=True, env={**os.environ, "AUTOML_BRIDGE_HOME": used})
        for _ in range(ROUNDS):
            for name, arguments in CASES.items():
                with tempfile.TemporaryDirectory() as empty:
                    times[name].append(seconds(arguments, used if "with a store" in name else empty))
    bare = statistics.median(wall for wall, _ in times[BARE])
    print(f"{ROUNDS} rounds; bare Python {bare:.3f} s. Seconds over bare Python; of estimate, of the whole.\n")
    for name, values in times.items():
        if name in LIMITS:
            off = 0 if name in WHOLE else bare
            median = statistics.median(wall for wall, _ in values) - off
            least, work = min(wall for wall, _ in values) - off, statistics.median(cpu for _, cpu in values)
            verdict = "met" if median <= LIMITS[name] else "MISSED"
            spread = f"median {median:6.3f}   min {least:6.3f}   processor {work:6.3f}"
            print(f"{name:<50} {spread}   aim {LIMITS[name]:g}   {verdict}")


if __name__ == "__main__":
    main()
