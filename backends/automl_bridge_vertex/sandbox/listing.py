"""Lists: filters, order, pages."""

from __future__ import annotations

import base64
import binascii
import hashlib
from functools import partial
from typing import TYPE_CHECKING, Any

from automl_bridge_vertex.sandbox.errors import invalid
from automl_bridge_vertex.sandbox.filters import parse_filter, snake, value_of

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["page", "select"]

DEFAULT_PAGE = 100
LARGEST_PAGE = 1000


def select(
    rows: Sequence[Any], fields: frozenset[str], query: Any, *, order: frozenset[str] = frozenset()
) -> list[Any]:
    """Filter and sort messages; without ``order_by`` the newest come first.

    Parameters
    ----------
    fields
        Names that the filter may use, beside ``labels``.
    query
        The list request.
    order
        Names that ``order_by`` may use.
    """
    test = parse_filter(query.filter, fields) if query.filter.strip() else None
    kept = [row for row in rows if test is None or test(row)]
    kept.sort(key=lambda row: (row.create_time.seconds, row.create_time.nanos), reverse=True)
    for part in reversed([part.strip() for part in getattr(query, "order_by", "").split(",") if part.strip()]):
        name, _, direction = part.partition(" ")
        if snake(name) not in order or direction.strip().lower() not in {"", "asc", "desc"}:
            raise invalid(f"Invalid order_by: {part}. Supported fields: {', '.join(sorted(order)) or 'none'}.")
        kept.sort(key=partial(_sortable, name=snake(name)), reverse="desc" in direction.lower())
    return kept


def page(rows: Sequence[Any], query: Any, answer: Any, field: str, *, default: int = DEFAULT_PAGE) -> Any:
    """Fill ``answer.field`` with the page that the request asks for, and ``next_page_token`` if there are more."""
    if query.page_size < 0:
        raise invalid("page_size must not be negative.")
    size = min(query.page_size or default, LARGEST_PAGE)
    context = hashlib.sha256(f"{query.filter}|{getattr(query, 'order_by', '')}".encode()).hexdigest()[:8]
    start = _start(query.page_token, context)
    getattr(answer, field).extend(rows[start : start + size])
    if start + size < len(rows):
        answer.next_page_token = base64.urlsafe_b64encode(f"{start + size}:{context}".encode()).decode()
    return answer


def _start(token: str, context: str) -> int:
    if not token:
        return 0
    try:
        start, _, held = base64.urlsafe_b64decode(token).decode().partition(":")
        if held == context:
            return int(start)
    except (ValueError, binascii.Error):
        pass
    raise invalid("The page_token is invalid, or belongs to a request with another filter or order.")


def _sortable(row: Any, name: str) -> Any:
    value = value_of(row, name)
    return (value.seconds, value.nanos) if hasattr(value, "seconds") else str(value)
