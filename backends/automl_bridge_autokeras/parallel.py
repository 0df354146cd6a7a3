"""Several workers for one search: how many, where, and the rooms that stay warm between jobs. Light to import."""

from __future__ import annotations

import logging
import os
import pickle
import statistics
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from automl_bridge.backend import JobState, Progress
from automl_bridge.errors import RunFailedError
from automl_bridge.local.job import NotYetError
from automl_bridge_autokeras.parallel_local import LocalSlot, wait_for
from automl_bridge_autokeras.parallel_messages import JobOrder
from automl_bridge_autokeras.parallel_room import Room
from automl_bridge_autokeras.request import UNLIMITED_TRIALS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from automl_bridge.local.job import Job
    from automl_bridge.spec import JobSpec
    from automl_bridge_autokeras.parallel_messages import Ready
    from automl_bridge_autokeras.parallel_recorder import ParallelRecorder
    from automl_bridge_autokeras.prepared import Prepared
    from automl_bridge_autokeras.settings import AutoKerasSettings
    from automl_bridge_autokeras.tuner import TrialRunner

__all__ = ["Crew", "crew_of", "gain"]

_log = logging.getLogger(__name__)
_START_SECONDS = 8.0  # until workers are ready: 4-8 s on 2 cores, mostly TensorFlow
_AUTO_SECONDS = 60.0  # of a limit on time alone, from which it is worth while to start workers
_EFFICIENCY = 0.8  # of n workers against n times one: two warm processes made 1.7 times the trials on 2 quiet cores
_WORKER_MEMORY = 700 * 2**20  # TensorFlow, AutoKeras and a small network

_rooms: dict[tuple[str, int | None], Room] = {}
"""The room of this process, by address of a cluster ("" is this machine) and threads; one at a time."""


def crew_of(job: Job, settings: AutoKerasSettings) -> Crew | None:
    """Return who runs the trials of a job; None if this process does. Workers begin to load at once."""
    if settings.workers == 1 and not settings.ray_address:
        _close_all_but(None)
        return None
    crew = Crew(job, settings)
    if not crew.waits:
        crew.open()
    return crew


class Crew:
    """The workers of one job.

    Parameters
    ----------
    job
        Its request says how many trials there are.
    settings
        They say how many workers, and where.
    """

    def __init__(self, job: Job, settings: AutoKerasSettings) -> None:
        self._job, self._settings = job, settings
        self._max_trials = int(job.request["max_trials"])
        self._order: JobOrder | None = None
        self._recorder: ParallelRecorder | None = None
        self._file = job.folder / "prepared.pickle"
        self._room: Room | None = None
        self.waits = self._waits()
        """Whether it first sees how long a trial takes."""

    def _waits(self) -> bool:
        if self._settings.workers != "auto" or self._settings.ray_address:
            return False
        timed = self._max_trials >= UNLIMITED_TRIALS and self._job.deadline is not None
        return not (timed and self._job.seconds_left >= _AUTO_SECONDS)

    def open(self) -> Room:
        """Return the room with as many workers as there should be."""
        key = (self._settings.ray_address or "", self._settings.threads)
        _close_all_but(key)
        if key not in _rooms:
            _rooms[key] = _room(*key)
        self._room = _rooms[key]
        count = max(1, min(self._count(), self._max_trials))
        if self._settings.ray_address:
            self._hold(self._room, count)
        self._room.open(count)
        return self._room

    def _hold(self, room: Room, count: int) -> None:
        """Have processors of the cluster for all workers, or let others go first.

        Raises
        ------
        NotYetError
            If other work has them: the search waits before its time begins, not during it.
        """
        from automl_bridge_autokeras import lanes, ray_room

        threads = self._settings.threads or 1
        if ray_room.holds(count, threads):
            return
        room.close()
        if not ray_room.hold(count, threads, lambda: not self._job.cancelled):
            said = f"waits for free processors of the cluster: {count} × {threads}"
            self._job.report(Progress(state=JobState.RUNNING, message=said))
            lanes.end_idle(self._job.folder)
            raise NotYetError(said)

    def _count(self) -> int:
        if self._settings.workers != "auto":
            return self._settings.workers
        if self._settings.ray_address:
            from automl_bridge_autokeras.ray_room import cores_of

            return max(1, cores_of() // (self._settings.threads or 1))
        return local_workers(self._settings)

    def describe(
        self,
        spec: JobSpec,
        prepared: Prepared,
        code: Sequence[str],
        recorder: ParallelRecorder,
    ) -> None:
        """Say what the workers are to know; those that are there begin to load it."""
        content = pickle.dumps(prepared, protocol=5)
        self._recorder = recorder
        settings = self._settings.model_dump(mode="json")
        common: dict[str, Any] = {
            "name": f"{self._job.name}/{self._job.attempt}",
            "spec": spec.model_dump(mode="json"),
            "settings": settings,
            "code": tuple(code),
        }
        if self._settings.ray_address:
            import ray

            self._order = JobOrder(**{**common, "settings": _as_text(settings)}, prepared=ray.put(content))
        else:
            self._file.write_bytes(content)
            self._order = JobOrder(
                **common,
                prepared=str(self._file),
                path=tuple(sys.path),
                log=str(self._job.folder / "log.txt"),
                folder=str(self._job.folder / "worker"),
            )
        if self._room is not None:
            self._begin(self._room)

    def __call__(self, tuner: TrialRunner, data: Mapping[str, Any]) -> None:
        """Run the trials: the ``conduct`` of a tuner."""
        from automl_bridge_autokeras.parallel_search import ParallelSearch

        assert self._recorder is not None
        if self._room is None:
            if not self._first(tuner, data):
                return
            self._begin(self.open())
        assert self._room is not None
        tuner.learn_space(data)  # while they load
        ParallelSearch(tuner, self._room, self._recorder).run()

    def end(self) -> None:
        """Let the workers forget the job; they stay warm."""
        if self._room is not None:
            self._room.end()
        self._file.unlink(missing_ok=True)

    def _begin(self, room: Room) -> None:
        assert self._order is not None
        assert self._recorder is not None
        room.begin(self._order)
        if self._settings.ray_address:
            from automl_bridge_autokeras.ray_room import own_addresses

            own, threads = own_addresses(), self._settings.threads or 1
            self._recorder.held_elsewhere = lambda: threads * sum(each not in own for each in room.addresses)

    def _first(self, tuner: Any, data: Mapping[str, Any]) -> bool:
        """Run trials in this process until it is known that workers pay; returns whether there is more to do."""
        assert self._recorder is not None
        while True:
            seconds = [trial.seconds for trial in self._recorder.trials.values() if trial.seconds]
            if seconds and self._pays(statistics.median(seconds)):
                _log.info("trials take %.1f s: the rest runs in several processes", statistics.median(seconds))
                return True
            tuner.pre_create_trial()
            trial = tuner.oracle.create_trial(tuner.tuner_id)
            if trial.status != "RUNNING":
                return False
            tuner._try_run_and_update_trial(trial, **data)  # noqa: SLF001 - a step of Keras Tuner's own loop
            tuner.on_trial_end(trial)

    def _pays(self, trial_seconds: float) -> bool:
        assert self._recorder is not None
        count = self._count()
        rest = (self._max_trials - len(self._recorder.trials)) * trial_seconds
        warm = any(room.size >= count for room in _rooms.values())
        return gain(min(rest, self._job.seconds_left), count, warm=warm) > 0


def gain(seconds: float, workers: int, *, warm: bool) -> float:
    """Return the seconds that ``workers`` processes gain on trials that take ``seconds`` one after another.

    Cold ones must gain twice what their start takes: it delays the first trials, and short trials gain little.
    """
    if workers < 2:
        return 0.0
    return seconds * (1 - 1 / (_EFFICIENCY * workers)) - (0.0 if warm else 2 * _START_SECONDS)


def local_workers(settings: AutoKerasSettings) -> int:
    """Return the workers that this machine has cores and memory for."""
    import psutil

    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    memory = psutil.virtual_memory().available
    if settings.max_memory is not None:
        memory = min(memory, settings.max_memory - 2 * _WORKER_MEMORY)  # this process has data and networks, too
    return max(1, min(usable // (settings.threads or 1), int(memory // _WORKER_MEMORY)))


def _room(address: str, threads: int | None) -> Room:
    if not address:
        return Room(lambda number: LocalSlot(number, threads), wait_for)
    from automl_bridge_autokeras import ray_room

    ray_room.attach(address)
    return Room(lambda number: ray_room.RaySlot(number, threads), ray_room.wait_for_rays, _same_versions)


def _same_versions(ready: Ready) -> None:
    """Raise `RunFailedError` if a worker's packages are not ours: its networks and scores would not be."""
    from automl_bridge_autokeras.train import versions

    mine, theirs = _comparable(versions()), _comparable(ready.versions)
    wrong = [f"{name} {theirs.get(name)} (here {mine.get(name)})" for name in mine if mine[name] != theirs.get(name)]
    if wrong:
        raise RunFailedError(
            f"{ready.place} has other versions: {', '.join(wrong)}",
            kind="service",
            hint="install the same versions on all nodes, by the same image or the same constraints",
        )


def _comparable(found: Mapping[str, str]) -> dict[str, str]:
    python = ".".join(found.get("python", "").split(".")[:2])
    tensorflow = found.get("tensorflow") or found.get("tensorflow-cpu", "")
    rest = {name: found.get(name, "") for name in ("automl-bridge", "autokeras", "keras", "keras-tuner")}
    return {**rest, "python": python, "tensorflow": tensorflow}


def _as_text(settings: dict[str, Any]) -> dict[str, Any]:
    """Replace the user's files by their text: other machines do not have them."""

    def text(given: Any) -> Any:
        place, _, name = given.rpartition(":") if isinstance(given, str) else ("", "", "")
        if not place.endswith(".py"):
            return given
        return {"source": Path(place).read_text(encoding="utf-8"), "name": name}

    space, callbacks = settings.get("search_space"), settings.get("callbacks") or ()
    return {**settings, "search_space": text(space), "callbacks": [text(each) for each in callbacks]}


def _close_all_but(key: tuple[str, int | None] | None) -> None:
    for other in [each for each in _rooms if each != key]:
        _rooms.pop(other).close()
        if other[0]:
            from automl_bridge_autokeras.ray_room import detach

            detach()
