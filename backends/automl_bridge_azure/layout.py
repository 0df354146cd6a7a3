"""Where everything lies in the workspace's datastore. It all follows from the JobSpec.

::

    <prefix>/data/<key>/<part>/MLTable           how the service reads the files beside it
    <prefix>/data/<key>/<part>/part-00000.…      staged rows; <key> is a digest of what they are
    <prefix>/data/<key>/<part>.json              written last: how many objects and rows, digest of the split
    <prefix>/jobs/<name>/plan.json               the plan of a job, written before the job exists
    <prefix>/jobs/<name>/predict/part-00000.…    rows to predict; in ``context`` what a forecast looks back at
    <prefix>/jobs/<name>/code/predict.py         what a predict job runs
    <prefix>/jobs/<name>/output/                 what it writes
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

from automl_bridge.cloud.layout import Location, data_key
from automl_bridge.errors import ConfigError
from automl_bridge.task import Task

if TYPE_CHECKING:
    from automl_bridge.spec import JobSpec
    from automl_bridge_azure.settings import AzureSettings

__all__ = [
    "ARTIFACTS",
    "Form",
    "aml_uri",
    "artifacts_of",
    "data_form",
    "data_location",
    "job_location",
    "place_of",
    "root",
]

Form = Literal["csv", "images", "parquet"]

LAYOUT_VERSION = 1
"""Changes when the staged bytes of the same data would: an old layout is never mistaken for a new one."""

ARTIFACTS = "workspaceartifactstore"
"""Datastore that every workspace has for what runs leave: ``ExperimentRun/dcid.<run>/``."""

_URI = re.compile(r"azureml://(?:subscriptions/.+/)?datastores/([^/]+)/paths/(.*)")


def root(settings: AzureSettings) -> Location:
    """Return the folder of everything of this tool; a `Location`'s bucket is a datastore here."""
    return Location(settings.datastore, settings.prefix.strip("/") + "/", "azureml")


def data_form(spec: JobSpec, settings: AzureSettings) -> Form:
    """Return how the rows of a training job are written."""
    if spec.task is Task.IMAGE_CLASSIFICATION:
        return "images"
    # Texts are documented as CSV only (limit azure.text.columns).
    return "csv" if spec.task is Task.TEXT_CLASSIFICATION else settings.data_format


def data_location(spec: JobSpec, settings: AzureSettings) -> Location:
    """Return the folder of the staged rows of ``spec``: the same data, split alike, lies in the same one."""
    form: str = data_form(spec, settings)
    if spec.forecast is not None:
        # Stamps are written by the clock of the zone where steps are days or longer.
        form += f" {spec.forecast.freq} {spec.forecast.zone}"
    return root(settings) / "data" / data_key(spec, version=LAYOUT_VERSION, form=form)


def job_location(name: str, settings: AzureSettings) -> Location:
    """Return the folder of the job ``name``."""
    return root(settings) / "jobs" / name


def artifacts_of(run: str) -> Location:
    """Return the folder of what a run left, its model among it."""
    return Location(ARTIFACTS, f"ExperimentRun/dcid.{run}/", "azureml")


def aml_uri(place: Location) -> str:
    """Return a folder's address as jobs take it: ``azureml://datastores/NAME/paths/…``."""
    return f"azureml://datastores/{place.bucket}/paths/{place.key}"


def place_of(uri: str) -> Location:
    """Return the folder behind an address that jobs take.

    Raises
    ------
    ConfigError
        If it is none.
    """
    found = _URI.fullmatch(uri)
    if found is None:
        raise ConfigError(f"{uri} is no address in a datastore", hint="it looks like azureml://datastores/NAME/paths/…")
    return Location(found[1], found[2], "azureml")
