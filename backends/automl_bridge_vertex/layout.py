"""Where everything lies in the bucket. All of it follows from the JobSpec, so any process finds what another left.

::

    <prefix>/data/<key>/<part>/part-00000.csv    staged rows; <key> is a digest of what they are
    <prefix>/data/<key>/<part>.json              written last: how many objects and rows, digest of the split
    <prefix>/data/<key>/images/<digest>.png      images, by their content; their lists lie in <part>/
    <prefix>/jobs/<name>/plan.json               the plan of a job, written before the job exists
    <prefix>/jobs/<name>/made/<kind>-<n>.json    what was about to be made, and the operation that makes it
    <prefix>/jobs/<name>/input/                  rows to predict: they go with the job, so no other one reads them
    <prefix>/jobs/<name>/output/                 what the service writes for it
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from automl_bridge.cloud.layout import Location, data_key

if TYPE_CHECKING:
    from automl_bridge.spec import JobSpec
    from automl_bridge_vertex.settings import VertexSettings

__all__ = ["data_location", "input_location", "job_location", "root"]

LAYOUT_VERSION = 1
"""Changes when the staged bytes of the same data would: an old layout is never mistaken for a new one."""


def root(settings: VertexSettings) -> Location:
    """Return the folder of everything of this tool."""
    # Without a bucket a plan can still be made and shown; nothing can be sent to this name.
    return Location(settings.bucket or "BUCKET-NOT-SET", settings.prefix.strip("/") + "/", "gs")


def data_location(spec: JobSpec, settings: VertexSettings) -> Location:
    """Return the folder of the staged rows of ``spec``: the same data, split alike, lies in the same one."""
    return root(settings) / "data" / data_key(spec, version=LAYOUT_VERSION, form=f"vertex-{spec.task}")


def job_location(name: str, settings: VertexSettings) -> Location:
    """Return the folder of the job ``name``."""
    return root(settings) / "jobs" / name


def input_location(spec: JobSpec, settings: VertexSettings) -> Location:
    """Return the folder of the rows that a predict job reads."""
    return job_location(spec.name, settings) / "input"
