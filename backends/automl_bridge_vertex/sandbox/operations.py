"""Long-running operations: named under their resource, done when the simulated clock says so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from automl_bridge_vertex.sandbox.errors import RpcError, failed_precondition, not_found
from automl_bridge_vertex.sandbox.fields import stamp
from automl_bridge_vertex.sandbox.listing import page
from automl_bridge_vertex.sandbox.routes import message

if TYPE_CHECKING:
    from collections.abc import Callable

    from automl_bridge_vertex.sandbox.world import World

__all__ = ["OPERATIONS", "Operation", "begin", "begin_delete"]


class Operation:
    """One operation.

    Parameters
    ----------
    name
        ``…/operations/ID``.
    metadata
        Message that says how it goes; has ``generic_metadata``.
    finish
        Does the work when it is due; returns the response, or raises `RpcError`.
    due
        When (epoch seconds, simulated).
    """

    def __init__(self, name: str, metadata: Any, finish: Callable[[], Any], created: float, due: float) -> None:
        self.name = name
        self.created = created
        self.ended: float | None = None
        self.metadata = metadata
        self._finish = finish
        self._due = due
        self._response: Any = None
        self._error: RpcError | None = None
        stamp(metadata.generic_metadata.create_time, created)
        stamp(metadata.generic_metadata.update_time, created)

    def settle(self, now: float) -> None:
        """Finish it if it is due."""
        if self.ended is not None or now < self._due:
            return
        self.ended = self._due
        stamp(self.metadata.generic_metadata.update_time, self._due)
        try:
            self._response = self._finish()
        except RpcError as error:
            self._error = error

    def cancel(self, now: float) -> None:
        """Give it up; one that has ended stays as it is."""
        if self.ended is None:
            self.ended = now
            self._error = RpcError("CANCELLED", "The operation was cancelled.")

    def message(self) -> Any:
        """Return it as google.longrunning.Operation."""
        from google.longrunning import operations_pb2

        found = operations_pb2.Operation(name=self.name, done=self.ended is not None)
        found.metadata.Pack(self.metadata)
        if self._error is not None:
            found.error.code, found.error.message = self._error.code, self._error.message
        elif self.ended is not None:
            found.response.Pack(self._response)
        return found


def begin(world: World, parent: str, metadata: Any, finish: Callable[[], Any], *, seconds: float) -> Any:
    """Start an operation under ``parent`` that takes ``seconds`` of simulated time; returns its message."""
    now = world.clock.time()
    name = f"{parent}/operations/{world.names.new_id()}"
    operation = world.operations[name] = Operation(name, metadata, finish, now, now + seconds)
    world.begin(operation)
    world.clock.run_until(now + seconds)
    return operation.message()


def begin_delete(world: World, name: str, remove: Callable[[], None], *, seconds: float = 5.0) -> Any:
    """Start the deletion of a resource: named under its location, since the REST client polls no others for all."""
    from google.protobuf import empty_pb2

    def finish() -> Any:
        remove()
        return empty_pb2.Empty()

    location = "/".join(name.split("/")[:4])
    return begin(world, location, message("DeleteOperationMetadata")(), finish, seconds=seconds)


def _find(world: World, name: str) -> Operation:
    found: Operation | None = world.operations.get(world.names.canonical(name))
    if found is None:
        raise not_found("Operation", name)
    return found


def get_operation(world: World, request: Any) -> Any:
    """Answer google.longrunning.Operations.GetOperation."""
    return _find(world, request.name).message()


def list_operations(world: World, request: Any) -> Any:
    """Answer ListOperations: those right under a resource, or of a whole location."""
    from google.longrunning import operations_pb2

    parent = request.name.removesuffix("/operations")
    parent = world.names.canonical(parent) if parent.count("/") > 3 else str(world.names.parent(parent))
    rows = [one.message() for name, one in world.operations.items() if name.startswith(f"{parent}/")]
    if request.filter:
        wanted = {"done=true": True, "done:true": True, "done=false": False, "done:false": False}
        kept = wanted.get(request.filter.replace(" ", ""))
        rows = rows if kept is None else [row for row in rows if row.done == kept]
    return page(rows[::-1], request, operations_pb2.ListOperationsResponse(), "operations")


def cancel_operation(world: World, request: Any) -> Any:
    """Answer CancelOperation."""
    from google.protobuf import empty_pb2

    _find(world, request.name).cancel(world.clock.time())
    return empty_pb2.Empty()


def delete_operation(world: World, request: Any) -> Any:
    """Answer DeleteOperation: forget one that is done."""
    from google.protobuf import empty_pb2

    operation = _find(world, request.name)
    if operation.ended is None:
        raise failed_precondition("The operation is not done: it cannot be deleted.")
    del world.operations[operation.name]
    return empty_pb2.Empty()


OPERATIONS: dict[str, Any] = {
    "GetOperation": get_operation,
    "ListOperations": list_operations,
    "CancelOperation": cancel_operation,
    "DeleteOperation": delete_operation,
    "WaitOperation": get_operation,  # answers at once, as it may: the wait is at best effort
}
