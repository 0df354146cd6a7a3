"""Every error this package raises on purpose.

::

    AutoMLBridgeError
    ├── UsageError (ValueError)            bad usage or bad input: exit code 2, nothing was sent or paid for
    │   ├── ConfigError                    a setting, a profile or a variable that cannot be understood
    │   ├── BudgetError                    a budget that cannot be read, or that no job fits
    │   ├── UnknownNameError (LookupError) no such backend, task, metric, run or column; says what is near
    │   │   └── PriceUnknownError          no price for a sku in a region: unknown, which is not free
    │   ├── UnsupportedError (NotImplementedError)   the backend cannot do it; carries the reason
    │   ├── MissingExtraError (ImportError)          the backend is not installed; carries the pip line
    │   ├── DataError                      the data cannot be read or cannot be used
    │   │   ├── UnreadableError (OSError)  no such file, no permission, not a table
    │   │   ├── EncodingError              text that is not in the encoding it is read in
    │   │   ├── SchemaError                missing, doubled or empty columns; rows of another length
    │   │   ├── TargetError                a target that cannot be learned
    │   │   └── LimitError                 a limit of a service; carries its id and source
    │   └── BundleError                    a saved model that is damaged, altered or from a newer version
    ├── RunError (RuntimeError)            the job ran and did not end well: exit code 1
    │   ├── RunFailedError                 carries the kind of failure: crash, out-of-memory, all-trials-failed, …
    │   ├── RunCancelledError
    │   └── NoModelError                   it ended in order, but without a model
    ├── StorageError (OSError)             nowhere to write, disk full; names the folder and the setting
    ├── StateError (RuntimeError)          a transition that a run does not have, or a store that is not ours
    └── BackendError (RuntimeError)        what a service answered
        ├── TransientError                 worth asking again: lost connection, 5xx
        │   └── ThrottledError
        ├── CredentialsError               none, wrong or expired; the run is not failed by it
        └── RejectedError                  the service said no, and would say no again

Each error has a ``hint`` (the way out) and, where a service's rule is behind it, ``limit`` and ``source``.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "AutoMLBridgeError",
    "BackendError",
    "BudgetError",
    "BundleError",
    "ConfigError",
    "CredentialsError",
    "DataError",
    "EncodingError",
    "LimitError",
    "MissingExtraError",
    "NoModelError",
    "PriceUnknownError",
    "RejectedError",
    "RunCancelledError",
    "RunError",
    "RunFailedError",
    "SchemaError",
    "StateError",
    "StorageError",
    "TargetError",
    "ThrottledError",
    "TransientError",
    "UnknownNameError",
    "UnreadableError",
    "UnsupportedError",
    "UsageError",
]


class AutoMLBridgeError(Exception):
    """Base of all errors of this package.

    Parameters
    ----------
    message
        What is wrong: names the value and, where there is one, the limit.
    hint
        What the reader can do about it; shown on a line of its own.
    limit
        Identifier of the violated limit, as in a backend's ``limits.csv``.
    source
        Where the limit is documented.
    """

    exit_code = 1

    def __init__(
        self, message: str, *, hint: str | None = None, limit: str | None = None, source: str | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.limit = limit
        self.source = source

    def __str__(self) -> str:
        """Return the message followed by source, limit and way out, a line each."""
        lines = [self.message]
        if self.source:
            lines.append(f"source: {self.source}")
        if self.limit:
            lines.append(f"limit: {self.limit}")
        if self.hint:
            lines.append(f"what you can do: {self.hint}")
        return "\n".join(lines)

    def __reduce__(self) -> tuple[object, ...]:
        """Keep hint, limit and source when the error crosses a process border."""
        return (_rebuild, (type(self), self.message, self.__dict__.copy()))


def _rebuild(kind: type[AutoMLBridgeError], message: str, state: dict[str, object]) -> AutoMLBridgeError:
    error = kind(message)
    error.__dict__.update(state)
    return error


class UsageError(AutoMLBridgeError, ValueError):
    """Bad usage or bad input. Nothing was sent, nothing was paid for."""

    exit_code = 2


class ConfigError(UsageError):
    """A setting, a profile or a variable that cannot be understood."""


class BudgetError(UsageError):
    """A budget that cannot be read, or that no job fits."""


class UnknownNameError(UsageError, LookupError):
    """A name that does not exist, with the nearest that do."""

    @classmethod
    def of(cls, kind: str, name: str, known: Iterable[str], *, where: str = "") -> UnknownNameError:
        """Say that there is no ``kind`` called ``name``, and which of ``known`` may have been meant."""
        names = list(known)
        near = difflib.get_close_matches(name, names, n=1)
        guess = f' Did you mean "{near[0]}"?' if near else ""
        listed = ", ".join(names[:12]) + (", …" if len(names) > 12 else "")
        hint = f"use one of the {len(names)}: {listed}" if names else f"there is no {kind} yet"
        return cls(f'no {kind} "{name}"{where}.{guess}', hint=hint)


class PriceUnknownError(UnknownNameError):
    """No price for a sku in a region: it cannot be priced, which is not the same as free."""


class UnsupportedError(UsageError, NotImplementedError):
    """The backend cannot do it, for the reason given."""


class MissingExtraError(UsageError, ImportError):
    """The packages of a backend are not installed."""

    @classmethod
    def of(cls, backend: str, extra: str, missing: str) -> MissingExtraError:
        """Name the pip line that installs what ``backend`` needs."""
        return cls(
            f'the {backend} backend is not installed (no module "{missing}").   pip install "automl-bridge[{extra}]"',
            hint=f'pip install "automl-bridge[{extra}]"',
        )


class DataError(UsageError):
    """The data cannot be read or cannot be used."""


class UnreadableError(DataError, OSError):
    """No such file, no permission, or not a table."""


class EncodingError(DataError):
    """Text that is not in the encoding it is read in."""


class SchemaError(DataError):
    """Missing, doubled or empty columns, or rows of another length."""


class TargetError(DataError):
    """A target that cannot be learned."""


class LimitError(DataError):
    """A limit of a service that the data or the job does not keep."""


class BundleError(UsageError):
    """A saved model that is damaged, altered or from a newer version."""


class RunError(AutoMLBridgeError, RuntimeError):
    """The job ran and did not end well."""


class RunFailedError(RunError):
    """The job failed; ``kind`` says how (``crash``, ``out-of-memory``, ``all-trials-failed``, …)."""

    def __init__(self, message: str, *, kind: str = "failed", hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.kind = kind


class RunCancelledError(RunError):
    """The job was cancelled."""


class NoModelError(RunError):
    """The job ended in order, but without a model."""


class StorageError(AutoMLBridgeError, OSError):
    """Nowhere to write, or no space left; names the folder and the setting that moves it."""


class StateError(AutoMLBridgeError, RuntimeError):
    """A transition that a run does not have, or a store that is not ours."""


class BackendError(AutoMLBridgeError, RuntimeError):
    """What a service answered."""


class TransientError(BackendError):
    """Worth asking again: a lost connection, a 5xx answer."""


class ThrottledError(TransientError):
    """The service asks for fewer calls."""


class CredentialsError(BackendError):
    """No credentials, wrong or expired ones. The run itself is not failed by it."""


class RejectedError(BackendError):
    """The service said no, and would say no again."""
