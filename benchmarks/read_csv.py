"""A large mixed CSV, read, typed, fingerprinted and split, beside `pyarrow.csv.read_csv` alone.

    python benchmarks/read_csv.py --mb 1000

Each way runs in a process of its own, in turn, and is compared with the run of pyarrow just before it; the median
of these ratios counts. Peak memory is what the kernel says of the process. On a machine that does other work the
ratio of CPU seconds says more. "parts made" also cuts the three parts out, which training does later.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import NamedTuple

TIME_LIMIT = 1.5
MEMORY_LIMIT = 3.0

ARROW = """
import pyarrow.csv
table = pyarrow.csv.read_csv({path!r})
assert table.num_rows
"""
OURS = """
from automl_bridge.data.build import build_dataset
task, dataset = build_dataset({path!r}, target="label")
assert dataset.profile.rows["holdout"]
"""
PARTS = (
    OURS
    + """
assert sum(dataset.parts[name].num_rows for name in dataset.parts)
"""
)
MEASURED = """
import json, resource, time
import pyarrow.csv, pyarrow.compute
import numpy
start, used = time.perf_counter(), time.process_time()
{body}
seconds, cpu = time.perf_counter() - start, time.process_time() - used
print(json.dumps([seconds, cpu, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024]))
"""


def write_csv(path: Path, megabytes: int) -> int:
    """Write a CSV of about ``megabytes``: whole numbers, floats, labels, booleans, stamps, text in quotes, gaps.

    From 100 MB on the same rows come again: what is measured does not remember them.
    """
    import numpy as np

    rng = np.random.default_rng(0)
    rows = 50_000
    words = np.array(["river", "stone", "light", "paper", "green", "quiet", "north", "seven"])
    start = np.datetime64("2020-01-01T00:00:00")
    written = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write("id,amount,price,rate,count,city,grade,active,stamp,comment,label\n")
        while written < min(megabytes, 100) * 1_000_000:
            buffer = io.StringIO()
            out = csv.writer(buffer, lineterminator="\n")
            number = rng.normal(size=(rows, 3))
            gaps = rng.random((rows, 3)) < 0.05
            text = words[rng.integers(0, len(words), (rows, 6))]
            out.writerows(
                zip(
                    (written + np.arange(rows)).tolist(),
                    ["" if gap else f"{value:.6f}" for gap, value in zip(gaps[:, 0], number[:, 0] * 100, strict=True)],
                    [f"{value:.2f}" for value in np.exp(number[:, 1])],
                    [repr(value) for value in number[:, 2].tolist()],
                    ["" if gap else value for gap, value in zip(gaps[:, 1], rng.integers(0, 999, rows), strict=True)],
                    [f"city {value}" for value in rng.zipf(1.5, rows) % 1000],
                    [
                        "" if gap else value
                        for gap, value in zip(gaps[:, 2], rng.choice(list("ABCDE"), rows), strict=True)
                    ],
                    np.where(rng.random(rows) < 0.5, "true", "false").tolist(),
                    np.datetime_as_string(start + rng.integers(0, 10**8, rows)).tolist(),
                    [f"{' '.join(row[:3])}, {' '.join(row[3:])}" for row in text.tolist()],
                    np.where(number[:, 0] > 0.3, "yes", "no").tolist(),
                    strict=True,
                )
            )
            file.write(buffer.getvalue())
            written = file.tell()
    rest = path.read_bytes().partition(b"\n")[2]
    with path.open("ab") as file:
        while file.tell() < megabytes * 1_000_000:
            file.write(rest)
    return path.stat().st_size


class Run(NamedTuple):
    """Wall-clock and CPU seconds (imports of pyarrow and numpy not counted), and peak bytes."""

    seconds: float
    cpu: float
    peak: int


def measure(body: str, path: Path) -> Run:
    """Run ``body`` in a new process."""
    script = MEASURED.format(body=body.format(path=str(path)))
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    return Run(*json.loads(done.stdout))


def main() -> int:
    """Measure, print a table, and fail if a limit is not kept."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mb", type=int, default=1000, help="size of the CSV in megabytes (default 1000)")
    parser.add_argument("--repeats", type=int, default=3, help="runs of each way (default 3)")
    parser.add_argument("--no-limits", action="store_true", help="print only, never fail")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mixed.csv"
        begun = time.perf_counter()
        size = write_csv(path, options.mb)
        print(f"{size / 1e6:,.0f} MB written in {time.perf_counter() - begun:.0f} s; {os.cpu_count()} cores")
        ways = {"pyarrow.csv.read_csv": ARROW, "build_dataset": OURS, "build_dataset, parts made": PARTS}
        runs: dict[str, list[Run]] = {name: [] for name in ways}
        for _ in range(options.repeats):
            for name, body in ways.items():
                runs[name].append(measure(body, path))
    base = runs["pyarrow.csv.read_csv"]
    print(f"{'':28}{'seconds':>9}{'× pyarrow':>11}{'CPU s':>8}{'× pyarrow':>11}{'peak × file':>13}")
    figures = {}
    for name, held in runs.items():
        ratio = median(run.seconds / plain.seconds for run, plain in zip(held, base, strict=True))
        of_cpu = median(run.cpu / plain.cpu for run, plain in zip(held, base, strict=True))
        figures[name] = (ratio, max(run.peak for run in held) / size)
        seconds, cpu = median(run.seconds for run in held), median(run.cpu for run in held)
        print(f"{name:28}{seconds:9.2f}{ratio:11.2f}{cpu:8.2f}{of_cpu:11.2f}{figures[name][1]:13.2f}")
    ratio, memory = figures["build_dataset"]
    kept = ratio <= TIME_LIMIT and memory <= MEMORY_LIMIT
    print(f"limits: {TIME_LIMIT} × the time, {MEMORY_LIMIT} × the size: {'kept' if kept else 'NOT KEPT'}")
    return 0 if kept or options.no_limits else 1


if __name__ == "__main__":
    sys.exit(main())
