"""How much memory a worker uses, and what killed it. Standard library and psutil only."""

from __future__ import annotations

import time
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import psutil

__all__ = ["MemoryWatch"]

_RESCAN = 1.0
"""Seconds between looks for new children of the worker; looking goes through all processes of the machine."""
_REMEMBERED = 20
"""Samples, at five a second: longer than the kernel takes to kill a large process."""


class _Sample(NamedTuple):
    used: int
    available: int
    kills: tuple[int | None, int | None]


class MemoryWatch:
    """The memory of a process and its children, sampled; remembers what it saw last.

    Parameters
    ----------
    pid
        The process, which must be a child of this one (so that its number cannot be another's).
    """

    def __init__(self, pid: int) -> None:
        # Here, because it takes longer than all the rest of the supervisor: the worker is started before it.
        import psutil

        self._psutil = psutil
        self._root = psutil.Process(pid)
        self._tree = [self._root]
        self._scanned = 0.0
        self._group = _control_group(pid)
        self._seen = deque([_Sample(0, 0, self._system_kills())], maxlen=_REMEMBERED)

    @property
    def used(self) -> int:
        """Resident bytes of the tree, the most in the last seconds: it shrinks while it is being killed."""
        return max(sample.used for sample in self._seen)

    @property
    def available(self) -> int:
        """Bytes that were left on the machine, or in its control group, the least in the last seconds."""
        return min((sample.available for sample in self._seen if sample.used), default=0)

    def sample(self) -> int:
        """Look now; returns resident bytes."""
        if time.monotonic() - self._scanned >= _RESCAN:
            self.tree()
        used = sum(map(self._resident, self._tree))
        self._seen.append(_Sample(used, self._left(), self._system_kills()))
        return used

    def tree(self) -> list[psutil.Process]:
        """Look for children now; returns the process and all that it is known to have had."""
        self._scanned = time.monotonic()
        with suppress(self._psutil.Error):
            self._tree = [*self._tree, *(set(self._root.children(recursive=True)) - set(self._tree))]
        self._tree = [self._root, *(process for process in self._tree[1:] if process.is_running())]
        return self._tree

    def killed_by_system(self) -> bool:
        """Whether a SIGKILL that nobody here sent was the kernel's, for want of memory.

        Linux counts such kills; one in the last seconds, by control group or machine, is taken for ours.
        Where nothing is counted, memory must have been short: less left than what the worker used.
        """
        now, before = self._system_kills(), self._seen[0].kills
        pairs = [
            (after, then) for after, then in zip(now, before, strict=True) if after is not None and then is not None
        ]
        if pairs:
            return any(after > then for after, then in pairs)
        return self.used > self.available

    def _resident(self, process: psutil.Process) -> int:
        try:
            return int(process.memory_info().rss)
        except self._psutil.Error:
            return 0

    def _left(self) -> int:
        left = int(self._psutil.virtual_memory().available)
        limit, used = (_number(self._group / name) for name in ("memory.max", "memory.current"))
        return left if limit is None or used is None else min(left, max(0, limit - used))

    def _system_kills(self) -> tuple[int | None, int | None]:
        return _count(self._group / "memory.events"), _count(Path("/proc/vmstat"))


def _control_group(pid: int) -> Path:
    """Return the folder of the process' control group (version 2); it need not exist."""
    root = Path("/sys/fs/cgroup")
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/cgroup").read_text(encoding="utf-8").splitlines():
            if line.startswith("0::/"):
                return root / line[4:]
    return root


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text(encoding="ascii"))
    except (OSError, ValueError):  # not there, or "max"
        return None


def _count(path: Path) -> int | None:
    with suppress(OSError):
        for line in path.read_text(encoding="ascii").splitlines():
            if line.startswith("oom_kill "):
                return int(line.split()[1])
    return None
