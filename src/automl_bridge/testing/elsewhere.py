"""Predictions of a bundle in a fresh process, from raw files: nothing of the process that trained it is there.

The process goes on to the next question, since loading a framework takes most of its time.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from contextlib import closing
from importlib import import_module
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from automl_bridge.bundle import read_bundle
from automl_bridge.spec import ModelRef
from automl_bridge.testing.sample import Sample

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from automl_bridge.backend import Backend

__all__ = ["Elsewhere", "serve"]

_DONE = "done"
_SCRIPT = "from automl_bridge.testing.elsewhere import serve; serve()"


class Elsewhere:
    """Another process with the same backend, started when it is first asked."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._process: subprocess.Popen[str] | None = None
        self._words: IO[str] = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed by `close`

    def predict(self, model: ModelRef, raw: Path, into: Path) -> NDArray[np.float64]:
        """Return outputs of the model for raw data, which pass through the file ``into``."""
        kind = type(self._backend)
        asked = {
            "module": kind.__module__,
            "class": kind.__qualname__,
            "settings": self._backend.settings.model_dump(mode="json"),
            "workspace": str(self._backend.workspace),
            "model": model.model_dump(mode="json"),
            "raw": str(raw),
            "into": str(into),
        }
        process = self._started()
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(asked) + "\n")
        process.stdin.flush()
        # Whatever else a framework has to say there is passed over.
        if not any(line.strip() == _DONE for line in process.stdout):
            self._words.seek(0)
            raise AssertionError(f"a fresh process cannot predict {raw.name}:\n{self._words.read()}")
        outputs: NDArray[np.float64] = np.load(into, allow_pickle=False)
        return outputs

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.communicate(timeout=60)
        self._words.close()

    def _started(self) -> subprocess.Popen[str]:
        if self._process is None:
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter
                [sys.executable, "-c", _SCRIPT],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._words,
                text=True,
                env={**os.environ, "PYTHONPATH": ":".join(filter(None, sys.path))},
            )
        return self._process


def serve() -> None:
    """Answer the questions of `Elsewhere`, a line each."""
    for line in sys.stdin:
        asked = json.loads(line)
        np.save(asked["into"], _predicted(asked), allow_pickle=False)
        sys.stdout.write(f"\n{_DONE}\n")
        sys.stdout.flush()


def _predicted(asked: dict[str, Any]) -> NDArray[np.float64]:
    kind = getattr(import_module(asked["module"]), asked["class"])
    backend: Backend = kind(kind.settings_class.model_validate(asked["settings"]), Path(asked["workspace"]))
    model = ModelRef.model_validate(asked["model"])
    known = read_bundle(Path(model.uri))
    rows = Sample.asked(asked["raw"], known.profile, known.forecast)
    with closing(backend.load(model)) as predictor:
        return predictor.predict(rows.question())
