"""The stand-in as it is served: Vertex AI over REST and gRPC, Cloud Storage on the same port as REST."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from automl_bridge_vertex.sandbox.credentials import EMAIL, Account
from automl_bridge_vertex.sandbox.errors import RpcError, render_error
from automl_bridge_vertex.sandbox.faults import error_of
from automl_bridge_vertex.sandbox.gcs import Emulator
from automl_bridge_vertex.sandbox.handlers import answer
from automl_bridge_vertex.sandbox.names import PROJECT
from automl_bridge_vertex.sandbox.requirements import check_installed
from automl_bridge_vertex.sandbox.routes import routes
from automl_bridge_vertex.sandbox.rpc import RpcServer
from automl_bridge_vertex.sandbox.storage import StorageProxy, parse_storage
from automl_bridge_vertex.sandbox.store import Store
from automl_bridge_vertex.sandbox.transcode import build_request, find_route, render
from automl_bridge_vertex.sandbox.world import World

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from automl_bridge.sandbox.faults import Fault
    from automl_bridge.sandbox.service import Context, Environ
    from automl_bridge_vertex.sandbox.errors import Answer
    from automl_bridge_vertex.sandbox.storage import StorageCall

__all__ = ["BUCKET", "LOCATION", "PROJECT", "GcpSandbox", "create"]

check_installed()  # whoever starts it is told before the server's process begins

LOCATION = "us-central1"
BUCKET = "automl-bridge-sandbox"
HOST = "127.0.0.1"
VERTEX_PATHS = ("/v1/", "/ui/")
MARK = ("X-Automl-Bridge-Sandbox", "gcp")
ROUTE, STORAGE, TOKEN = "sandbox.route", "sandbox.storage", "/token"


def create(context: Context) -> GcpSandbox:
    """Make the stand-in: the factory that the entry point ``gcp`` names."""
    return GcpSandbox(context)


class GcpSandbox:
    """Google Cloud in small: Vertex AI AutoML and Cloud Storage.

    It starts with a project and a bucket, which `environment` names. Any token is taken, and none.
    """

    name = "gcp"
    request_handler: type | None = None

    def __init__(self, context: Context) -> None:
        self.context = context
        # Before anything is served: the SDK's modules import each other, and two threads at that see halves of them.
        routes()
        self.account = Account()
        self.emulator = Emulator()
        self.storage = StorageProxy(self.emulator, LOCATION)
        self.world = World(context, Store(self.storage))
        self.storage.allows = self.world.access.allows
        self.rpc = RpcServer(self.world, HOST)
        self.world.store.create_bucket(BUCKET, LOCATION)
        self.world.work(_warm_up)

    def operation(self, environ: Environ) -> str:
        """Name the operation of a request: ``aiplatform.CreateDataset``, ``storage.objects.insert``."""
        path = environ.get("PATH_INFO", "/")
        if path == TOKEN:
            return "oauth2.Token"
        if not path.startswith(VERTEX_PATHS):
            call = environ[STORAGE] = parse_storage(environ)
            return call.name
        route = environ[ROUTE] = find_route(environ)
        return f"aiplatform.{route.route.method if route is not None else 'Unknown'}"

    def refuse(self, environ: Environ, fault: Fault) -> Answer:
        """Word a fault in the words of the service that was asked."""
        _drain(environ)
        storage = environ.get(STORAGE)
        answered = render_error(error_of(fault)) if storage is None else self.storage.refuse(storage, fault)
        return answered[0], [*answered[1], MARK], answered[2]

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        """Answer a request (WSGI)."""
        if STORAGE in environ:
            return self._objects(environ[STORAGE], environ, _marked(start_response))
        body = _drain(environ)
        try:
            status, headers, content = self._answer(environ, body)
        except RpcError as error:
            status, headers, content = render_error(error)
        start_response(status, [*headers, MARK, ("Content-Length", str(len(content)))])
        return [content]

    def _objects(self, call: StorageCall, environ: Environ, start_response: Any) -> Iterable[bytes]:
        lacking = self.world.access.refused_of(call)
        if lacking is None:
            return self.storage(call, environ, start_response)
        _drain(environ)
        status, headers, content = self.storage.deny(call, EMAIL, lacking)
        start_response(status, [*headers, ("Content-Length", str(len(content)))])
        return [content]

    def _answer(self, environ: Environ, body: bytes) -> Answer:
        if environ.get("PATH_INFO") == TOKEN:
            return "200 OK", [("Content-Type", "application/json")], self.account.token()
        call = environ.get(ROUTE)
        if call is None:
            raise RpcError("NOT_FOUND", f"Method not found: {environ['REQUEST_METHOD']} {environ['PATH_INFO']}")
        found = answer(self.world, call.route.method, build_request(call, body))
        return render(found, numeric_enums=call.numeric_enums)

    def control(self, action: str, body: Any) -> Any:
        """Show where gRPC listens; set, show or clear the permissions in force, and show what was asked of them."""
        access = self.world.access
        if action == "grpc":
            return {"address": self.rpc.address}
        if action == "policy":
            if body is not None:
                access.granted = [str(one) for one in (body["permissions"] if isinstance(body, dict) else body)]
            return access.granted
        if action == "delete-policy":
            access.granted = None
            access.used.clear()
            access.refused.clear()
            return None
        if action == "actions":
            return {"used": sorted(access.used), "refused": access.refused}
        raise LookupError(f"no control action {action}")

    def environment(self, url: str) -> Mapping[str, str]:
        """Return the variables that lead Google's clients, and the adapter's settings, to this stand-in."""
        return {
            "STORAGE_EMULATOR_HOST": url,
            "GOOGLE_CLOUD_PROJECT": PROJECT,
            "GOOGLE_APPLICATION_CREDENTIALS": str(self.account.file(url)),
            "NO_GCE_CHECK": "true",
            "AUTOML_BRIDGE_VERTEX__PROJECT": PROJECT,
            "AUTOML_BRIDGE_VERTEX__LOCATION": LOCATION,
            "AUTOML_BRIDGE_VERTEX__BUCKET": BUCKET,
            "AUTOML_BRIDGE_VERTEX__API_ENDPOINT": url,
            "AUTOML_BRIDGE_VERTEX__TRANSPORT": "rest",
            "AUTOML_BRIDGE_SANDBOX_GCP_GRPC": self.rpc.address,
        }

    def close(self) -> None:
        """Stop the workers, gRPC and the emulator."""
        self.rpc.close()
        self.world.close()
        self.storage.close()
        self.emulator.close()
        self.account.close()


def _warm_up() -> None:
    """Load what the first job would wait for."""
    import sklearn.ensemble
    import sklearn.linear_model  # noqa: F401


def _drain(environ: Environ) -> bytes:
    """Read the body: what is left of it would be taken for the next request."""
    stream = environ["wsgi.input"]
    if environ.get("wsgi.input_terminated"):
        return bytes(stream.read())
    length = int(environ.get("CONTENT_LENGTH") or 0)
    return bytes(stream.read(length)) if length else b""


def _marked(start_response: Any) -> Any:
    return lambda status, headers, *rest: start_response(status, [*headers, MARK], *rest)
