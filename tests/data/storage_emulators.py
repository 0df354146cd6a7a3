"""Empty buckets and containers on the emulators: what obstore has no call for, by their REST interfaces."""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import json
import urllib.parse
import urllib.request
import uuid
from email.utils import formatdate

# The account that every Azurite has, and its key: published, and good for nothing else.
ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
CONNECTION = "DefaultEndpointsProtocol=http;AccountName={};AccountKey={};BlobEndpoint={};"


def new_container(url: str) -> str:
    """Make a container on Azurite, and return its name."""
    name = f"box{uuid.uuid4().hex[:12]}"
    headers = {"x-ms-date": formatdate(usegmt=True), "x-ms-version": "2021-08-06"}
    # learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key: twelve lines, of which the verb is one;
    # an emulator's path starts with the account, so that the account stands there twice.
    signed = "PUT" + "\n" * 12 + "".join(f"{key}:{value}\n" for key, value in headers.items())
    signed += f"/{ACCOUNT}/{ACCOUNT}/{name}\nrestype:container"
    digest = hmac.digest(base64.b64decode(KEY), signed.encode(), hashlib.sha256)
    headers["Authorization"] = f"SharedKey {ACCOUNT}:{base64.b64encode(digest).decode()}"
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(url).netloc, timeout=30)
    connection.request("PUT", f"/{ACCOUNT}/{name}?restype=container", headers=headers)
    answer = connection.getresponse()
    assert answer.status == 201, answer.read()
    connection.close()
    return name


def new_bucket(url: str) -> str:
    """Make a bucket on fake-gcs-server, and return its name."""
    name = f"bucket{uuid.uuid4().hex[:12]}"
    _post(f"{url}/storage/v1/b?project=any", json.dumps({"name": name}).encode(), "application/json")
    return name


def upload(url: str, bucket: str, key: str, content: bytes) -> None:
    """Write an object by the JSON interface: the emulator has no writing by the XML one, which obstore speaks."""
    query = urllib.parse.urlencode({"uploadType": "media", "name": key})
    _post(f"{url}/upload/storage/v1/b/{bucket}/o?{query}", content, "application/octet-stream")


def _post(url: str, content: bytes, kind: str) -> None:
    request = urllib.request.Request(url, data=content, headers={"Content-Type": kind})
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.status == 200
