"""Names of resources: by project number, as the service gives them back, whatever the request had."""

from __future__ import annotations

import hashlib
import itertools
import re
import secrets
from dataclasses import dataclass

from automl_bridge_vertex.sandbox.errors import invalid

__all__ = ["LOCATIONS", "PROJECT", "PROJECT_NUMBER", "Names", "Parent"]

PROJECT = "automl-bridge-sandbox"
PROJECT_NUMBER = "123456789012"
LOCATIONS = (  # regions of Vertex AI; there is no global location for AutoML
    "africa-south1", "asia-east1", "asia-east2", "asia-northeast1", "asia-northeast2", "asia-northeast3", "asia-south1",
    "asia-southeast1", "asia-southeast2", "australia-southeast1", "australia-southeast2", "europe-central2",
    "europe-north1", "europe-southwest1", "europe-west1", "europe-west2", "europe-west3", "europe-west4",
    "europe-west6", "europe-west8", "europe-west9", "europe-west12", "me-central1", "me-central2", "me-west1",
    "northamerica-northeast1", "northamerica-northeast2", "southamerica-east1", "southamerica-west1", "us-central1",
    "us-east1", "us-east4", "us-east5", "us-south1", "us-west1", "us-west2", "us-west3", "us-west4",
)  # fmt: skip
PARENT = re.compile(r"projects/([^/]+)/locations/([^/]+)")
PROJECT_ID = re.compile(r"[a-z][a-z0-9-]{4,28}[a-z0-9]|\d{6,}|[a-z0-9.-]+:[a-z][a-z0-9-]+")


@dataclass(frozen=True)
class Parent:
    """A location of a project: ``projects/NUMBER/locations/LOCATION``."""

    project: str
    location: str

    def __str__(self) -> str:
        """Return its name."""
        return f"projects/{self.project}/locations/{self.location}"


class Names:
    """Gives names, and finds what a request's name means."""

    def __init__(self) -> None:
        self._counter = itertools.count(1)
        self._salt = secrets.token_hex(8)

    def new_id(self) -> str:
        """Return a number of 19 digits, like those of the service; no two sandboxes give the same ones."""
        digest = hashlib.sha256(f"{self._salt}/{next(self._counter)}".encode()).digest()
        return str(10**18 + int.from_bytes(digest[:8], "big") % (8 * 10**18))

    def parent(self, name: str) -> Parent:
        """Read the name of a location.

        Raises
        ------
        RpcError
            INVALID_ARGUMENT if it is none, or no region of the service.
        """
        match = PARENT.fullmatch(name)
        if match is None:
            raise invalid(f'Invalid resource name "{name}": expected projects/{{project}}/locations/{{location}}.')
        if PROJECT_ID.fullmatch(match[1]) is None:
            raise invalid(f'Invalid project "{match[1]}".')
        if match[2] not in LOCATIONS:
            raise invalid(f"Unsupported location `{match[2]}`: it is not a region of Vertex AI.")
        return Parent(_number(match[1]), match[2])

    def canonical(self, name: str) -> str:
        """Return the name of a resource by its project's number."""
        parts = name.split("/", 4)
        if len(parts) < 5:
            raise invalid(f'Invalid resource name "{name}".')
        return f"{self.parent('/'.join(parts[:4]))}/{parts[4]}"


def _number(project: str) -> str:
    """Return the number of a project: its own, or one made from its id."""
    if project.isdigit():
        return project
    if project == PROJECT:
        return PROJECT_NUMBER
    return str(10**11 + int.from_bytes(hashlib.sha256(project.encode()).digest()[:6], "big") % (9 * 10**11))
