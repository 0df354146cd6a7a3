"""The gRPC face: a port of its own, without TLS, over the same state as REST."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from automl_bridge.sandbox.faults import CALL_FAULTS, FaultKind
from automl_bridge_vertex.sandbox.errors import RpcError
from automl_bridge_vertex.sandbox.faults import error_of
from automl_bridge_vertex.sandbox.handlers import answer
from automl_bridge_vertex.sandbox.routes import SERVICES, request_type

if TYPE_CHECKING:
    from automl_bridge.sandbox.faults import Fault
    from automl_bridge_vertex.sandbox.world import World

__all__ = ["RpcServer"]

RESET = "recvmsg:Connection reset by peer"
PREFIXES = (
    *(f"/google.cloud.aiplatform.v1.{service}/" for service in SERVICES),
    "/google.longrunning.Operations/",
    "/google.cloud.location.Locations/",
)


class RpcServer:
    """Serves until it is closed."""

    def __init__(self, world: World, host: str) -> None:
        import grpc

        options = [("grpc.so_reuseport", 0), ("grpc.max_receive_message_length", -1)]
        self._server = grpc.server(ThreadPoolExecutor(8, thread_name_prefix="sandbox-grpc"), options=options)
        self._server.add_generic_rpc_handlers((_handler(world),))
        self.address = f"{host}:{self._server.add_insecure_port(f'{host}:0')}"
        self._server.start()

    def close(self) -> None:
        """Stop; calls in flight are given up."""
        self._server.stop(None).wait()


def _handler(world: World) -> Any:
    import grpc

    class Handler(grpc.GenericRpcHandler):  # type: ignore[misc]
        def service(self, details: Any) -> Any:
            prefix = next((one for one in PREFIXES if details.method.startswith(one)), None)
            if prefix is None:
                return None
            method = details.method.removeprefix(prefix)
            try:
                kind = request_type(method)
            except AttributeError:
                return None
            return grpc.unary_unary_rpc_method_handler(
                lambda request, context: _call(world, method, request, context),
                request_deserializer=kind.FromString,
                response_serializer=lambda found: found.SerializeToString(),
            )

    return Handler()


def _call(world: World, method: str, request: Any, context: Any) -> Any:
    import grpc

    operation = f"aiplatform.{method}"
    world.context.calls.count(operation)
    context.send_initial_metadata((("x-automl-bridge-sandbox", "gcp"),))
    fault = world.context.faults.draw(operation, CALL_FAULTS)
    try:
        _before(fault)
        found = answer(world, method, request)
        if fault is not None and fault.kind is FaultKind.RESET_AFTER:
            found = None
    except RpcError as error:
        context.abort(grpc.StatusCode[error.status], error.message)
    if found is None:
        context.abort(grpc.StatusCode.UNAVAILABLE, RESET)
    return found


def _before(fault: Fault | None) -> None:
    """Let happen what happens before a request takes effect; a broken connection reads as UNAVAILABLE."""
    if fault is None or fault.kind is FaultKind.RESET_AFTER:
        return
    if fault.kind is FaultKind.RESET_BEFORE:
        raise RpcError("UNAVAILABLE", RESET)
    if fault.kind is not FaultKind.SLOW:
        raise error_of(fault)
    time.sleep(fault.seconds)
