"""Who the caller is: the cloud's own description, and Entra's token endpoint.

A client that takes its authority from ``AZURE_AUTHORITY_HOST`` may insist on asking login.microsoftonline.com
whether it is known. It asks nobody for the tenant ``adfs`` (that of a private cloud), or when it was made with
``disable_instance_discovery=True``; any other tenant works too, then.
"""

from __future__ import annotations

import base64
import json
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from automl_bridge_azure.sandbox.blobs.request import read_body
from automl_bridge_azure.sandbox.errors import AzureError, ok

if TYPE_CHECKING:
    from automl_bridge.sandbox.service import Environ
    from automl_bridge_azure.sandbox.errors import Answer

__all__ = ["CLIENT_ID", "CLIENT_SECRET", "CLOUD", "TENANT", "cloud_metadata", "openid_configuration", "token"]

CLOUD = "AutoMLBridgeSandbox"
TENANT = "adfs"
CLIENT_ID = "5a4db0c5-0000-4000-8000-000000000001"
CLIENT_SECRET = "sandbox"  # noqa: S105 (opens nothing)
LIFETIME = 3600


def cloud_metadata(url: str, storage: str) -> dict[str, Any]:
    """Describe the cloud as ``{resource manager}/metadata/endpoints`` does, api-version 2019-05-01 and later."""
    return {
        "name": CLOUD,
        "portal": "https://portal.azure.sandbox",
        "resourceManager": url,
        "authentication": {"loginEndpoint": url, "audiences": [url], "tenant": "common", "identityProvider": "AAD"},
        "suffixes": {"storage": storage, "keyVaultDns": "vault.azure.sandbox", "acrLoginServer": "azurecr.sandbox"},
        "graph": url,
        "graphAudience": url,
        "media": url,
        "gallery": url,
        "batch": url,
    }


def openid_configuration(url: str, tenant: str) -> dict[str, Any]:
    """Describe a tenant."""
    base = f"{url}/{tenant}/oauth2/v2.0"
    return {
        "issuer": f"{url}/{tenant}/v2.0",
        "authorization_endpoint": f"{base}/authorize",
        "token_endpoint": f"{base}/token",
        "device_authorization_endpoint": f"{base}/devicecode",
        "jwks_uri": f"{url}/{tenant}/discovery/v2.0/keys",
        "response_types_supported": ["code"],
        "subject_types_supported": ["pairwise"],
    }


def token(environ: Environ, url: str, tenant: str) -> Answer:
    """Give a token for client credentials."""
    form = {key: values[0] for key, values in parse_qs(read_body(environ).decode()).items()}
    if form.get("grant_type") != "client_credentials":
        raise AzureError("unsupported_grant_type", f"AADSTS70003: the sandbox gives no {form.get('grant_type')}.", 400)
    if form.get("client_id") != CLIENT_ID or form.get("client_secret") != CLIENT_SECRET:
        raise AzureError("invalid_client", "AADSTS7000215: Invalid client secret provided. (sandbox)", 401)
    now = int(time.time())
    claims = {"aud": form.get("scope", ""), "iss": f"{url}/{tenant}/v2.0", "tid": tenant, "appid": CLIENT_ID,
              "oid": CLIENT_ID, "iat": now, "nbf": now, "exp": now + LIFETIME}  # fmt: skip
    parts = ({"typ": "JWT", "alg": "HS256"}, claims)
    spelled = ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts)
    return ok({"token_type": "Bearer", "expires_in": LIFETIME, "ext_expires_in": LIFETIME,
               "access_token": f"{spelled}.c2FuZGJveA"})  # fmt: skip
