"""Lists as SageMaker answers them: filtered, sorted, a page at a time."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any

from automl_bridge_sagemaker.sandbox.protocol import invalid

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["page", "select"]

DEFAULT_PAGE = 10


def select(
    rows: Sequence[dict[str, Any]], query: dict[str, Any], *, name: str, status: str, sort: str, order: str
) -> list[dict[str, Any]]:
    """Filter and sort summaries.

    Parameters
    ----------
    rows
        Summaries, each with ``CreationTime`` and ``LastModifiedTime`` in epoch seconds.
    query
        The request: ``NameContains``, ``StatusEquals``, ``CreationTimeAfter`` …, ``SortBy``, ``SortOrder``.
    name, status
        Keys of a summary that hold its name and its status.
    sort, order
        What the service sorts by if the request does not say.
    """
    kept = [row for row in rows if _matches(row, query, name, status)]
    by = query.get("SortBy", sort)
    key = {"Name": name, "Status": status}.get(by, by)
    kept.sort(key=lambda row: (row[key], row[name]), reverse=query.get("SortOrder", order) == "Descending")
    return kept


def _matches(row: dict[str, Any], query: dict[str, Any], name: str, status: str) -> bool:
    if "NameContains" in query and query["NameContains"].lower() not in row[name].lower():
        return False
    if "StatusEquals" in query and row.get(status) != query["StatusEquals"]:
        return False
    for stamp in ("CreationTime", "LastModifiedTime"):
        if f"{stamp}After" in query and row[stamp] <= query[f"{stamp}After"]:
            return False
        if f"{stamp}Before" in query and row[stamp] >= query[f"{stamp}Before"]:
            return False
    return True


def page(rows: Sequence[Any], query: dict[str, Any], key: str, *, default: int = DEFAULT_PAGE) -> dict[str, Any]:
    """Return the page of ``rows`` that ``query`` asks for, under ``key``, with ``NextToken`` if there are more."""
    start = 0
    if "NextToken" in query:
        try:
            start = int(base64.urlsafe_b64decode(query["NextToken"]).decode().removeprefix("from:"))
        except (ValueError, binascii.Error):
            raise invalid("Invalid NextToken") from None
    end = start + int(query.get("MaxResults", default))
    answer: dict[str, Any] = {key: list(rows[start:end])}
    if end < len(rows):
        answer["NextToken"] = base64.urlsafe_b64encode(f"from:{end}".encode()).decode()
    return answer
