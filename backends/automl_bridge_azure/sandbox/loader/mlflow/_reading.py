"""Reading a model folder that the sandbox wrote."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

__all__ = ["read"]


def read(model_uri: str | Path) -> tuple[dict[str, Any], Any]:
    """Return the MLmodel file and the model."""
    folder = Path(str(model_uri).removeprefix("file://"))
    if not (folder / "MLmodel").is_file():
        raise OSError(f'No such file or directory: "{folder / "MLmodel"}"')
    about = json.loads((folder / "MLmodel").read_text())
    content = (folder / about["flavors"]["python_function"]["model_path"]).read_bytes()
    return about, pickle.loads(content)  # noqa: S301 (of the sandbox's own, in a process of the job's own)
