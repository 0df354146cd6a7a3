"""Who may: shared key, shared access signature, bearer token.

Sources: "Authorize with Shared Key", "Create a service SAS", "Create an account SAS" of the storage services'
REST reference, for versions from 2020-12-06 on.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode

from automl_bridge_azure.sandbox.errors import AzureError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from automl_bridge_azure.sandbox.blobs.request import BlobRequest

__all__ = ["account_sas", "authorise", "container_sas", "expired"]

SIGNED = ("content-encoding", "content-language", "content-length", "content-md5", "content-type", "date",
          "if-modified-since", "if-match", "if-none-match", "if-unmodified-since", "range")  # fmt: skip
SERVICE_FIELDS = ("sp", "st", "se", "", "si", "sip", "spr", "sv", "sr", "snapshot", "ses", "rscc", "rscd", "rsce",
                  "rscl", "rsct")  # fmt: skip
ACCOUNT_FIELDS = ("sp", "ss", "srt", "st", "se", "sip", "spr", "sv", "ses")
VERSION = "2021-08-06"


def authorise(request: BlobRequest, account: str, key: str) -> None:
    """Raise what the service answers to a caller who does not prove who they are."""
    authorization = request.headers.get("authorization", "")
    scheme, _, rest = authorization.partition(" ")
    if scheme == "Bearer" and rest.strip():
        return
    if scheme == "SharedKey":
        name, _, signature = rest.partition(":")
        if name == account and hmac.compare_digest(signature, _sign(key, _shared_key_string(request, account))):
            return
        raise _failed("The MAC signature found in the HTTP request is not the same as any computed signature.")
    if "sig" in request.query:
        _check_sas(request.query, request.container, request.name, account, key)
        return
    asks = [
        ("WWW-Authenticate", "Bearer authorization_uri=https://login.sandbox/adfs resource_id=https://storage.sandbox")
    ]
    raise AzureError("NoAuthenticationInformation", "Server failed to authenticate the request.", 401, headers=asks)


def expired(*, sas: bool) -> AzureError:
    """Return the answer to a token or signature that is too old."""
    if sas:
        return _failed("Signature not valid in the specified time frame.")
    return AzureError("InvalidAuthenticationInfo", "Server failed to authenticate the request. Lifetime validation "
                      "failed. The token is expired.", 401)  # fmt: skip


def _failed(why: str) -> AzureError:
    message = "Server failed to authenticate the request. Make sure the value of Authorization header is formed "
    return AzureError("AuthenticationFailed", f"{message}correctly including the signature. {why}", 403)


def _sign(key: str, text: str) -> str:
    digest = hmac.new(base64.b64decode(key), text.encode("utf-8"), hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


def _shared_key_string(request: BlobRequest, account: str) -> str:
    headers = request.headers
    values = [headers.get(name, "") for name in SIGNED]
    if values[2] == "0":
        values[2] = ""
    if "x-ms-date" in headers:
        values[5] = ""
    own = sorted((name, " ".join(value.split())) for name, value in headers.items() if name.startswith("x-ms-"))
    by_name: dict[str, list[str]] = {}
    for name, value in parse_qsl(request.query_string, keep_blank_values=True):
        by_name.setdefault(name.lower(), []).append(value)
    resource = f"/{account}{request.raw_path}" + "".join(
        f"\n{name}:{','.join(sorted(found))}" for name, found in sorted(by_name.items())
    )
    return "\n".join([request.method, *values, *(f"{name}:{value}" for name, value in own), resource])


def _check_sas(query: Mapping[str, str], container: str, name: str, account: str, key: str) -> None:
    if query.get("se", "") and _moment(query["se"]) < datetime.now(UTC):
        raise expired(sas=True)
    if "skoid" in query:  # signed with a key that a user was lent; any such is taken
        return
    if "ss" in query:
        text = "\n".join([account, *(query.get(field, "") for field in ACCOUNT_FIELDS), ""])
    else:
        place = f"/blob/{account}/{container}" + (f"/{name}" if query.get("sr") == "b" else "")
        text = "\n".join(place if not field else query.get(field, "") for field in SERVICE_FIELDS)
    if not hmac.compare_digest(query["sig"], _sign(key, text)):
        raise _failed("Signature did not match.")


def _moment(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise _failed(f"Signed expiry time [{text}] is invalid.") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def container_sas(account: str, key: str, container: str, expiry: datetime) -> str:
    """Return a signature that opens one container for reading, writing and listing."""
    query = {"sp": "racwdl", "se": expiry.strftime("%Y-%m-%dT%H:%M:%SZ"), "sv": VERSION, "sr": "c", "spr": "https"}
    place = f"/blob/{account}/{container}"
    text = "\n".join(place if not field else query.get(field, "") for field in SERVICE_FIELDS)
    return urlencode({**query, "sig": _sign(key, text)})


def account_sas(account: str, key: str, expiry: datetime, *, protocol: str = "https") -> str:
    """Return a signature that opens every blob of the account."""
    query = {"sp": "rwdlacup", "ss": "b", "srt": "sco", "se": expiry.strftime("%Y-%m-%dT%H:%M:%SZ"), "sv": VERSION,
             "spr": protocol}  # fmt: skip
    text = "\n".join([account, *(query.get(field, "") for field in ACCOUNT_FIELDS), ""])
    return urlencode({**query, "sig": _sign(key, text)})
