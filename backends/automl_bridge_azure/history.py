"""What the workspace remembers of runs: times, machines, errors and children (run history), metrics (MLflow).

Jobs of Resource Manager have none of these. Addresses and answers are those that ``azure-ai-ml`` itself reads
(``history/v1.0``), and MLflow's own REST API, which the workspace serves ("Query & compare experiments and runs with
MLflow", how-to-track-experiments-mlflow).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from automl_bridge.errors import BackendError
from automl_bridge_azure.errors import status_of
from automl_bridge_azure.rest import HISTORY, MLFLOW

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from automl_bridge_azure.clients import Clients

__all__ = ["ENDED", "History"]

ENDED = frozenset({"Completed", "Failed", "Canceled"})
_MOST_METRICS = 1000
"""Runs a page of MLflow's search."""


class History:
    """Reads runs; metrics of runs that have ended are asked for once."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients
        self._searchable = True

    def run(self, name: str) -> dict[str, Any] | None:
        """Return a run; None if there is none of that name."""
        return self._clients.rest.find(self._clients.data_plane(HISTORY, f"runs/{name}"), {})

    def details(self, name: str) -> dict[str, Any]:
        """Return the details of a run, its environment among them; empty where they cannot be had."""
        return self._clients.rest.find(self._clients.data_plane(HISTORY, f"runs/{name}/details"), {}) or {}

    def children(self, name: str) -> list[dict[str, Any]]:
        """Return the runs of a job that ran on a machine: its children, and theirs where a sweep is in between."""
        found: dict[str, dict[str, Any]] = {}
        for child in self._listed(name):
            identifier = str(child["runId"])
            grandchildren = self._listed(identifier) if _is_sweep(child) else []
            for one in grandchildren or [child]:
                found.setdefault(str(one["runId"]), one)
        return list(found.values())

    def _listed(self, name: str) -> list[dict[str, Any]]:
        """Follow the pages to their end: by their link, or by the token that it is made of."""
        url = self._clients.data_plane(HISTORY, f"runs/{name}/children")
        runs: list[dict[str, Any]] = []
        params: dict[str, str] = {}
        step = url
        seen: set[str] = set()
        while True:
            page = self._clients.rest.get(step, params)
            runs.extend(page.get("value") or [])
            link, token = page.get("nextLink"), page.get("continuationToken")
            key = link or token
            if not key or key in seen:
                return runs
            seen.add(key)
            step, params = (link, {}) if link else (url, {"$continuationtoken": str(token)})

    def metrics(self, parent: str, experiment: str | None, runs: Iterable[str]) -> dict[str, dict[str, float]]:
        """Return the last value of every metric of the children of ``parent``, by run and name.

        One search finds those of all children; where the workspace does not serve it, each is asked for.
        """
        wanted = set(runs)
        found: dict[str, dict[str, float]] = {}
        if experiment and self._searchable:
            found = self._search(parent, experiment)
        for name in sorted(wanted - set(found)):
            answer = self._clients.rest.find(self._mlflow("runs/get"), {"run_id": name})
            if answer is not None:
                found[name] = _metrics_of(answer["run"])
        return {name: values for name, values in found.items() if name in wanted}

    def _mlflow(self, path: str) -> str:
        return self._clients.data_plane(MLFLOW, f"api/2.0/mlflow/{path}")

    def _search(self, parent: str, experiment: str) -> dict[str, dict[str, float]]:
        found: dict[str, dict[str, float]] = {}
        body: dict[str, Any] = {
            "experiment_ids": [experiment],
            "filter": f"tags.mlflow.parentRunId = '{parent}'",
            "max_results": _MOST_METRICS,
        }
        while True:
            try:
                page = self._clients.rest.post(self._mlflow("runs/search"), body)
            except BackendError as error:
                if status_of(error.__cause__ or error) not in {400, 404, 405, 501}:
                    raise
                self._searchable = False
                return found
            for run in page.get("runs") or ():
                found[str(run["info"]["run_id"])] = _metrics_of(run)
            token = page.get("next_page_token")
            if not token or token == body.get("page_token"):
                return found
            body["page_token"] = token


def _is_sweep(run: Mapping[str, Any]) -> bool:
    """Whether a child is no trial but a search of trials: images and texts have one between."""
    kind = f"{run.get('runType') or ''} {(run.get('runTypeV2') or {}).get('orchestrator') or ''}".lower()
    return str(run["runId"]).endswith("_HD") or "hyperdrive" in kind


def _metrics_of(run: Mapping[str, Any]) -> dict[str, float]:
    found = {}
    for metric in (run.get("data") or {}).get("metrics") or ():
        try:
            value = float(metric["value"])
        except (KeyError, TypeError, ValueError):
            continue
        if math.isfinite(value):
            found[str(metric["key"])] = value
    return found
