"""Where everything lies in the bucket. All of it follows from the JobSpec, so any process finds what another left.

::

    <prefix>/data/<key>/features.json            types of the columns, as the service reads them
    <prefix>/data/<key>/<part>/part-00000.…      staged rows; <key> is a digest of what they are
    <prefix>/data/<key>/<part>.json              written last: how many objects and rows, digest of the split
    <prefix>/data/<key>/pictures/<digest>.png    pictures, which the manifests of the parts name
    <prefix>/jobs/<name>/plan.json               the plan of a job, written before the job exists
    <prefix>/jobs/<name>/output/                 what the service writes for it
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from automl_bridge.cloud.layout import Location, data_key
from automl_bridge.task import Task

if TYPE_CHECKING:
    from automl_bridge.spec import JobSpec
    from automl_bridge_sagemaker.settings import SageMakerSettings

__all__ = ["data_form", "data_location", "job_location", "output_location", "root"]

LAYOUT_VERSION = 1
"""Changes when the staged bytes of the same data would: an old layout is never mistaken for a new one."""


def root(settings: SageMakerSettings) -> Location:
    """Return the folder of everything of this tool."""
    # Without a bucket a plan can still be made and shown; nothing can be sent to this name.
    return Location(settings.bucket or "BUCKET-NOT-SET", settings.prefix.strip("/") + "/")


def data_form(spec: JobSpec, settings: SageMakerSettings) -> str:
    """Return how the data of a job are written: ``csv``, ``parquet`` or ``images``."""
    if spec.task is Task.IMAGE_CLASSIFICATION:
        return "images"
    # Stamps of series are documented as text only.
    plain = spec.kind == "predict" or spec.task is Task.FORECASTING
    return "csv" if plain else settings.data_format


def data_location(spec: JobSpec, settings: SageMakerSettings) -> Location:
    """Return the folder of the staged rows of ``spec``: the same data, split alike, lies in the same one."""
    return root(settings) / "data" / data_key(spec, version=LAYOUT_VERSION, form=data_form(spec, settings))


def job_location(name: str, settings: SageMakerSettings) -> Location:
    """Return the folder of the job ``name``."""
    return root(settings) / "jobs" / name


def output_location(name: str, settings: SageMakerSettings) -> Location:
    """Return the folder that the service writes to for the job ``name``."""
    return job_location(name, settings) / "output"
