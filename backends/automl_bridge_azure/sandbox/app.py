"""The stand-in as it is served: who the caller is, which service they mean, faults worded."""

from __future__ import annotations

import os
import re
import socket
import traceback
from typing import TYPE_CHECKING, Any

from automl_bridge.sandbox.faults import FaultKind
from automl_bridge.sandbox.tls import Certificate
from automl_bridge_azure.sandbox import account, arm, asset_calls, endpoints, history, identity, job_calls, tracking
from automl_bridge_azure.sandbox.blobs import service as builtin
from automl_bridge_azure.sandbox.blobs.auth import authorise, expired
from automl_bridge_azure.sandbox.blobs.azurite import Azurite, executable
from automl_bridge_azure.sandbox.blobs.request import BlobRequest, RawHeaders, is_storage, read_body
from automl_bridge_azure.sandbox.blobs.store import BlobStore
from automl_bridge_azure.sandbox.calls import Call
from automl_bridge_azure.sandbox.errors import AzureError, ok, render
from automl_bridge_azure.sandbox.jobs import error_of
from automl_bridge_azure.sandbox.world import World

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from automl_bridge.sandbox.faults import Fault
    from automl_bridge.sandbox.service import Context, Environ
    from automl_bridge_azure.sandbox.errors import Answer

__all__ = ["AzureSandbox", "create"]

ROUTES = [*job_calls.ROUTES, *history.ROUTES, *tracking.ROUTES, *endpoints.ROUTES, *asset_calls.ROUTES, *arm.ROUTES]
ENTRA = re.compile(
    r"/(?P<tenant>[^/]+)(?:/v2\.0)?/\.well-known/openid-configuration|/(?P<to>[^/]+)/oauth2/(?:v2\.0/)?token"
)
BLOBS = "AUTOML_BRIDGE_AZURE_SANDBOX_BLOBS"
QUOTA = "Operation could not be completed as it results in exceeding approved quota of dedicated cores. (sandbox)"


def create(context: Context) -> AzureSandbox:
    """Make the stand-in: the factory that the entry point ``azure`` names."""
    return AzureSandbox(context)


class AzureSandbox:
    """Azure in small: Machine Learning's control and data plane, Entra's tokens, blobs; TLS on loopback.

    Blobs are kept by Azurite where it is installed, else by a small service of the sandbox's own; the variable
    ``AUTOML_BRIDGE_AZURE_SANDBOX_BLOBS`` (``azurite`` or ``builtin``) says which.
    """

    name = "azure"

    def __init__(self, context: Context) -> None:
        self.request_handler: type | None = RawHeaders
        self.context = context
        self.certificate = Certificate([f"{account.STORAGE_ACCOUNT}.blob.core.localhost"])
        wanted = os.environ.get(BLOBS) or ("azurite" if executable() else "builtin")
        if wanted not in {"azurite", "builtin"}:
            raise ValueError(f"{BLOBS} is {wanted!r}; allowed: azurite, builtin")
        self.blobs: Azurite | BlobStore = (
            Azurite(account.STORAGE_ACCOUNT, account.STORAGE_KEY) if wanted == "azurite" else BlobStore()
        )
        self.world = World(context, self.blobs)
        self.world.work(_warm_up)

    def listening(self, url: str) -> None:
        """Take note of the address."""
        self.world.url = url
        self.world.storage = _storage_suffix(url.rpartition(":")[2])

    # What a request is

    def operation(self, environ: Environ) -> str:
        """Name the operation of a request: ``jobs.Get``; what no service of Azure's answers has none."""
        environ["sandbox.handler"], operation = self._recognise(environ)
        return operation

    def _recognise(self, environ: Environ) -> tuple[Any, str]:
        path, method = environ["PATH_INFO"], environ["REQUEST_METHOD"]
        if is_storage(environ):
            request = BlobRequest.of(environ)
            environ["sandbox.family"] = "blob"
            return request, f"blob.{request.operation}"
        environ["sandbox.family"] = "arm"
        if path.startswith("/metadata/endpoints"):
            return self._metadata, ""
        if path == "/discovery":
            return self._discovery, ""
        entra = ENTRA.fullmatch(path)
        if entra:
            environ["sandbox.family"] = "entra"
            environ["sandbox.tenant"] = entra["tenant"] or entra["to"]
            return (self._openid, "") if method == "GET" else (self._token, "entra.Token")
        for route in ROUTES:
            names = route.match(method, path)
            if names is not None:
                environ["sandbox.family"] = route.family
                return (route, names), route.operation
        return None, "unknown"

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        """Answer a request (WSGI)."""
        try:
            status, headers, body = self._answer(environ)
        except AzureError as error:
            status, headers, body = render(error, environ["sandbox.family"])
        except Exception:  # noqa: BLE001 (a mistake of the stand-in's is worded as the service words its own)
            traceback.print_exc()
            mistake = AzureError("InternalServerError", "A mistake of the sandbox's; its log has more.", 500)
            status, headers, body = render(mistake, environ["sandbox.family"])
        headers = [*headers, ("x-ms-request-id", "sandbox"), ("x-ms-version", "2021-08-06"),
                   ("Server", "automl-bridge-sandbox")]  # fmt: skip
        if not any(name.lower() == "content-length" for name, _value in headers):
            headers.append(("Content-Length", str(len(body))))
        start_response(status, headers)
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]

    def _answer(self, environ: Environ) -> Answer:
        handler = environ["sandbox.handler"]
        self.world.storage_ready()
        if isinstance(handler, BlobRequest):
            return self._blob(handler, environ)
        if callable(handler):
            answer: Answer = handler(environ)
            return answer
        if not environ.get("HTTP_AUTHORIZATION", "").startswith("Bearer "):
            asks = [("WWW-Authenticate", f'Bearer authorization_uri="{self.world.url}/adfs"')]
            said = "Authentication failed. The 'Authorization' header is missing."
            raise AzureError("AuthenticationFailed", said, 401, headers=asks)
        if handler is None:
            raise AzureError(
                "NotFound", f"The sandbox has nothing at {environ['REQUEST_METHOD']} {environ['PATH_INFO']}.", 404
            )
        route, names = handler
        _check_scope(names)
        read_body(environ)  # before the lock: a client that sends slowly holds up nobody but itself
        self.world.settle()
        with self.world.lock:
            found: Answer = route.handler(Call(self.world, environ, names, route.family))
        return found

    def _blob(self, request: BlobRequest, environ: Environ) -> Answer:
        authorise(request, account.STORAGE_ACCOUNT, account.STORAGE_KEY)
        if isinstance(self.blobs, Azurite):
            return self.blobs.forward(request, environ)
        return builtin.answer(self.blobs, request, environ)

    def _metadata(self, _environ: Environ) -> Answer:
        return ok([identity.cloud_metadata(self.world.url, self.world.storage)])

    def _discovery(self, _environ: Environ) -> Answer:
        url = self.world.url
        names = ("api", "catalog", "experimentation", "gallery", "history", "hyperdrive", "labeling", "modelmanagement",
                 "pipelines", "studio")  # fmt: skip
        return ok(dict.fromkeys(names, url))

    def _openid(self, environ: Environ) -> Answer:
        return ok(identity.openid_configuration(self.world.url, environ["sandbox.tenant"]))

    def _token(self, environ: Environ) -> Answer:
        return identity.token(environ, self.world.url, environ["sandbox.tenant"])

    # What goes wrong on request

    def refuse(self, environ: Environ, fault: Fault) -> Answer:
        """Word a fault in the protocol of the request."""
        family: str = environ["sandbox.family"]
        return render(self._fault(environ, fault, storage=family == "blob"), family)

    def _fault(self, environ: Environ, fault: Fault, *, storage: bool) -> AzureError:
        waits = [("Retry-After", str(self.world.setting("retry_after")))]
        match fault.kind:
            case FaultKind.THROTTLE if storage:
                return AzureError("ServerBusy", fault.message or "The server is busy.", 503, headers=waits)
            case FaultKind.THROTTLE:
                said = "The request is being throttled as the limit has been reached for operation type - sandbox."
                return AzureError("TooManyRequests", fault.message or said, 429, headers=waits)
            case FaultKind.EXPIRED if storage:
                return expired(sas="sig=" in environ.get("QUERY_STRING", ""))
            case FaultKind.EXPIRED:
                return AzureError("ExpiredAuthenticationToken", fault.message or "The access token has expired.", 401,
                                  headers=[("WWW-Authenticate", 'Bearer error="invalid_token"')])  # fmt: skip
            case FaultKind.QUOTA:
                return AzureError("QuotaExceeded", fault.message or QUOTA, 503 if storage else 409)
        code = "InternalError" if storage else "InternalServerError"
        return AzureError(code, fault.message or "The server encountered an internal error. Please retry.", 500)

    # How it is led to and left

    def control(self, action: str, body: Any) -> Any:
        """Show what was noted of requests: names that no schema knows. End a job with any status."""
        if action == "end-job":
            with self.world.lock:
                job, now = self.world.jobs[body["name"]], self.world.settle()
                job.end(now, body["status"], error_of(body["message"]) if body.get("message") else None)
            return job.to_json()
        if action == "notes":
            return self.world.notes
        if action == "delete-notes":
            self.world.notes.clear()
            return []
        raise LookupError(f"no control action {action}")

    def environment(self, url: str) -> Mapping[str, str]:
        """Return the variables that lead Azure's clients, and the adapter's settings, to this stand-in."""
        return {
            **self.certificate.environment(),
            "ARM_CLOUD_METADATA_URL": f"{url}/metadata/endpoints?api-version=2019-05-01",
            "AZUREML_CURRENT_CLOUD": identity.CLOUD,
            "AZURE_AUTHORITY_HOST": url,
            "AZURE_TENANT_ID": identity.TENANT,
            "AZURE_CLIENT_ID": identity.CLIENT_ID,
            "AZURE_CLIENT_SECRET": identity.CLIENT_SECRET,
            "AUTOML_BRIDGE_AZURE__SUBSCRIPTION_ID": account.SUBSCRIPTION,
            "AUTOML_BRIDGE_AZURE__RESOURCE_GROUP": account.GROUP,
            "AUTOML_BRIDGE_AZURE__WORKSPACE": account.WORKSPACE,
            "AUTOML_BRIDGE_AZURE__COMPUTE": account.COMPUTE,
        }

    def close(self) -> None:
        """Stop the workers; remove certificate and blobs."""
        self.world.close()
        self.certificate.close()


def _check_scope(names: Mapping[str, str]) -> None:
    """Refuse a subscription, group or workspace that is not the sandbox's."""
    if names.get("subscription", account.SUBSCRIPTION).lower() != account.SUBSCRIPTION:
        said = f"The subscription '{names['subscription']}' could not be found."
        raise AzureError("SubscriptionNotFound", said, 404)
    if names.get("group", account.GROUP).lower() != account.GROUP:
        raise AzureError("ResourceGroupNotFound", f"Resource group '{names['group']}' could not be found.", 404)
    if names.get("workspace", account.WORKSPACE).lower() != account.WORKSPACE:
        said = (
            f"The Resource 'Microsoft.MachineLearningServices/workspaces/{names['workspace']}' under resource group "
            f"'{account.GROUP}' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix"
        )
        raise AzureError("ResourceNotFound", said, 404)


def _storage_suffix(port: str) -> str:
    """Return what follows ``https://<account>.blob.`` in the storage's addresses.

    Clients make that host name themselves. Where names under localhost lead to this machine, it is such a name;
    elsewhere it becomes what stands before an @ in an address, which clients do not look up.
    """
    name = f"{account.STORAGE_ACCOUNT}.blob.core.localhost"
    try:
        found = {entry[4][0] for entry in socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)}
    except OSError:
        found = set()
    return f"core.localhost:{port}" if found == {"127.0.0.1"} else f"core.sandbox@127.0.0.1:{port}"


def _warm_up() -> None:
    """Load what the first job would wait for."""
    import sklearn.ensemble
    import sklearn.linear_model
    import sklearn.metrics  # noqa: F401
