"""The SDK's clients, made when they are first needed. Credentials and addresses are the SDK's own business."""

from __future__ import annotations

import os
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from automl_bridge.errors import ConfigError, RejectedError
from automl_bridge_azure import cloud
from automl_bridge_azure.errors import status_of, translated
from automl_bridge_azure.login import Login, quiet
from automl_bridge_azure.rest import Rest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from automl_bridge_azure.cloud import Cloud
    from automl_bridge_azure.settings import AzureSettings

__all__ = ["AGENT", "PATIENCE", "UPLOADS", "Clients", "Workspace"]

UPLOADS = 4
"""Objects that are sent at the same time."""
PATIENCE: dict[str, Any] = {"connection_timeout": 10, "read_timeout": 60}
"""Seconds until a call is given up; the SDK's own are five minutes each."""
ONCE: dict[str, Any] = {"retry_total": 0, **PATIENCE}
"""For what the SDK's clients do: a failed call is the engine's to repeat, which has the patience and says so. They
would sleep for as long as the service's ``Retry-After`` says, whatever waits for them."""
AGENT = "automl-bridge"

_AUTHORITY = "AZURE_AUTHORITY_HOST"
_MICROSOFT = ("login.microsoftonline.com", "login.microsoftonline.us", "login.chinacloudapi.cn")


class Workspace(NamedTuple):
    """What there is to know of the workspace: region, and the address of its data plane."""

    region: str
    api: str


class Clients:
    """Clients of one workspace; safe to use from several threads once made."""

    def __init__(self, settings: AzureSettings) -> None:
        self.settings = settings
        self._containers: dict[str, Any] = {}

    @cached_property
    def cloud(self) -> Cloud:
        """Where the services are."""
        return cloud.current()

    @cached_property
    def credential(self) -> Any:
        """azure-identity's chain: environment, workload and managed identity, ``az login``, and so on.

        The authority is that of ``AZURE_AUTHORITY_HOST``, else the cloud's. One that is not Microsoft's is not looked
        up with Microsoft first (instance discovery), as disconnected clouds need it.
        """
        options: dict[str, Any] = {}
        host = os.environ.get(_AUTHORITY) or self.cloud.authority
        if host is not None:
            bare = host.removeprefix("https://").rstrip("/")
            options["authority"] = f"https://{bare}"
            if bare not in _MICROSOFT:
                options["disable_instance_discovery"] = True
        with translated("looking for credentials"):
            return Login(**options, **ONCE)

    @cached_property
    def ml(self) -> Any:
        """``MLClient``: jobs, datastores, computes, workspaces."""
        # They tell of every class and field of the SDK's own that is experimental, whether it is used or not.
        for name in ("azure.ai.ml._utils._experimental", "azure.ai.ml._schema.core.fields"):
            quiet(name)
        from azure.ai.ml import MLClient

        settings = self.settings
        settings.require()
        where: dict[str, Any] = {"cloud": self.cloud.name}
        if self.cloud.metadata is not None:
            where["cloud_metadata"] = self.cloud.metadata
        with translated("connecting to the workspace"):
            return MLClient(
                self.credential,
                settings.subscription_id,
                settings.resource_group,
                settings.workspace,
                show_progress=False,
                enable_telemetry=False,
                **where,
                **ONCE,
            )

    @cached_property
    def rest(self) -> Rest:
        """Plain requests to Resource Manager and the data plane, with the same credential."""
        return Rest(self.credential, self.cloud.scope)

    @cached_property
    def workspace(self) -> Workspace:
        """Region and data plane of the workspace.

        Raises
        ------
        ConfigError
            If there is no such workspace.
        """
        name = self.settings.workspace
        try:
            with translated(f"looking for the workspace {name}"):
                found = self.ml.workspaces.get(name)
        except Exception as error:
            if status_of(error.__cause__ or error) != 404:
                raise
            raise ConfigError(
                f"there is no workspace {name} in the resource group {self.settings.resource_group}",
                hint="check subscription_id, resource_group and workspace",
            ) from error
        # The discovery address answers without a token where the workspace's parts are.
        services: Mapping[str, str] = self.rest.get(str(found.discovery_url), {}, anonymous=True)
        if not services.get("api"):
            raise RejectedError(f"the workspace {name} does not say where its data plane is")
        return Workspace(str(found.location), services["api"].rstrip("/"))

    def arm(self, path: str) -> str:
        """Return the address of something in the workspace at Resource Manager."""
        return f"{self.cloud.resource_manager}{self.settings.workspace_id}/{path}"

    def data_plane(self, service: str, path: str) -> str:
        """Return an address of the workspace's data plane: ``history/v1.0`` or ``mlflow/v2.0``."""
        return f"{self.workspace.api}/{service}{self.settings.workspace_id}/{path}"

    def container(self, datastore: str) -> Any:
        """Return the client of a blob datastore's container.

        A datastore that holds a key or a signature is read with it, as the SDK does; one without, or whose secret
        this caller may not see, with the caller's own token.
        """
        if datastore not in self._containers:
            self._containers[datastore] = self._container(datastore)
        return self._containers[datastore]

    def _container(self, datastore: str) -> Any:
        from azure.ai.ml.entities import AzureBlobDatastore
        from azure.storage.blob import ContainerClient, LinearRetry

        held, secret = self._datastore(datastore)
        if not isinstance(held, AzureBlobDatastore):
            raise ConfigError(
                f"the datastore {datastore} is no blob datastore", hint="set datastore to one that is (azure_blob)"
            )
        return ContainerClient(
            f"https://{held.account_name}.blob.{self.cloud.storage}",
            held.container_name,
            credential=secret or self.credential,
            # Twice, within a second each: the SDK's own first wait is fifteen.
            retry_policy=LinearRetry(backoff=0, random_jitter_range=1, retry_total=2),
            user_agent=AGENT,
            **PATIENCE,
        )

    def _datastore(self, name: str) -> tuple[Any, Any]:
        """Return a datastore and the credential that it holds; None for that of the caller."""
        from azure.core.credentials import AzureNamedKeyCredential, AzureSasCredential

        with translated(f"reading the datastore {name}"):
            try:
                held = self.ml.datastores.get(name, include_secrets=True)
            except Exception as error:
                if status_of(error) != 403:
                    raise
                return self.ml.datastores.get(name), None
        key = getattr(held.credentials, "account_key", None)
        signature = getattr(held.credentials, "sas_token", None)
        if key:
            return held, AzureNamedKeyCredential(held.account_name, key)
        return held, AzureSasCredential(signature) if signature else None
