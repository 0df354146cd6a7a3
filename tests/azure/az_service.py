"""A scripted stand-in for the calls that the adapter makes: written from the documentation, for requests and errors.

It trains nothing. Jobs are what was PUT; their state, children, metrics and blobs are what a test sets. Every request
is kept in `calls`.
"""

from __future__ import annotations

import base64
import json
import re
import ssl
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["ACCOUNT", "WORKSPACE_ID", "Service"]

SUBSCRIPTION, GROUP, WORKSPACE, ACCOUNT = "00000000-0000-0000-0000-000000000001", "rg", "ws", "acct"
WORKSPACE_ID = (
    f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{GROUP}/providers/Microsoft.MachineLearningServices/workspaces/"
    f"{WORKSPACE}"
)


_OPEN = ("/metadata/endpoints", "/openid-configuration", "/token", "/discovery")
"""Ends of the paths that need no token."""


def _token(form: object) -> str:
    """Return a token for whatever it is asked for; the SDK reads its audience."""
    scope = parse_qs(form.decode())["scope"][0] if isinstance(form, bytes) else ""
    wanted = next((word for word in scope.split() if word.endswith("/.default")), "")
    claims = json.dumps({"aud": wanted.removesuffix("/.default")}).encode()
    parts = (b'{"alg":"none"}', claims, b"signature")
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)


_KEY = base64.b64encode(b"key" * 10).decode()


def certificate(folder: Path) -> tuple[Path, Path]:
    """Write a self-signed certificate for the stand-in's names; returns certificate and key."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    names = [x509.DNSName(one) for one in ("localhost", f"{ACCOUNT}.blob.localhost")]
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
        .not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    places = folder / "cert.pem", folder / "key.pem"
    places[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    places[1].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return places


class Service:
    """State and server; `url` is its address."""

    def __init__(self, folder: Path, *, page: int = 50) -> None:
        self.page = page
        self.reset()
        self.certificate, key = certificate(folder)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, key)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        self.port = self._server.server_address[1]
        self.url = f"https://localhost:{self.port}"

    def reset(self) -> None:
        self.calls: list[tuple[str, str, Any]] = []
        self.jobs: dict[str, dict[str, Any]] = {}
        self.runs: dict[str, dict[str, Any]] = {}
        self.children: dict[str, list[dict[str, Any]]] = {}
        self.metrics: dict[str, dict[str, float]] = {}
        self.details: dict[str, dict[str, Any]] = {}
        self.blobs: dict[str, bytes] = {}
        self.computes: dict[str, dict[str, Any]] = {}
        self.usages: list[dict[str, Any]] = []
        self.endpoints: dict[str, dict[str, Any]] = {}
        self.deployments: list[dict[str, Any]] = []
        self.location = "eastus"
        self.search = True
        self.fail: Callable[[str, str], tuple[int, Any] | None] = lambda _method, _path: None
        self.after: Callable[[str, str], tuple[int, Any] | None] = lambda _method, _path: None

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def env(self) -> dict[str, str]:
        """Return the SDK's own variables that lead to this server."""
        return {
            "ARM_CLOUD_METADATA_URL": f"{self.url}/metadata/endpoints",
            "REQUESTS_CA_BUNDLE": str(self.certificate),
            "AZURE_AUTHORITY_HOST": f"localhost:{self.port}",
            "AZURE_TENANT_ID": "tenant",
            "AZURE_CLIENT_ID": "client",
            "AZURE_CLIENT_SECRET": "secret",
            "AZURE_TOKEN_CREDENTIALS": "EnvironmentCredential",
        }

    def sent(self, method: str, ending: str) -> list[Any]:
        """Return the bodies of the requests of a method whose path ends so."""
        return [body for verb, path, body in self.calls if verb == method and path.endswith(ending)]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None:
                pass

            def _do(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                raw = self.rfile.read(length)
                status, headers, body = service.answer(self.command, self.path, dict(self.headers), raw)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _do  # noqa: N815 - names of http.server

        return Handler

    def answer(
        self, method: str, target: str, headers: dict[str, str], raw: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        split = urlsplit(target)
        path, query = unquote(split.path), {key: value[0] for key, value in parse_qs(split.query).items()}
        blob = headers.get("Host", "").startswith(f"{ACCOUNT}.blob.")
        body: Any = raw if blob else _read(raw)
        self.calls.append((method, path, body))
        failed = self.fail(method, path)
        if "authorization" not in {name.lower() for name in headers} and not path.endswith(_OPEN):
            failed = 401, _error("AuthenticationFailed", "the 'Authorization' header is missing")
        if failed is None:
            done = self._blob(method, path, query, headers, raw) if blob else self._json(method, path, query, body)
            failed = self.after(method, path)
            if failed is None:
                return done
        return failed[0], {"Content-Type": "application/json"}, json.dumps(failed[1]).encode()

    def _json(self, method: str, path: str, query: dict[str, str], body: Any) -> tuple[int, dict[str, str], bytes]:
        status, found = self._route(method, path, query, body)
        return status, {"Content-Type": "application/json"}, json.dumps(found).encode()

    def _route(self, method: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:  # noqa: PLR0911 - an answer each
        if path == "/metadata/endpoints":
            return 200, [self._cloud()]
        if path.endswith("/.well-known/openid-configuration"):
            return 200, {
                "token_endpoint": f"{self.url}/tenant/oauth2/v2.0/token",
                "authorization_endpoint": f"{self.url}/tenant/oauth2/v2.0/authorize",
                "issuer": f"{self.url}/tenant/v2.0",
            }
        if path.endswith("/token"):
            return 200, {"token_type": "Bearer", "expires_in": 3600, "access_token": _token(body)}
        if path == "/discovery":
            return 200, {"api": self.url, "history": self.url}
        if path.lower() == WORKSPACE_ID.lower():
            properties = {"discoveryUrl": f"{self.url}/discovery", "workspaceId": "w", "storageAccount": "s"}
            return 200, {"id": WORKSPACE_ID, "name": WORKSPACE, "location": self.location, "properties": properties}
        rest = re.sub(".*/workspaces/[^/]+/", "", path)
        if "/history/v1.0/" in path:
            return self._history(rest, query)
        if "/mlflow/v2.0/" in path:
            return self._mlflow(rest, query, body)
        if path.endswith(("/vmSizes", "/usages")):
            sizes = [{"name": "Standard_DS3_v2", "family": "standardDSv2Family", "vCPUs": 4}]
            return 200, {"value": sizes if path.endswith("/vmSizes") else self.usages}
        return self._workspace(method, rest, query, body)

    def _cloud(self) -> dict[str, Any]:
        return {
            "name": "Test",
            "portal": f"{self.url}/portal.",
            "resourceManager": self.url,
            "authentication": {"loginEndpoint": self.url, "tenant": "common", "audiences": [self.url]},
            "suffixes": {"storage": f"localhost:{self.port}"},
        }

    def _workspace(self, method: str, rest: str, query: dict[str, str], body: Any) -> tuple[int, Any]:  # noqa: C901, PLR0911 - an answer each
        kind, _, name = rest.partition("/")
        if kind == "datastores":
            if name.endswith("/listSecrets"):
                return 200, {"secretsType": "AccountKey", "key": _KEY}
            return 200, self._datastore(name)
        if kind == "computes":
            if not name:
                return 200, {"value": list(self.computes.values())}
            return (200, self.computes[name]) if name in self.computes else (404, _error("NotFound"))
        if kind == "onlineEndpoints":
            if method == "DELETE":
                self.endpoints.pop(name, None)
                return 204, {}
            return 200, {"value": self.deployments if name.endswith("/deployments") else list(self.endpoints.values())}
        if kind != "jobs":
            return 404, _error("NotFound", rest)
        if not name:
            return 200, self._paged(list(self.jobs.values()), query, "jobs")
        if name.endswith("/cancel"):
            self.jobs[name.removesuffix("/cancel")]["properties"]["status"] = "Canceled"
            return 200, {}
        if method == "PUT":
            if name in self.jobs:
                return 409, _error("UserError", "A job with this name already exists")
            held = {"id": f"{WORKSPACE_ID}/jobs/{name}", "name": name, **body}
            held["properties"] = {**body["properties"], "status": "Queued"}
            self.jobs[name] = held
            return 201, held
        return (200, self.jobs[name]) if name in self.jobs else (404, _error("ResourceNotFound", name))

    def _datastore(self, name: str) -> dict[str, Any]:
        properties = {
            "datastoreType": "AzureBlob", "accountName": ACCOUNT, "containerName": "c", "endpoint": "core.windows.net",
            "protocol": "https", "credentials": {"credentialsType": "AccountKey"}, "isDefault": True, "tags": {},
        }  # fmt: skip
        return {"id": f"{WORKSPACE_ID}/datastores/{name}", "name": name, "properties": properties}

    def _paged(self, values: list[Any], query: dict[str, str], path: str) -> dict[str, Any]:
        start = int(query.get("$skip", 0))
        page: dict[str, Any] = {"value": values[start : start + self.page]}
        if start + self.page < len(values):
            page["nextLink"] = f"{self.url}{WORKSPACE_ID}/{path}?$skip={start + self.page}"
        return page

    def _history(self, rest: str, query: dict[str, str]) -> tuple[int, Any]:
        name, _, what = rest.removeprefix("runs/").partition("/")
        if what == "children":
            values, start = self.children.get(name, []), int(query.get("$continuationtoken", 0))
            page: dict[str, Any] = {"value": values[start : start + self.page]}
            if start + self.page < len(values):
                page["continuationToken"] = str(start + self.page)
            return 200, page
        held = self.details if what == "details" else self.runs
        return (200, held[name]) if name in held else (404, _error("NotFound", name))

    def _mlflow(self, rest: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        def run(name: str) -> dict[str, Any]:
            metrics = [{"key": key, "value": value} for key, value in self.metrics.get(name, {}).items()]
            return {"info": {"run_id": name}, "data": {"metrics": metrics}}

        if rest.endswith("runs/get"):
            return 200, {"run": run(query["run_id"])}
        if not self.search:
            return 404, _error("NotFound")
        parent = re.search("'(.*)'", body["filter"])
        assert parent is not None
        names = [one["runId"] for one in self.children.get(parent[1], [])]
        return 200, {"runs": [run(name) for name in names]}

    def _blob(  # noqa: PLR0911 - an answer each
        self, method: str, path: str, query: dict[str, str], headers: dict[str, str], raw: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        name = path.removeprefix("/c").removeprefix("/")
        now = {"Last-Modified": "Wed, 25 Nov 2026 20:00:00 GMT", "ETag": '"1"'}
        if query.get("comp") == "list":
            return 200, {"Content-Type": "application/xml"}, self._listed(query.get("prefix", ""))
        if method == "PUT":
            if name in self.blobs and headers.get("If-None-Match") == "*":
                return 409, {"x-ms-error-code": "BlobAlreadyExists"}, b""
            self.blobs[name] = raw
            return 201, now, b""
        if name not in self.blobs:
            return 404, {"x-ms-error-code": "BlobNotFound"}, b""
        if method == "DELETE":
            del self.blobs[name]
            return 202, {}, b""
        held = self.blobs[name]
        span = re.search(r"bytes=(\d+)-(\d+)", headers.get("x-ms-range", headers.get("Range", "")))
        if span is None or not held:
            return (416, {"x-ms-error-code": "InvalidRange"}, b"") if span else (200, now, held)
        part = held[int(span[1]) : int(span[2]) + 1]
        ranged = {"Content-Range": f"bytes {span[1]}-{int(span[1]) + len(part) - 1}/{len(held)}"}
        return 206, {**now, **ranged}, part

    def _listed(self, prefix: str) -> bytes:
        entries = "".join(
            f"<Blob><Name>{name}</Name><Properties><Last-Modified>Wed, 25 Nov 2026 20:00:00 GMT</Last-Modified>"
            f"<Etag>1</Etag><Content-Length>{len(body)}</Content-Length><BlobType>BlockBlob</BlobType></Properties>"
            "</Blob>"
            for name, body in sorted(self.blobs.items())
            if name.startswith(prefix)
        )
        head = '<?xml version="1.0" encoding="utf-8"?><EnumerationResults ContainerName="c">'
        return f"{head}<Blobs>{entries}</Blobs><NextMarker/></EnumerationResults>".encode()


def _read(raw: bytes) -> Any:
    try:
        return json.loads(raw) if raw else None
    except ValueError:
        return raw


def _error(code: str, message: str = "") -> dict[str, Any]:
    return {"error": {"code": code, "message": message or code}}
