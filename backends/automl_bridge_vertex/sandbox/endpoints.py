"""EndpointService, the least of it: endpoints, models deployed at them. Nothing predicts online."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from automl_bridge_vertex.sandbox.errors import FieldErrors, failed_precondition, not_found
from automl_bridge_vertex.sandbox.fields import check_common, stamp
from automl_bridge_vertex.sandbox.listing import page, select
from automl_bridge_vertex.sandbox.models import find_model
from automl_bridge_vertex.sandbox.operations import begin, begin_delete
from automl_bridge_vertex.sandbox.routes import message

if TYPE_CHECKING:
    from automl_bridge_vertex.sandbox.world import World

__all__ = ["OPERATIONS", "Endpoint"]

CREATE_SECONDS = 10.0
DEPLOY_SECONDS = 600.0


@dataclass
class Endpoint:
    """An endpoint."""

    message: Any
    created: float


def create_endpoint(world: World, request: Any) -> Any:
    """Answer CreateEndpoint."""
    parent = world.names.parent(request.parent)
    errors = FieldErrors()
    check_common(errors, "endpoint", request.endpoint)
    errors.raise_if_any()
    now = world.clock.time()
    made = message("Endpoint")()
    made.CopyFrom(request.endpoint)
    made.name = f"{parent}/endpoints/{request.endpoint_id or world.names.new_id()}"
    stamp(made.create_time, now)
    stamp(made.update_time, now)
    world.endpoints[made.name] = Endpoint(made, now)
    return begin(world, made.name, message("CreateEndpointOperationMetadata")(), lambda: made, seconds=CREATE_SECONDS)


def get_endpoint(world: World, request: Any) -> Any:
    """Answer GetEndpoint."""
    return world.find(world.endpoints, request.name, "Endpoint").message


def list_endpoints(world: World, request: Any) -> Any:
    """Answer ListEndpoints."""
    rows = [one.message for one in world.listed(world.endpoints, request.parent)]
    order = frozenset({"display_name", "create_time", "update_time"})
    found = select(rows, frozenset({"endpoint", "display_name", "base_model_name"}), request, order=order)
    return page(found, request, message("ListEndpointsResponse")(), "endpoints")


def delete_endpoint(world: World, request: Any) -> Any:
    """Answer DeleteEndpoint; one with a model at it stays."""
    endpoint = world.find(world.endpoints, request.name, "Endpoint")
    if endpoint.message.deployed_models:
        raise failed_precondition("The Endpoint has deployed or being-deployed models: undeploy them first.")
    name = endpoint.message.name
    return begin_delete(world, name, lambda: _remove(world, name))


def _remove(world: World, name: str) -> None:
    world.endpoints.pop(name, None)


def deploy_model(world: World, request: Any) -> Any:
    """Answer DeployModel."""
    endpoint = world.find(world.endpoints, request.endpoint, "Endpoint").message
    model, version = find_model(world, request.deployed_model.model)
    if not version.message.supported_deployment_resources_types:
        raise failed_precondition("The Model does not support online predictions: it cannot be deployed.")
    deployed = message("DeployedModel")()
    deployed.CopyFrom(request.deployed_model)
    deployed.id = deployed.id or world.names.new_id()
    deployed.model = model.name
    deployed.model_version_id = version.message.version_id
    stamp(deployed.create_time, world.clock.time())
    endpoint.deployed_models.append(deployed)
    endpoint.traffic_split.update(request.traffic_split or {deployed.id: 100})
    version.message.deployed_models.add(endpoint=endpoint.name, deployed_model_id=deployed.id)
    response = message("DeployModelResponse")(deployed_model=deployed)
    metadata = message("DeployModelOperationMetadata")()
    return begin(world, endpoint.name, metadata, lambda: response, seconds=DEPLOY_SECONDS)


def undeploy_model(world: World, request: Any) -> Any:
    """Answer UndeployModel."""
    endpoint = world.find(world.endpoints, request.endpoint, "Endpoint").message
    kept = [one for one in endpoint.deployed_models if one.id != request.deployed_model_id]
    if len(kept) == len(endpoint.deployed_models):
        raise not_found("DeployedModel")
    del endpoint.deployed_models[:]
    endpoint.deployed_models.extend(kept)
    endpoint.traffic_split.pop(request.deployed_model_id, None)
    for model in world.models.values():
        for version in model.versions:
            refs = [r for r in version.message.deployed_models if r.deployed_model_id != request.deployed_model_id]
            del version.message.deployed_models[:]
            version.message.deployed_models.extend(refs)
    metadata = message("UndeployModelOperationMetadata")()
    return begin(world, endpoint.name, metadata, message("UndeployModelResponse"), seconds=60.0)


OPERATIONS: dict[str, Any] = {
    "CreateEndpoint": create_endpoint,
    "GetEndpoint": get_endpoint,
    "ListEndpoints": list_endpoints,
    "DeleteEndpoint": delete_endpoint,
    "DeployModel": deploy_model,
    "UndeployModel": undeploy_model,
}
