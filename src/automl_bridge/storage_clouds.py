"""The object stores of the clouds: where each takes its endpoint and its credentials from.

=============  ====================================================================================================
address        endpoint and credentials
=============  ====================================================================================================
s3://BUCKET/…  ``AWS_ENDPOINT_URL_S3``, ``AWS_ENDPOINT_URL``, ``AWS_REGION``, ``AWS_DEFAULT_REGION``,
               ``AWS_ACCESS_KEY_ID`` …; without keys in the environment boto3's chain (profiles, SSO, roles), if it
               is installed
gs://BUCKET/…  ``STORAGE_EMULATOR_HOST`` (then unsigned); else ``GOOGLE_APPLICATION_CREDENTIALS``,
               ``GOOGLE_SERVICE_ACCOUNT_KEY`` …, gcloud's login
az://BOX/…     container ``BOX`` of ``AZURE_STORAGE_CONNECTION_STRING``; else of ``AZURE_STORAGE_ACCOUNT_NAME`` with
               ``AZURE_STORAGE_ACCOUNT_KEY``, ``AZURE_STORAGE_SAS_TOKEN`` … and ``AZURE_STORAGE_ENDPOINT``, if it is
               not Azure's own; without a key the Azure CLI's login
=============  ====================================================================================================

With keys or an emulator in the environment no metadata server is asked for credentials; without them those of AWS and
Google are, unless ``AWS_EC2_METADATA_DISABLED=true`` or ``NO_GCE_CHECK=true`` says no, and Azure's only where
``AZURE_MSI_ENDPOINT`` names it.

Of fake-gcs-server objects can be read, listed and deleted; to write them it wants Google's JSON interface, and obstore
speaks the XML one. It must keep its default ``-public-host``.
"""

from __future__ import annotations

import importlib
import json
import os
import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

from automl_bridge.errors import CredentialsError

__all__ = ["azure_store", "gcs_store", "s3_store"]

_GCS_HOST = "storage.googleapis.com"
_RETRIES: Any = {"max_retries": 4, "retry_timeout": timedelta(seconds=30)}
# Variables that obstore takes credentials from by itself: with one of them it asks no metadata server.
_S3_CREDENTIALS = (
    "AWS_ACCESS_KEY_ID",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_SKIP_SIGNATURE",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
)
_GCS_CREDENTIALS = (
    "GOOGLE_APPLICATION_CREDENTIALS",
    "GOOGLE_BEARER_TOKEN",
    "GOOGLE_SERVICE_ACCOUNT",
    "GOOGLE_SERVICE_ACCOUNT_KEY",
    "GOOGLE_SERVICE_ACCOUNT_PATH",
    "GOOGLE_SKIP_SIGNATURE",
)
_AZURE_CREDENTIALS = (
    "AZURE_CLIENT_SECRET",
    "AZURE_FEDERATED_TOKEN_FILE",
    "AZURE_IDENTITY_ENDPOINT",
    "AZURE_MSI_ENDPOINT",
    "AZURE_SKIP_SIGNATURE",
    "AZURE_STORAGE_ACCESS_KEY",
    "AZURE_STORAGE_ACCOUNT_KEY",
    "AZURE_STORAGE_CLIENT_SECRET",
    "AZURE_STORAGE_MASTER_KEY",
    "AZURE_STORAGE_SAS_KEY",
    "AZURE_STORAGE_SAS_TOKEN",
    "AZURE_STORAGE_TOKEN",
    "AZURE_USE_AZURE_CLI",
)


def s3_store(bucket: str) -> Any:
    """Return obstore's store for the bucket; `CredentialsError` if there are no credentials to be had."""
    from obstore.store import S3Store

    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    config: Any = {"region": region}
    if endpoint:
        config["endpoint"] = endpoint
    held = _any_set(_S3_CREDENTIALS)
    provider = None if held else _boto3_credentials()
    if not held and not provider and _is_on("AWS_EC2_METADATA_DISABLED"):
        raise CredentialsError(
            f"no credentials for s3://{bucket}",
            hint="set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or install boto3 for the profiles of the AWS CLI",
        )
    return S3Store(
        bucket,
        config=config,
        client_options={"allow_http": bool(endpoint and endpoint.startswith("http://"))},
        retry_config=_RETRIES,
        credential_provider=provider,
    )


def _boto3_credentials() -> Any:
    """Ask boto3's chain, where it is installed; it is no dependency of this package."""
    try:
        session = importlib.import_module("boto3").Session()
        provider = importlib.import_module("obstore.auth.boto3").Boto3CredentialProvider
    except ImportError:
        return None
    return provider(session) if session.get_credentials() else None


def gcs_store(bucket: str) -> Any:
    """Return obstore's store for the bucket, of Google or of an emulator; `CredentialsError` if none are to be had."""
    from obstore.store import GCSStore

    host = os.environ.get("STORAGE_EMULATOR_HOST")
    if host:
        host = (host if "://" in host else f"http://{host}").rstrip("/")
        # With ``skip_signature`` a write would ask the metadata server for a token; with ``disable_oauth`` none does.
        account = {"gcs_base_url": host, "disable_oauth": True, "client_email": "", "private_key": ""}
        return GCSStore(
            bucket,
            config={"service_account_key": json.dumps({**account, "private_key_id": ""})},
            # fake-gcs-server has buckets and objects under Google's own host name, unless told another.
            client_options={"allow_http": host.startswith("http://"), "default_headers": {"Host": _GCS_HOST}},
            retry_config=_RETRIES,
        )
    if not _any_set(_GCS_CREDENTIALS) and not _gcloud_login().is_file() and _is_on("NO_GCE_CHECK"):
        raise CredentialsError(
            f"no credentials for gs://{bucket}",
            hint="run `gcloud auth application-default login`, or name a key file in GOOGLE_APPLICATION_CREDENTIALS",
        )
    return GCSStore(bucket, retry_config=_RETRIES)


def _gcloud_login() -> Path:
    """Where gcloud keeps its login, and obstore looks for it."""
    folder = os.environ.get("APPDATA", "~") if os.name == "nt" else "~/.config"
    return Path(folder).expanduser() / "gcloud" / "application_default_credentials.json"


def azure_store(container: str) -> Any:
    """Return obstore's store for the container; `CredentialsError` if account or credentials are not to be had."""
    from obstore.store import AzureStore

    config = _azure_config()
    emulator = bool(config.get("use_emulator")) or _is_on("AZURE_STORAGE_USE_EMULATOR")
    if not emulator and not (config.get("account_name") or _any_set(("AZURE_STORAGE_ACCOUNT_NAME",))):
        raise CredentialsError(
            f"no storage account for az://{container}",
            hint="set AZURE_STORAGE_ACCOUNT_NAME, or AZURE_STORAGE_CONNECTION_STRING",
        )
    if not emulator and not config.keys() & {"account_key", "sas_key"} and not _any_set(_AZURE_CREDENTIALS):
        if not shutil.which("az"):
            raise CredentialsError(
                f"no credentials for az://{container}",
                hint="set AZURE_STORAGE_ACCOUNT_KEY or AZURE_STORAGE_CONNECTION_STRING, or log in with the Azure CLI",
            )
        config["use_azure_cli"] = True
    endpoint = config.get("endpoint") or os.environ.get("AZURE_STORAGE_ENDPOINT") or os.environ.get("AZURE_ENDPOINT")
    plain = emulator or str(endpoint).startswith("http://")
    return AzureStore(container, config=config, client_options={"allow_http": plain}, retry_config=_RETRIES)


def _azure_config() -> Any:
    """Return what ``AZURE_STORAGE_CONNECTION_STRING`` says; obstore reads the other variables, but not this one."""
    held = os.environ.get("AZURE_STORAGE_CONNECTION_STRING", "")
    # Base64 keys end in "=": only the first one separates.
    pairs = dict(part.strip().split("=", 1) for part in held.split(";") if "=" in part)
    if pairs.get("UseDevelopmentStorage", "").lower() == "true":
        return {"use_emulator": True}
    names = {
        "AccountName": "account_name",
        "AccountKey": "account_key",
        "SharedAccessSignature": "sas_key",
        "BlobEndpoint": "endpoint",
    }
    config = {names[key]: value for key, value in pairs.items() if key in names}
    if "EndpointSuffix" in pairs and "AccountName" in pairs:
        config.setdefault("endpoint", f"https://{pairs['AccountName']}.blob.{pairs['EndpointSuffix']}")
    return config


def _any_set(names: tuple[str, ...]) -> bool:
    return any(os.environ.get(name) for name in names)


def _is_on(name: str) -> bool:
    return os.environ.get(name, "").lower() == "true"
