"""What a search and its worker processes tell each other. Light: a worker reads the first of it before TensorFlow."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from automl_bridge_autokeras.training import Epoch

__all__ = [
    "Begun",
    "Channel",
    "Done",
    "EpochEnded",
    "Failed",
    "JobOrder",
    "Ready",
    "Refused",
    "Stop",
    "TrialOrder",
]


@dataclass(frozen=True)
class JobOrder:
    """A job that trials will be asked of.

    Parameters
    ----------
    name
        Names it, with the attempt: what a worker says of another job is not listened to.
    spec, settings
        As JSON.
    prepared
        The encoded data: a pickled `Prepared`, the path of a file that holds one, or Ray's reference to one.
    code
        Digests of the user's functions.
    path
        Folders to import the user's modules from.
    log
        File for what is printed; None leaves it.
    folder
        Where the worker may keep files while it works; None makes a temporary one.
    """

    name: str
    spec: dict[str, Any]
    settings: dict[str, Any]
    prepared: Any
    code: tuple[str, ...] = ()
    path: tuple[str, ...] = ()
    log: str | None = None
    folder: str | None = None


@dataclass(frozen=True)
class TrialOrder:
    """A trial to run: hyperparameters as Keras Tuner writes them, the seconds that it should take at most.

    With ``early`` its network is sent while it is trained, for want of any other.
    """

    trial_id: str
    hyperparameters: dict[str, Any]
    seconds: float | None
    early: bool = False


@dataclass(frozen=True)
class Stop:
    """End the trial now and say what came of it."""

    trial_id: str


@dataclass(frozen=True)
class Ready:
    """The worker has loaded everything and waits for trials.

    Parameters
    ----------
    job
        Which it has loaded.
    place
        Where it is, in words.
    versions
        Of its packages.
    address
        Of its machine; empty for this one.
    """

    job: str
    place: str
    versions: dict[str, str] = field(default_factory=dict)
    address: str = ""


@dataclass(frozen=True)
class Refused:
    """The worker cannot work on the job, or (where it names none) on any."""

    job: str
    message: str
    storage: bool = False


@dataclass(frozen=True)
class Begun:
    """A trial's model is built and its training starts."""

    trial_id: str
    epochs: int


@dataclass(frozen=True)
class EpochEnded:
    """How far a trial is; a few a second at most. ``model`` is its network as a file, where that is wanted early."""

    trial_id: str
    epoch: Epoch
    model: bytes | None = None


@dataclass(frozen=True)
class Done:
    """What came of a trial: what `TrialResult.document` says, hyperparameters as they are now, its files by name."""

    trial_id: str
    document: dict[str, Any]
    hyperparameters: dict[str, Any]
    files: dict[str, bytes]


@dataclass(frozen=True)
class Failed:
    """A trial failed: Keras Tuner's status and the message."""

    trial_id: str
    status: str
    message: str
    hyperparameters: dict[str, Any]


class Channel(Protocol):
    """How a worker hears and speaks; `multiprocessing.connection.Connection` is one."""

    def send(self, message: Any, /) -> None:
        """Say something."""
        ...

    def recv(self) -> Any:
        """Wait for the next message; `EOFError` if there will be none."""
        ...

    def poll(self, timeout: float = 0.0, /) -> bool:
        """Whether there is a message now, or within ``timeout`` seconds."""
        ...
