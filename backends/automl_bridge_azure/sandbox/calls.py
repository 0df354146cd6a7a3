"""A request of the control or data plane, and the table of what is answered."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote

from automl_bridge_azure.sandbox.blobs.request import read_body
from automl_bridge_azure.sandbox.errors import AzureError

if TYPE_CHECKING:
    from collections.abc import Callable

    from automl_bridge.sandbox.service import Environ
    from automl_bridge_azure.sandbox.errors import Answer
    from automl_bridge_azure.sandbox.world import World

__all__ = ["Call", "Route", "route"]

WORKSPACE_PATH = (
    r"/subscriptions/(?P<subscription>[^/]+)/resourceGroups/(?P<group>[^/]+)"
    r"/providers/Microsoft\.MachineLearningServices/workspaces/(?P<workspace>[^/]+)"
)
PLACE = (
    r"/subscriptions/(?P<subscription>[^/]+)/providers/Microsoft\.MachineLearningServices/locations/(?P<location>[^/]+)"
)


@dataclass
class Call:
    """A request: what of the world it asks, with names from its path, query and body."""

    world: World
    environ: Environ
    names: dict[str, str]
    family: str

    @property
    def query(self) -> dict[str, str]:
        """The query; names in lower case without ``$``."""
        pairs = parse_qsl(self.environ.get("QUERY_STRING", ""), keep_blank_values=True)
        return {name.lstrip("$").lower(): value for name, value in pairs}

    @property
    def body(self) -> Any:
        """The JSON that was sent; an empty object if nothing was."""
        content = read_body(self.environ)
        try:
            return json.loads(content) if content else {}
        except ValueError:
            raise AzureError("BadArgument", "The request body is not valid JSON.", 400) from None

    def number(self, name: str) -> int | None:
        """Return a number of the query."""
        text = self.query.get(name)
        if text is None:
            return None
        if not text.isdigit():
            raise AzureError("BadArgument", f"{name} is to be a number, not {text!r}", 400)
        return int(text)


@dataclass(frozen=True)
class Route:
    """What answers a method on a path."""

    operation: str
    method: str
    pattern: re.Pattern[str]
    handler: Callable[[Call], Answer]
    family: str

    def match(self, method: str, path: str) -> dict[str, str] | None:
        """Return the names in a path that it answers, or None."""
        found = self.pattern.fullmatch(path) if method == self.method else None
        return None if found is None else {key: unquote(value) for key, value in found.groupdict().items() if value}


def route(operation: str, method: str, path: str, handler: Callable[[Call], Answer], *, base: str = "") -> Route:
    """Make a route; ``{name}`` in a path is a name, ``ws:`` in front of it the workspace's path."""
    family = "mlflow" if operation.startswith("mlflow") else "arm"
    spelled = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path)
    spelled = spelled.replace("ws:", WORKSPACE_PATH, 1).replace("loc:", PLACE, 1)
    return Route(operation, method, re.compile(base + spelled + "/?", re.IGNORECASE), handler, family)
