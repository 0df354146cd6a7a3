"""Azurite, Microsoft's own emulator, behind the stand-in's door: a process beside it, on loopback, without TLS."""

from __future__ import annotations

import http.client
import os
import shutil
import subprocess
import tempfile
import threading
import time
import xml.etree.ElementTree as ET
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from automl_bridge_azure.sandbox.blobs.auth import account_sas
from automl_bridge_azure.sandbox.blobs.request import read_body
from automl_bridge_azure.sandbox.errors import line

if TYPE_CHECKING:
    from automl_bridge.sandbox.service import Environ
    from automl_bridge_azure.sandbox.blobs.request import BlobRequest
    from automl_bridge_azure.sandbox.errors import Answer

__all__ = ["Azurite", "executable"]

START_SECONDS = 60.0
VERSION = "2021-08-06"
WATCH = "process.stdin.resume(); process.stdin.on('end', () => process.exit(0));"
"""Ends Azurite with the process that started it, however that one ended: the pipe between them breaks."""
HOP = frozenset({"host", "connection", "authorization", "content-length", "transfer-encoding", "expect"})


def executable() -> str | None:
    """Return the path of Azurite's blob server, or None where it is not installed."""
    return shutil.which("azurite-blob")


class Azurite:
    """One Azurite, for one account; it starts at once and is waited for at the first request."""

    def __init__(self, account: str, key: str) -> None:
        program = executable()
        if program is None:
            raise FileNotFoundError("azurite-blob is not on the PATH (npm install -g azurite)")
        self._folder = Path(tempfile.mkdtemp(prefix="automl-bridge-sandbox-azurite-"))
        self._account, self._key = account, key
        self._log = self._folder / "log"
        command = [program, "--blobHost", "127.0.0.1", "--blobPort", "0", "--location", str(self._folder),
                   "--skipApiVersionCheck", "--silent", "--disableTelemetry"]  # fmt: skip
        watch = self._folder / "watch.js"
        watch.write_text(WATCH)
        env = {**os.environ, "AZURITE_ACCOUNTS": f"{account}:{key}", "NODE_OPTIONS": f"--require={watch}"}
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603 (found on the PATH)
                command, stdin=subprocess.PIPE, stdout=log, stderr=log, env=env
            )
        self._port: int | None = None
        self._lock = threading.Lock()

    @property
    def port(self) -> int:
        """Where it listens, once it does."""
        with self._lock:
            deadline = time.monotonic() + START_SECONDS
            while self._port is None:
                said = self._log.read_text(errors="replace")
                found = said.rpartition("http://127.0.0.1:")[2].split("\n")[0].strip() if "successfully" in said else ""
                if found.isdigit():
                    self._port = int(found)
                elif self._process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"azurite-blob did not start: {said.strip()[-500:]}")
                else:
                    time.sleep(0.02)
            return self._port

    def close(self) -> None:
        """End it and remove what it stored."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    def forward(self, request: BlobRequest, environ: Environ) -> Answer:
        """Hand on a request that is allowed; the caller's signature gives way to one of our own."""
        query = "&".join(part for part in request.query_string.split("&") if part and part.partition("=")[0] in _KEPT)
        headers = {name: value for name, value in request.headers.items() if name not in HOP}
        headers = {name: value for name, value in headers.items() if not name.startswith("x-ms-meta-")}
        headers |= {f"x-ms-meta-{name}": value for name, value in request.metadata.items()}
        if "x-ms-copy-source" in headers:
            path = headers["x-ms-copy-source"].split("/", 3)[3].partition("?")[0]
            headers["x-ms-copy-source"] = f"{self._base()}/{path}?{self._signature()}"
        return self._send(request.method, request.raw_path, query, headers, read_body(environ))

    def _base(self) -> str:
        return f"http://127.0.0.1:{self.port}/{self._account}"

    def _signature(self) -> str:
        return account_sas(self._account, self._key, datetime.now(UTC) + timedelta(hours=1), protocol="https,http")

    def _send(self, method: str, path: str, query: str, headers: dict[str, str], body: bytes) -> Answer:
        place = f"/{self._account}{path}?{'&'.join(part for part in (query, self._signature()) if part)}"
        data = body if body or method == "PUT" else None
        sent = {"x-ms-version": VERSION, **headers}
        if data is not None:
            sent.setdefault("content-type", "application/octet-stream")
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, place, data, sent)  # names of headers go as they are
            answer = connection.getresponse()
            status, got, content = answer.status, answer.headers, answer.read()
        finally:
            connection.close()
        kept = [(name, value) for name, value in got.items() if name.lower() not in _DROPPED]
        if method == "HEAD":
            kept.append(("Content-Length", got.get("Content-Length", "0")))
        return line(status), kept, content

    # What the rest of the stand-in uses

    def read(self, container: str, name: str) -> bytes:
        """Return a blob; FileNotFoundError if there is none."""
        status, _headers, content = self._send("GET", f"/{container}/{quote(name)}", "", {}, b"")
        if not status.startswith("200"):
            raise FileNotFoundError(f"{container}/{name}")
        return content

    def write(self, container: str, name: str, content: bytes) -> None:
        """Write a blob."""
        self._send("PUT", f"/{container}/{quote(name)}", "", {"x-ms-blob-type": "BlockBlob"}, content)

    def create(self, container: str) -> None:
        """Make a container; one that is there stays."""
        self._send("PUT", f"/{container}", "restype=container", {}, b"")

    def names(self, container: str, prefix: str) -> list[tuple[str, int, str]]:
        """Return name, size and tag of each blob under a prefix, in order of names."""
        found: list[tuple[str, int, str]] = []
        marker: str | None = ""
        while marker is not None:
            query = f"restype=container&comp=list&prefix={quote(prefix)}&marker={quote(marker)}"
            _status, _headers, content = self._send("GET", f"/{container}", query, {}, b"")
            tree = ET.fromstring(content)  # noqa: S314 (from our own process)
            for blob in tree.iter("Blob"):
                size = int(blob.findtext("Properties/Content-Length", "0"))
                found.append((blob.findtext("Name", ""), size, blob.findtext("Properties/Etag", "")))
            marker = tree.findtext("NextMarker") or None
        return sorted(found)


_KEPT = frozenset({"comp", "restype", "prefix", "delimiter", "marker", "maxresults", "include", "blockid",
                   "blocklisttype", "timeout", "snapshot", "versionid"})  # fmt: skip
_DROPPED = frozenset({"connection", "transfer-encoding", "content-length", "date", "keep-alive", "server"})
