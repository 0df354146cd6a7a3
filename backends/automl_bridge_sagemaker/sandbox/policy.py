"""IAM in small: whether a policy document grants an action on a resource.

Identity policies: Allow and Deny, Action and NotAction, Resource and NotResource, and the conditions below.
A condition that is not known here never holds for an Allow and always for a Deny, so nothing is granted by
accident (evaluation logic: IAM User Guide, "Policy evaluation logic").
"""

from __future__ import annotations

import fnmatch
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["granted"]


def _same(value: str, wanted: str) -> bool:
    return value == wanted


def _same_folded(value: str, wanted: str) -> bool:
    return value.lower() == wanted.lower()


TESTS: dict[str, Callable[[str, str], bool]] = {
    "StringEquals": _same,
    "StringEqualsIgnoreCase": _same_folded,
    "StringLike": fnmatch.fnmatchcase,
    "ArnEquals": fnmatch.fnmatchcase,
    "ArnLike": fnmatch.fnmatchcase,
    "Bool": _same_folded,
}


def granted(document: Mapping[str, Any], action: str, resource: str, context: Mapping[str, str]) -> bool:
    """Whether ``document`` allows ``action`` (``service:Name``) on ``resource`` and no statement denies it.

    ``context`` holds condition keys with their values: ``iam:PassedToService``, ``aws:RequestTag/…``.
    """
    statements = _listed(document.get("Statement", []))
    matching = [s for s in statements if _covers(s, "Action", action, fold=True) and _covers(s, "Resource", resource)]
    denied = any(s.get("Effect") == "Deny" and _holds(s, context, unknown=True) for s in matching)
    return not denied and any(s.get("Effect") == "Allow" and _holds(s, context, unknown=False) for s in matching)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _covers(statement: Mapping[str, Any], key: str, value: str, *, fold: bool = False) -> bool:
    def match(patterns: Any) -> bool:
        texts = [str(pattern) for pattern in _listed(patterns)]
        if fold:
            return any(fnmatch.fnmatchcase(value.lower(), text.lower()) for text in texts)
        return any(fnmatch.fnmatchcase(value, text) for text in texts)

    if key in statement:
        return match(statement[key])
    return f"Not{key}" in statement and not match(statement[f"Not{key}"])


def _holds(statement: Mapping[str, Any], context: Mapping[str, str], *, unknown: bool) -> bool:
    for operator, wanted in statement.get("Condition", {}).items():
        test = TESTS.get(operator.removesuffix("IfExists"))
        if test is None:
            return unknown
        for key, values in wanted.items():
            if key not in context:
                if operator.endswith("IfExists"):
                    continue
                return False
            if not any(test(context[key], str(value)) for value in _listed(values)):
                return False
    return True
