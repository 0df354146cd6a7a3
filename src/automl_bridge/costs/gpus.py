"""Which GPUs this machine has, as its driver tells in the file system: nothing is loaded, nothing is started."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import NamedTuple

__all__ = ["Gpus", "found_gpus"]

_DRIVER = Path("/proc/driver/nvidia/gpus")


class Gpus(NamedTuple):
    """How many, and the model of the first."""

    number: int = 0
    model: str = ""


@cache
def found_gpus(driver: Path = _DRIVER) -> Gpus:
    """Return the NVIDIA GPUs that the Linux driver lists; none where there is no driver.

    Parameters
    ----------
    driver
        The driver's folder: one folder a GPU, each with a file ``information`` (``Model: NVIDIA T4``), as in
        the driver's own README (chapter "Using the /proc File System Interface").
    """
    try:
        files = sorted(folder / "information" for folder in driver.iterdir())
        lines = files[0].read_text(encoding="utf-8", errors="replace").splitlines() if files else []
    except OSError:
        return Gpus()
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("Model")), "unknown GPU")
    return Gpus(len(files), model)
