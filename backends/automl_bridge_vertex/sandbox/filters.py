"""Filters of lists, in the grammar that the requests document."""

from __future__ import annotations

import fnmatch
import re
from datetime import datetime
from typing import TYPE_CHECKING, Any

from automl_bridge_vertex.sandbox.errors import RpcError, invalid

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["parse_filter", "snake", "value_of"]

TOKEN = re.compile(r'\s*(?:(\()|(\))|("(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\')|(!=|<=|>=|[=<>:])|([^\s()=!<>:"\']+))')


def parse_filter(text: str, fields: frozenset[str]) -> Callable[[Any], bool]:
    """Read a filter.

    ``OR`` binds less than ``AND``, which may be left out; ``NOT`` or ``-`` turns a term round. Comparisons are
    ``= != < <= > >=`` and ``:`` (has, with ``*`` as wildcard); ``labels.key=value``, ``labels.key:*``, ``labels:key``.

    Raises
    ------
    RpcError
        INVALID_ARGUMENT for what cannot be read, or a field that cannot be filtered by.
    """
    return Expression(text, fields).parse()


class Expression:
    """A filter on its way from text to a test of messages."""

    def __init__(self, text: str, fields: frozenset[str]) -> None:
        self._text = text
        self._fields = fields
        self._tokens = self._split()
        self._at = 0

    def parse(self) -> Callable[[Any], bool]:
        """Return the test."""
        test = self._any()
        if self._at != len(self._tokens):
            raise self._error()
        return test

    def _split(self) -> list[tuple[str, str]]:
        found, at = [], 0
        kinds = ("(", ")", "text", "operator", "word")
        while self._text[at:].strip():
            match = TOKEN.match(self._text, at)
            if match is None:
                raise self._error()
            place = next(n for n, group in enumerate(match.groups()) if group is not None)
            found.append((kinds[place], match.groups()[place]))
            at = match.end()
        return found

    def _error(self) -> RpcError:
        return invalid(f"Invalid filter: {self._text}")

    def _peek(self, kind: str, *words: str) -> bool:
        if self._at >= len(self._tokens):
            return False
        held, word = self._tokens[self._at]
        return held == kind and (not words or word in words)

    def _take(self, kind: str) -> str:
        if not self._peek(kind):
            raise self._error()
        self._at += 1
        return self._tokens[self._at - 1][1]

    def _any(self) -> Callable[[Any], bool]:
        tests = [self._all()]
        while self._peek("word", "OR"):
            self._at += 1
            tests.append(self._all())
        return lambda row: any(test(row) for test in tests)

    def _all(self) -> Callable[[Any], bool]:
        tests = [self._term()]
        while self._at < len(self._tokens) and not self._peek(")") and not self._peek("word", "OR"):
            if self._peek("word", "AND"):
                self._at += 1
            tests.append(self._term())
        return lambda row: all(test(row) for test in tests)

    def _term(self) -> Callable[[Any], bool]:
        if self._peek("word", "NOT"):
            self._at += 1
            turned = self._term()
            return lambda row: not turned(row)
        if self._peek("("):
            self._at += 1
            inner = self._any()
            self._take(")")
            return inner
        return self._comparison()

    def _comparison(self) -> Callable[[Any], bool]:
        path = self._take("word")
        if path.endswith(".") and self._peek("text"):
            path += _unquote(self._take("text"))
        negated = path.startswith("-")
        path = path.removeprefix("-")
        operator = self._take("operator")
        value = _unquote(self._take("text")) if self._peek("text") else self._take("word")
        while self._peek("operator", ":"):  # a time of day is cut at its colons
            self._at += 1
            value += ":" + self._take("word")
        test = self._test(path, operator, value)
        return (lambda row: not test(row)) if negated else test

    def _test(self, path: str, operator: str, value: str) -> Callable[[Any], bool]:
        name, _, key = path.partition(".")
        if name == "labels":
            return _label_test(key, operator, value)
        name = snake(path)
        if name not in self._fields:
            raise invalid(f"Invalid filter: {self._text}. Unsupported field: {path}.")
        if operator == ":":
            pattern = value if "*" in value else f"*{value}*"
            return lambda row: fnmatch.fnmatchcase(_text(row, name), pattern)
        if operator in {"=", "!="} and not name.endswith("_time"):
            return lambda row: (_text(row, name) == value) == (operator == "=")
        if not name.endswith("_time"):
            raise invalid(f"Invalid filter: {self._text}. {path} supports no {operator}.")
        try:
            moment = datetime.fromisoformat(value).timestamp()
        except ValueError:
            raise invalid(f"Invalid filter: {self._text}. {value} is not in RFC 3339 format.") from None
        compare: dict[str, Callable[[float], bool]] = {
            "=": lambda held: held == moment, "!=": lambda held: held != moment, "<": lambda held: held < moment,
            "<=": lambda held: held <= moment, ">": lambda held: held > moment, ">=": lambda held: held >= moment,
        }  # fmt: skip
        return lambda row: compare[operator](value_of(row, name).ToMicroseconds() / 1e6)


def _label_test(key: str, operator: str, value: str) -> Callable[[Any], bool]:
    if not key:  # labels:key
        return lambda row: value in row.labels
    if operator == ":" and value == "*":
        return lambda row: key in row.labels
    if operator in {"=", ":"}:
        return lambda row: key in row.labels and row.labels[key] == value
    if operator == "!=":
        return lambda row: key not in row.labels or row.labels[key] != value
    raise invalid(f"Invalid filter: labels support no {operator}.")


def _unquote(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1])


def snake(name: str) -> str:
    """Return a field's name in snake_case; camelCase is taken too."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def value_of(row: Any, name: str) -> Any:
    """Return a field of a message; ``model`` and ``endpoint`` stand for the last part of its name."""
    if name in {"model", "endpoint", "dataset"} and not hasattr(row, name):
        return row.name.rpartition("/")[2]
    return getattr(row, name)


def _text(row: Any, name: str) -> str:
    value = value_of(row, name)
    field = row.DESCRIPTOR.fields_by_name.get(name)
    if field is not None and field.enum_type is not None:
        return str(field.enum_type.values_by_number[value].name)
    return str(value)
