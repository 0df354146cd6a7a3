"""Searches over a Ray cluster of two nodes, which share this machine, its kernel and its disk."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path

import psutil
import pytest
from autokeras_bench import Bench, mixed_table, wait

from automl_bridge import compare
from automl_bridge.backend import JobState
from automl_bridge.budget import Budget
from automl_bridge.config import load_config
from automl_bridge.data.build import build_dataset
from automl_bridge.session import Session

pytestmark = pytest.mark.slow
pytest.importorskip("ray")

LONG = {"epochs": 60}
SECONDS = 240.0
_LONGEST = 36  # of a folder in which Ray's sockets still have names that a kernel takes


class TwoNodes:
    """The cluster as a test holds it."""

    def __init__(self, folder: Path) -> None:
        command = [sys.executable, str(Path(__file__).with_name("ray_cluster.py"))]
        with (folder / "cluster.log").open("wb") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True, start_new_session=True
            )
        self.address = self.answer("address ")

    def answer(self, start: str) -> str:
        for line in self.process.stdout:
            if line.startswith(start):
                return line.removeprefix(start).strip()
        raise AssertionError("the cluster ended")

    def tell(self, command: str) -> None:
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        self.answer("done")

    def processes(self) -> list[psutil.Process]:
        with suppress(psutil.Error):
            root = psutil.Process(self.process.pid)
            return [root, *root.children(recursive=True)]
        return []

    def end(self) -> None:
        there = self.processes()
        self.process.stdin.close()
        _, left = psutil.wait_procs(there, timeout=20)
        for process in left:
            with suppress(psutil.Error):
                process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process.stdout.close()
        assert left == []


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("r")
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory(prefix="r") as short:
        patch.setenv("RAY_TMPDIR", str(folder) if len(str(folder)) <= _LONGEST else short)
        patch.setenv("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")  # what keeps every part of it on loopback
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("HOME", str(folder))
        nodes = TwoNodes(folder)
        try:
            yield nodes
        finally:
            nodes.end()


@pytest.fixture(scope="module")
def spread(cluster: TwoNodes, tmp_path_factory: pytest.TempPathFactory):
    settings = {"epochs": 3, "ensemble": False, "refit": False, "workers": 2, "ray_address": cluster.address}
    bench = Bench(tmp_path_factory.mktemp("spread") / "work", settings)
    yield bench
    bench.backend().kill()


@pytest.fixture(scope="module")
def data():
    return build_dataset(mixed_table(), target="outcome")


def spec_of(bench: Bench, data, trials: int, **changes):
    task, dataset = data
    return bench.spec(dataset, task, "outcome", "roc_auc", budget=Budget(max_trials=trials), **changes), dataset


def end(backend, job):
    wait(lambda: backend.poll([job])[job].state.is_final, SECONDS)
    return backend.collect(job)


def rows(outcome):
    return sorted((trial.id, trial.score) for trial in outcome.trials)


def alone(bench: Bench, data, **settings):
    """What one worker finds."""
    spec, dataset = spec_of(bench, data, 4)
    backend, _, job = bench.start(spec, dataset, **settings)
    return end(backend, job)


def nodes_of(outcome) -> set[str]:
    return {re.search(r"node (\w+)", trial.params["worker"])[1] for trial in outcome.trials}


def test_a_search_runs_over_both_nodes_and_finds_what_one_worker_finds(cluster, spread, bench, data):
    spec, dataset = spec_of(spread, data, 4)
    backend, _, job = spread.start(spec, dataset)
    outcome = end(backend, job)
    assert outcome.state is JobState.SUCCEEDED, outcome.failure
    assert len(nodes_of(outcome)) == 2
    assert rows(outcome) == rows(alone(bench, data))
    assert [item.sku for item in outcome.usage.items] == ["local-machine"]  # both nodes are this machine


def test_everything_listens_on_loopback_only(cluster):
    def listening(process):
        with suppress(psutil.Error):
            return [one.laddr.ip for one in process.net_connections("inet") if one.status == psutil.CONN_LISTEN]
        return []

    addresses = {ip for process in cluster.processes() for ip in listening(process)}
    assert addresses
    assert all(ip_address(each.removeprefix("::ffff:")).is_loopback for each in addresses), addresses


def test_a_removed_node_loses_only_its_trial(cluster, spread, bench, data):
    spec, dataset = spec_of(spread, data, 4)
    backend, _, job = spread.start(spec, dataset, **LONG)
    pattern = r"trial 2 on worker \d \([\d.]+, node (\w+)\)"
    found = wait(lambda: re.search(pattern, backend.poll([job])[job].message), SECONDS)
    cluster.tell(f"remove {found[1]}")
    cluster.tell("add")
    outcome = end(backend, job)
    assert outcome.state is JobState.SUCCEEDED, outcome.failure
    log = (spread.workspace / "jobs" / spec.name / "log.txt").read_text()
    assert log.count("tried again") == 1
    assert "trial 1 is tried again" in log
    assert rows(outcome) == rows(alone(bench, data, **LONG))


def test_cancel_ends_the_trials(cluster, spread, data):
    spec, dataset = spec_of(spread, data, 50)
    backend, _, job = spread.start(spec, dataset, **LONG)
    wait(lambda: backend.poll([job])[job].trials and backend.poll([job])[job].message, SECONDS)
    backend.cancel(job)
    outcome = end(backend, job)
    assert outcome.stopped_by == "cancel"
    assert outcome.model is not None


def test_a_search_waits_for_processors_and_then_has_all_its_time(cluster, spread, data):
    backend, _, first = spread.start(*spec_of(spread, data, 50), **LONG)
    wait(lambda: "trial 2 on" in backend.poll([first])[first].message, SECONDS)
    started = time.monotonic()
    other, _, second = spread.start(*spec_of(spread, data, 1, seed=1), workers=1)
    wait(lambda: "waits for free processors" in other.poll([second])[second].message, SECONDS)
    waited = time.monotonic() - started
    backend.cancel(first)
    assert end(backend, first).stopped_by == "cancel"
    # The first one's workers are warm, and end: it has nothing to do.
    outcome = end(other, second)
    assert outcome.state is JobState.SUCCEEDED, outcome.failure
    (hours,) = [item.quantity for item in outcome.usage.items]
    assert 3600 * hours <= time.monotonic() - started - waited


def test_the_runs_of_a_comparison_are_side_by_side(cluster, spread):
    """They run at once, each on a node, and find what they find one after another on this machine."""
    spread.backend().kill()  # its warm workers hold both nodes
    asked = {"target": "outcome", "backends": ["autokeras"], "seeds": 2, "budget": Budget(max_trials=2)}
    asked |= {"metric": "roc_auc", "random_state": 6, "verbose": False}
    ours = {"epochs": 30, "ensemble": False, "refit": False, "linger": 1}
    over = {"autokeras": {**ours, "ray_address": cluster.address}}
    with ThreadPoolExecutor(1) as pool, Session(load_config()) as session:
        compared = pool.submit(compare, mixed_table(), settings=over, **asked)
        nodes = wait(lambda: compared.done() or nodes_now(session), SECONDS)
        result = compared.result(SECONDS)
    assert len(nodes) == 2
    alone = compare(mixed_table(), settings={"autokeras": {**ours, "linger": 0.1}}, **asked)
    assert trials_of(result) == trials_of(alone)
    assert len(trials_of(result)) == 4


def nodes_now(session) -> set[str]:
    """The nodes on which runs have trials at this moment, once there are two runs."""
    told = [run.progress.message for run in session.list() if run.progress and run.backend == "autokeras"]
    found = [match[1] for text in told if (match := re.search(r"trial \d on worker \d \(.*node (\w+)\)", text))]
    return set(found) if len(found) == 2 else set()


def trials_of(result):
    rows = [row for row in result.rows if row.backend == "autokeras"]
    return [(row.seed, trial.id, trial.score) for row in rows for trial in row.trials]


def test_the_workers_end_with_the_search(cluster, spread, data):
    def workers():
        found = []
        for process in cluster.processes():
            with suppress(psutil.Error):  # it ends while it is looked at
                found += [process] if "RayWorker" in " ".join(process.cmdline()) else []
        return found

    backend, _, job = spread.start(*spec_of(spread, data, 1))
    assert end(backend, job).state is JobState.SUCCEEDED
    assert workers()
    for process in spread_processes(spread):
        os.kill(process.pid, signal.SIGKILL)
    wait(lambda: not workers(), 60)


def spread_processes(bench: Bench) -> list[psutil.Process]:
    mark = str(bench.workspace)
    return [one for one in psutil.process_iter(["cmdline"]) if mark in " ".join(one.info["cmdline"] or ())]
