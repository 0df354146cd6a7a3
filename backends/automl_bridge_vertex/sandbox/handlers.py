"""Every method that is served, by name; one table for REST and gRPC."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from automl_bridge_vertex.sandbox import batches, datasets, endpoints, models, operations, pipelines
from automl_bridge_vertex.sandbox.errors import unimplemented
from automl_bridge_vertex.sandbox.listing import page
from automl_bridge_vertex.sandbox.names import LOCATIONS

if TYPE_CHECKING:
    from automl_bridge_vertex.sandbox.world import World

__all__ = ["answer"]


def _location(world: World, name: str) -> Any:
    from google.cloud.location import locations_pb2

    parent = world.names.parent(name)
    return locations_pb2.Location(name=str(parent), location_id=parent.location)


def _get_location(world: World, request: Any) -> Any:
    return _location(world, request.name)


def _list_locations(world: World, request: Any) -> Any:
    from google.cloud.location import locations_pb2

    rows = [_location(world, f"{request.name}/locations/{one}") for one in LOCATIONS]
    return page(rows, request, locations_pb2.ListLocationsResponse(), "locations")


METHODS: dict[str, Any] = {
    **datasets.OPERATIONS,
    **pipelines.OPERATIONS,
    **models.OPERATIONS,
    **batches.OPERATIONS,
    **endpoints.OPERATIONS,
    **operations.OPERATIONS,
    "GetLocation": _get_location,
    "ListLocations": _list_locations,
}


def answer(world: World, method: str, request: Any) -> Any:
    """Move the world to the present and answer a request; returns a message of its own.

    Raises
    ------
    RpcError
        For what the service would refuse, or the stand-in does not have.
    """
    handler = METHODS.get(method)
    if handler is None:
        raise unimplemented(method)
    world.access.check(method, request)
    world.settle()
    with world.lock:
        found = handler(world, request)
        copied = type(found)()
        copied.CopyFrom(found)
        return copied
