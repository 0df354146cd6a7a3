"""Trials a minute with 1, 2 and more workers, on this machine and over a Ray cluster: ``python benchmarks/workers.py``.

The same four fixed trials (the first ones of every search, with seeds of their own) on breast_cancer, 569 × 30, with
the same epochs, by each arm in turn, in several rounds, every other one backwards, so that a busy machine slows all.
Every arm keeps its processes warm; its first search is not counted. The time is from ``submit`` to the end, so it holds
what no worker makes faster: encoding the data, the linear model before the first network, writing the best one.

Before and after each search a fixed piece of work is done in as many processes as there are cores. A search beside
which that took more than 1.25 times its least is not counted, and rounds go on, while there is time, until every arm
has as many as were asked for. Without enough of them the last line says that the figures are none.

Measure on a machine that does nothing else. Where Linux groups processes by session (``sched_autogroup_enabled``), all
workers of a local search share one group's part of a busy machine, as one worker does, and gain nothing; the nodes of a
cluster have groups of their own.

Ideal is n times the trials a minute of one worker with one thread on this machine. The cluster has three nodes of one
processor on loopback, of which one arm holds one and the other two. They share this machine: it shows what Ray costs,
not what a network costs.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TRIALS = 4
QUIET = 1.25
"""Times the least time of the fixed piece of work: beside a search that met more, something else ran."""
CLUSTER = """
import sys
from ray.cluster_utils import Cluster
cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "node_ip_address": "127.0.0.1"})
for _ in range(3):
    cluster.add_node(num_cpus=1, node_ip_address="127.0.0.1")
print(cluster.address, flush=True)
sys.stdin.read()
cluster.shutdown()
"""


class Arm:
    """One way to run the search."""

    def __init__(self, name: str, folder: Path, epochs: int, **settings) -> None:
        from automl_bridge_autokeras import AutoKerasBackend, AutoKerasSettings

        self.name, self.count = name, settings["workers"]
        given = AutoKerasSettings(epochs=epochs, ensemble=False, refit=False, linger=3600, **settings)
        self.backend = AutoKerasBackend(given, folder)
        self.searches: list[tuple[float, float]] = []
        """Seconds of each, and of the slower of the pieces of work before and after it."""
        self.scores: list = []
        """What its searches found: one thing, if it repeats itself."""
        self.number = 0

    def search(self, task, dataset) -> float:
        from automl_bridge.budget import Budget
        from automl_bridge.spec import JobSpec

        self.number += 1
        spec = JobSpec(
            name=f"search-{self.number}",
            task=task,
            target=("target",),
            metric="log_loss",
            profile=dataset.profile,
            budget=Budget(max_trials=TRIALS),
        )
        plan = self.backend.plan(spec)
        staged = self.backend.stage(plan, dataset)
        started = time.perf_counter()
        job = self.backend.submit(plan, staged)
        while not self.backend.poll([job])[job].state.is_final:
            time.sleep(0.05)
        seconds = time.perf_counter() - started
        outcome = self.backend.collect(job)
        assert outcome.model is not None, outcome.failure
        scores = sorted((trial.id, trial.score) for trial in outcome.trials)
        assert len(scores) == TRIALS, scores
        self.scores += [scores] if scores not in self.scores else []
        return seconds

    def quiet(self, limit: float) -> list[float]:
        """Return the seconds of the searches beside which the piece of work took no longer than ``limit``."""
        return [seconds for seconds, beside in self.searches if beside <= limit]

    def end(self) -> None:
        self.backend.kill()


def probe() -> float:
    """Return the seconds of a fixed piece of work in as many processes as there are cores."""
    started = time.perf_counter()
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=work) for _ in range(os.cpu_count() or 1)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    return time.perf_counter() - started


def work() -> None:
    total = 0
    for number in range(10_000_000):
        total += number


def cluster(folder: Path):
    """Start three nodes on loopback; returns the process that holds them, and the address."""
    folder.mkdir()
    own = {"RAY_TMPDIR": str(folder), "HOME": str(folder)}
    # What keeps Ray on loopback, and silent.
    os.environ.update(own, RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER="0", RAY_USAGE_STATS_ENABLED="0")
    process = subprocess.Popen(
        [sys.executable, "-c", CLUSTER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    address = process.stdout.readline().strip()
    while address and not address.rpartition(":")[2].isdigit():  # what Ray prints
        address = process.stdout.readline().strip()
    return process, address


def dataset_of():
    from sklearn.datasets import load_breast_cancer

    from automl_bridge.data.build import build_dataset

    frame = load_breast_cancer(as_frame=True).frame
    return build_dataset(frame, target="target", task="tabular-classification")


def arms_of(folder: Path, epochs: int, counts: list[int], address: str | None) -> list[Arm]:
    arms = [
        Arm("1 worker, all cores", folder / "all", epochs, workers=1),
        Arm("1 worker, 1 thread", folder / "one", epochs, workers=1, threads=1),
    ]
    arms += [Arm(f"{count} workers, 1 thread each", folder / str(count), epochs, workers=count) for count in counts]
    if address:
        names = {1: "1 worker on a Ray node", 2: "2 workers on 2 Ray nodes"}
        arms += [
            Arm(name, folder / f"ray{count}", epochs, workers=count, threads=1, ray_address=address)
            for count, name in names.items()
        ]
    return arms


def measure(arms: list[Arm], task, dataset, *, rounds: int, minutes: float) -> list[float]:
    """Let each arm search in turn until each has so many quiet searches, or the time is over; returns the probes."""
    began = time.monotonic()
    probes: list[float] = []
    for arm in arms:
        print(f"{arm.name}: first search {arm.search(task, dataset):.1f} s", file=sys.stderr)
    count, longest = 0, 0.0
    while min(len(arm.quiet(QUIET * min(probes, default=0.0))) for arm in arms) < rounds:
        started = time.monotonic()
        if count and started - began + longest > 60 * minutes:
            break
        before = probe()
        for arm in arms if count % 2 else reversed(arms):  # what follows what changes
            seconds = arm.search(task, dataset)
            after = probe()
            arm.searches.append((seconds, max(before, after)))
            probes += [before, after]
            print(f"{arm.name}: {seconds:.1f} s, probes {before:.2f} and {after:.2f} s", file=sys.stderr)
            before = after
        count += 1
        longest = max(longest, time.monotonic() - started)
    return probes


def table(arms: list[Arm], limit: float) -> list[dict]:
    """Return a row for each arm, of its quiet searches, or of all where none was quiet."""
    counted = {arm.name: arm.quiet(limit) or [seconds for seconds, _ in arm.searches] for arm in arms}
    one = statistics.median(counted[arms[1].name])
    rows = []
    for arm in arms:
        seconds = statistics.median(counted[arm.name])
        row = {
            "arm": arm.name,
            "seconds": [round(each, 2) for each in counted[arm.name]],
            "quiet": len(arm.quiet(limit)),
            "trials_a_minute": round(60 * TRIALS / seconds, 1),
            "times_one": round(one / seconds, 2),
            "lost": None if arm.name.endswith("all cores") else f"{1 - one / seconds / arm.count:.0%}",
            "same_scores": arm.scores == arms[1].scores and len(arm.scores) == 1,
        }
        rows.append(row)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3, help="quiet searches of each arm")
    parser.add_argument("--minutes", type=float, default=8.0, help="no round begins that would end later")
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--workers", default=None, help="comma-separated; 2 and the number of cores")
    parser.add_argument("--no-ray", action="store_true")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("it was told to end"))  # its warm processes end with it
    cores = os.cpu_count() or 1
    counts = [int(each) for each in given.workers.split(",")] if given.workers else sorted({2, cores} - {1})
    task, dataset = dataset_of()
    with tempfile.TemporaryDirectory(prefix="w") as name:
        os.environ["AUTOML_BRIDGE_HOME"] = f"{name}/home"
        nodes, address = (None, None) if given.no_ray else cluster(Path(name) / "ray")
        arms = arms_of(Path(name), given.epochs, counts, address)
        try:
            probes = measure(arms, task, dataset, rounds=given.rounds, minutes=given.minutes)
        finally:
            for arm in arms:
                arm.end()
            if nodes is not None:
                nodes.stdin.close()
                nodes.wait(60)
    rows = table(arms, QUIET * min(probes))
    if given.json:
        noise = {"probe_seconds": [round(each, 2) for each in probes], "cores": cores, "load": os.getloadavg()}
        print(json.dumps({"arms": rows, **noise}))
        return
    print("| arm | seconds a search | trials a minute | × 1 worker, 1 thread | lost | same scores |")
    print("|---|---|---|---|---|---|")
    for row in rows:
        seconds = " / ".join(f"{each:g}" for each in row["seconds"])
        lost = row["lost"] or ""
        print(f"| {row['arm']} | {seconds} | {row['trials_a_minute']} | {row['times_one']} | {lost} ", end="")
        print(f"| {'yes' if row['same_scores'] else 'no'} |")
    print(f"\n{cores} cores; the fixed piece of work took {min(probes):.2f} to {max(probes):.2f} s.")
    lacking = [row["arm"] for row in rows if row["quiet"] < given.rounds]
    if lacking:
        print(f"NOT TO BE PUBLISHED: fewer than {given.rounds} quiet searches of {'; '.join(lacking)}.")


if __name__ == "__main__":
    main()
