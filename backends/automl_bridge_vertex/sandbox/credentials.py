"""A service account that is good for the sandbox alone, so that Google's clients find credentials as they always do."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from pathlib import Path

from automl_bridge_vertex.sandbox.names import PROJECT

__all__ = ["EMAIL", "Account"]

EMAIL = f"sandbox@{PROJECT}.iam.gserviceaccount.com"


class Account:
    """A key file in a folder of its own; removed when it is closed. Its key is made here and known to no service."""

    def __init__(self) -> None:
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import rsa

        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self._pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode()
        self._folder = Path(tempfile.mkdtemp(prefix="automl-bridge-sandbox-"))

    def file(self, url: str) -> Path:
        """Write the key file, whose tokens come from ``url``, and return where it is."""
        path = self._folder / "service-account.json"
        content = {
            "type": "service_account",
            "project_id": PROJECT,
            "private_key_id": "sandbox",
            "private_key": self._pem,
            "client_email": EMAIL,
            "client_id": "1",
            "token_uri": f"{url}/token",
        }
        if not path.exists():
            path.touch(mode=0o600)
        path.write_text(json.dumps(content))
        return path

    @staticmethod
    def token() -> bytes:
        """Return the answer to a request for a token."""
        return json.dumps({"access_token": "sandbox", "expires_in": 3600, "token_type": "Bearer"}).encode()

    def close(self) -> None:
        """Remove the file."""
        if os.path.isdir(self._folder):  # noqa: PTH112 (at interpreter exit pathlib may be gone)
            shutil.rmtree(self._folder, ignore_errors=True)
