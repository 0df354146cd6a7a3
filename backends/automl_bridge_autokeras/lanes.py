"""Searches side by side over a cluster: each lane has a queue and a worker process of its own, and all share the jobs.

On this machine searches run one after another, as they would share its cores. Over a cluster a search does its work
elsewhere, so searches of other seeds, as `compare` starts them, have other lanes. Which lane is a search's follows from
its plan alone, so whoever looks for it looks in the right one.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from automl_bridge.backend import Plan

__all__ = ["LANES", "end_idle", "lane_of", "make", "place"]

LANES = 4
"""Searches that run at the same time at most: each has a process here, with TensorFlow, the data and its networks."""

_FOLDER, _JOBS = "lanes", "jobs"


def lane_of(plan: Plan) -> int:
    """Return the lane of a plan: 0, where everything runs that runs here, or one by the seed."""
    settings = plan.request.get("settings")
    elsewhere = isinstance(settings, dict) and settings.get("ray_address")
    return plan.spec.seed % LANES if elsewhere else 0


def place(workspace: Path, lane: int) -> Path:
    """Return the workspace of a lane's queue, which need not exist."""
    return workspace / _FOLDER / str(lane) if lane else workspace


def make(workspace: Path, lane: int) -> None:
    """Make a lane's workspace; its jobs are the jobs of all lanes."""
    if not lane:
        return
    folder = place(workspace, lane)
    folder.mkdir(parents=True, exist_ok=True)
    (workspace / _JOBS).mkdir(exist_ok=True)
    with suppress(FileExistsError):
        (folder / _JOBS).symlink_to(Path("..") / ".." / _JOBS, target_is_directory=True)


def end_idle(job: Path) -> None:
    """End the processes of the lanes that have nothing to do: they are warm, and hold processors of the cluster.

    Parameters
    ----------
    job
        Folder of a job that waits for processors; its own lane goes on.
    """
    from automl_bridge.local import launch
    from automl_bridge.local.layout import Workspace

    own = job.parent.parent
    workspace = own.parent.parent if own.parent.name == _FOLDER else own
    for lane in range(LANES):
        other = Workspace(place(workspace, lane))
        if other.path != own and other.path.exists() and not any(other.waiting()):
            launch.kill(other)
