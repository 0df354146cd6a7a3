"""The Resource Manager's calls of jobs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from automl_bridge_azure.sandbox.account import resource
from automl_bridge_azure.sandbox.arm import checked, later
from automl_bridge_azure.sandbox.automl import AutoMLJob
from automl_bridge_azure.sandbox.calls import Call, route
from automl_bridge_azure.sandbox.command import CommandJob
from automl_bridge_azure.sandbox.errors import no_content, not_found, ok, user_error
from automl_bridge_azure.sandbox.jobs import CANCEL_SECONDS
from automl_bridge_azure.sandbox.request import Request
from automl_bridge_azure.sandbox.runs import TERMINAL

if TYPE_CHECKING:
    from automl_bridge_azure.sandbox.errors import Answer

__all__ = ["ROUTES"]

NAME = re.compile(r"[A-Za-z0-9][\w-]{0,254}")
MAX_TAGS, MAX_KEY, MAX_VALUE, MAX_WORDS = 50, 100, 1000, 5000
# The words of MicrosoftDocs/azure-docs#122250, which the SDK raised as it does for status 400.
EXISTS = (
    "A job with this name already exists. If you are trying to create a new job, use a different name. If you are "
    "trying to update an existing job, the existing job's {} cannot be changed. Only description, tags, displayName, "
    "properties, and isArchived can be updated."
)


def _put(call: Call) -> Answer:
    name, world = call.names["name"], call.world
    body = checked(call, "JobBase")["properties"]
    _check_names(name, body)
    existing = world.jobs.get(name)
    if existing is not None:
        if not existing.same(body):
            raise user_error(EXISTS.format("Settings,  Inputs,  Outputs"))
        existing.update(body)
        return ok(existing.to_json())
    if name in world.runs:
        raise user_error(EXISTS.format("Settings,  Inputs,  Outputs"))
    kinds = {"AutoML": AutoMLJob, "Command": CommandJob}
    kind = kinds.get(body["jobType"])
    if kind is None:
        raise user_error(f"The sandbox does no jobs of type {body['jobType']}.")
    if kind is AutoMLJob:
        wrong = list(Request(body).wrong())
        if wrong:
            raise user_error("One or more fields are invalid.", *wrong)
    job: Any = kind(name, body, world)
    world.begin(job)
    return ok(job.to_json(), 201)


def _check_names(name: str, body: dict[str, Any]) -> None:
    if not NAME.fullmatch(name):
        raise user_error(f"The job name '{name}' is to be 1 to 255 letters, digits, dashes and underscores.")
    tags = body.get("tags") or {}
    if len(tags) > MAX_TAGS:
        raise user_error(f"{len(tags)} tags; at most {MAX_TAGS} are allowed.")
    for key, value in tags.items():
        if len(key) > MAX_KEY or len(str(value)) > MAX_VALUE:
            raise user_error(f"The tag '{key[:100]}' is too long: {MAX_KEY} characters a key, {MAX_VALUE} a value.")
    for field, most in (("displayName", 256), ("experimentName", 256), ("description", MAX_WORDS)):
        if len(body.get(field) or "") > most:
            raise user_error(f"{field} has more than {most} characters.")


def _get(call: Call) -> Answer:
    name = call.names["name"]
    if name in call.world.jobs:
        return ok(call.world.jobs[name].to_json())
    if name in call.world.runs:  # a child: run history has it, Resource Manager its name only
        return ok({**resource("jobs", name, {}), "properties": None})
    raise not_found("job", name)


def _list(call: Call) -> Answer:
    query, world = call.query, call.world
    view, tag, kind = query.get("listviewtype", "ActiveOnly"), query.get("tag"), query.get("jobtype")
    jobs = sorted(world.jobs.values(), key=lambda job: -job.number)
    if view != "All":
        jobs = [job for job in jobs if job.run.hidden is (view == "ArchivedOnly")]
    if kind:
        jobs = [job for job in jobs if job.properties["jobType"] == kind]
    if tag:  # the key alone counts, whatever value follows it
        jobs = [job for job in jobs if tag.partition("=")[0] in job.run.tags]
    if query.get("properties"):
        key, _, value = query["properties"].partition("=")
        jobs = [job for job in jobs if job.run.properties.get(key) == value]
    before, size = int(query.get("skip") or 0), int(world.setting("job_page"))
    # The marker is a job's number: what is submitted meanwhile moves nothing.
    page = [job for job in jobs if not before or job.number < before][: size + 1]
    answer: dict[str, Any] = {"value": [job.to_json() for job in page[:size]]}
    if len(page) > size:
        kept = "&".join(part for part in call.environ.get("QUERY_STRING", "").split("&")
                        if part and not part.lower().startswith(("$skip", "%24skip")))  # fmt: skip
        answer["nextLink"] = f"{world.url}{quote(call.environ['PATH_INFO'])}?{kept}&$skip={page[size - 1].number}"
    return ok(answer)


def _cancel(call: Call) -> Answer:
    name, world = call.names["name"], call.world
    if name not in world.jobs:
        raise not_found("job", name)
    job = world.jobs[name]
    if job.status in TERMINAL:
        return no_content(200)
    job.cancel(world.clock.time())
    return no_content(202, later(world, CANCEL_SECONDS))


def _delete(call: Call) -> Answer:
    name, world = call.names["name"], call.world
    if name not in world.jobs:
        return no_content(204)
    if world.jobs[name].status not in TERMINAL:
        raise user_error(f"The job '{name}' is not in a terminal state; cancel it first.", status=409)
    world.forget(name)
    return no_content(202, later(world, 5.0))


ROUTES = [
    route("jobs.CreateOrUpdate", "PUT", "ws:/jobs/{name}", _put),
    route("jobs.Get", "GET", "ws:/jobs/{name}", _get),
    route("jobs.List", "GET", "ws:/jobs", _list),
    route("jobs.Cancel", "POST", "ws:/jobs/{name}/cancel", _cancel),
    route("jobs.Delete", "DELETE", "ws:/jobs/{name}", _delete),
]
