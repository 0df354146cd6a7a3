"""Which method an HTTP request calls: taken from the client of the installed SDK, so it follows its version."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any

__all__ = ["SERVICES", "Route", "message", "request_type", "routes"]

SERVICES = ("DatasetService", "PipelineService", "ModelService", "JobService", "EndpointService")
MIXINS = {  # method: module and type of its request
    "GetOperation": ("google.longrunning.operations_pb2", "GetOperationRequest"),
    "ListOperations": ("google.longrunning.operations_pb2", "ListOperationsRequest"),
    "CancelOperation": ("google.longrunning.operations_pb2", "CancelOperationRequest"),
    "DeleteOperation": ("google.longrunning.operations_pb2", "DeleteOperationRequest"),
    "WaitOperation": ("google.longrunning.operations_pb2", "WaitOperationRequest"),
    "GetLocation": ("google.cloud.location.locations_pb2", "GetLocationRequest"),
    "ListLocations": ("google.cloud.location.locations_pb2", "ListLocationsRequest"),
}
VARIABLE = re.compile(r"\{([\w.]+)(?:=([^}]*))?\}")
SEGMENT = "[^/:]+"


def message(name: str) -> Any:
    """Return the protobuf class of a message of ``google.cloud.aiplatform.v1`` by its name; AttributeError if none."""
    from google.cloud.aiplatform_v1 import types

    return getattr(types, name).pb()


def request_type(method: str) -> Any:
    """Return the protobuf class of a method's request."""
    if method in MIXINS:
        module, name = MIXINS[method]
        return getattr(import_module(module), name)
    return message(f"{method}Request")


@dataclass(frozen=True)
class Route:
    """One way to call a method over HTTP.

    Parameters
    ----------
    method
        Name of the method.
    verb
        ``GET`` ….
    pattern
        Matches the path; its groups are the variables, in order of ``variables``.
    variables
        Fields of the request that stand in the path.
    body
        The field that the body fills, ``*`` for the whole request, or nothing.
    """

    method: str
    verb: str
    pattern: re.Pattern[str]
    variables: tuple[str, ...]
    body: str


@cache
def routes() -> tuple[Route, ...]:
    """Return the routes of all services."""
    found: dict[tuple[str, str], Route] = {}
    for service in SERVICES:
        folder = re.sub(r"(?<!^)(?=[A-Z])", "_", service).lower()
        module = import_module(f"google.cloud.aiplatform_v1.services.{folder}.transports.rest_base")
        transport = getattr(module, f"_Base{service}RestTransport")
        for name, holder in vars(transport).items():
            options = getattr(holder, "_get_http_options", None)
            if name.startswith("_Base") and options is not None:
                for option in options():
                    found.setdefault((option["method"], option["uri"]), _route(name.removeprefix("_Base"), option))
    return tuple(found.values())


def _route(method: str, option: dict[str, str]) -> Route:
    variables = []
    pattern, end = "", 0
    uri = option["uri"]
    for match in VARIABLE.finditer(uri):
        variables.append(match[1])
        inner = re.escape(match[2] or "*").replace(r"\*\*", ".+").replace(r"\*", SEGMENT)
        pattern += re.escape(uri[end : match.start()]) + f"({inner})"
        end = match.end()
    pattern += re.escape(uri[end:])
    return Route(method, option["method"].upper(), re.compile(pattern), tuple(variables), option.get("body", ""))
