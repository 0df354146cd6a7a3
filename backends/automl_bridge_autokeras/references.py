"""Functions of the user's that run in the worker process: how they are named, sent and loaded. No pickle.

=====================================  ==========================================================================
given as                               kept as, and what the worker does with it
=====================================  ==========================================================================
``"package.module:name"``              the same; the worker imports it (the caller's ``sys.path`` is handed on)
``"folder/file.py:name"``              the absolute path; the worker runs the file as a module
a function of a module                 ``"module:name"``
a function of ``python -m module``     ``"module:name"``
a function of the script itself        ``{"source": …, "name": …}``: the script's imports, definitions and plain
                                       assignments as text; its other statements do not run again
a function of a notebook               ``{"source": …, "name": …}``: the function's own text, so it has to import
                                       what it uses
=====================================  ==========================================================================

Text can be read and compared, and is the same when a search is resumed later. A lambda or a function that depends on
variables around it has no such text, and is refused.
"""

from __future__ import annotations

import ast
import hashlib
import importlib
import importlib.util
import inspect
import json
import re
import sys
import textwrap
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

from automl_bridge.errors import UsageError

__all__ = ["Reference", "digest_of", "exists", "load", "reference", "words"]

Reference = str | dict[str, Any]
"""A function, as JSON."""

_NAMED = re.compile(r"(?P<place>.+?):(?P<name>[A-Za-z_][A-Za-z0-9_.]*)")
_KEPT = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_HINT = 'name it as "module:function" or "file.py:function", or define it at the top level of a file'
_loaded: dict[str, str] = {}
"""Modules that this process has imported for a reference, and the digest that they had then."""


def reference(value: object) -> object:
    """Return the `Reference` of a function or a class; anything that is one already comes back as it is.

    Raises
    ------
    ValueError
        If it cannot be named: a lambda, a nested function, a bound method.
    """
    if isinstance(value, str):
        return _absolute(value)
    if not isinstance(value, FunctionType | type):
        return value
    name = value.__qualname__
    if "<" in name or getattr(value, "__closure__", None):
        raise ValueError(f"{name} depends on where it was defined and cannot run in another process; {_HINT}")
    if value.__module__ != "__main__":
        return f"{value.__module__}:{name}"
    spec = getattr(sys.modules["__main__"], "__spec__", None)
    if spec is not None:  # begun as python -m package.module
        return f"{spec.name}:{name}"
    file = getattr(sys.modules["__main__"], "__file__", None)
    if file is not None and Path(file).suffix == ".py":
        return {"source": _definitions(Path(file).read_text(encoding="utf-8")), "name": name}
    try:
        return {"source": textwrap.dedent(inspect.getsource(value)), "name": name}
    except (OSError, TypeError):
        raise ValueError(f"the text of {name} cannot be found; {_HINT}") from None


def words(given: Reference) -> str:
    """Return how to speak of a function."""
    return given if isinstance(given, str) else str(given.get("name", "a graph"))


def exists(given: Reference) -> bool:
    """Whether there is such a module or file; nothing but packages around a module is imported."""
    if not isinstance(given, str):
        return True
    place, _ = _parts(given)
    try:
        return Path(place).is_file() if _is_file(place) else importlib.util.find_spec(place) is not None
    except (ImportError, ValueError):
        return False


def digest_of(given: Reference) -> str:
    """Return a digest of a function's name and of the text that it stands in, as far as that can be read."""
    if not isinstance(given, str):
        content = json.dumps(given, sort_keys=True).encode()
    else:
        place, _ = _parts(given)
        file = place if _is_file(place) else getattr(importlib.util.find_spec(place), "origin", None)
        content = given.encode()
        if file is not None and Path(file).is_file():
            content += Path(file).read_bytes()
    return hashlib.sha256(content).hexdigest()[:16]


def load(given: Reference, digest: str = "") -> Any:
    """Return the function; runs the user's code.

    Parameters
    ----------
    given
        Its reference.
    digest
        What `digest_of` returned when the job was planned: a module that changed since it was loaded is loaded anew.

    Raises
    ------
    UsageError
        If there is no such module, file or name.
    """
    if not isinstance(given, str):
        module, name = _run(given["source"], f"<{given['name']}>"), given["name"]
    else:
        place, name = _parts(given)
        try:
            module = _run_file(Path(place)) if _is_file(place) else _import(place, digest)
        except (ImportError, OSError) as error:
            raise UsageError(f"{given} cannot be loaded: {error}", hint=_HINT) from error
    found: Any = module
    for part in name.split("."):
        if not hasattr(found, part):
            raise UsageError(f'there is no "{name}" in {words(given)}', hint=_HINT)
        found = getattr(found, part)
    return found


def _absolute(given: str) -> str:
    place, name = _parts(given)
    return f"{Path(place).expanduser().absolute()}:{name}" if _is_file(place) else given


def _parts(given: str) -> tuple[str, str]:
    found = _NAMED.fullmatch(given.strip())
    if found is None:
        raise ValueError(f'"{given}" names no function; {_HINT}')
    return found["place"], found["name"]


def _is_file(place: str) -> bool:
    return place.endswith(".py")


def _definitions(source: str) -> str:
    """Return the imports, definitions and plain assignments of a script."""
    kept = []
    for statement in ast.parse(source).body:
        value = getattr(statement, "value", None)
        plain = isinstance(statement, ast.Assign | ast.AnnAssign) and not any(
            isinstance(node, ast.Call | ast.Await) for node in ast.walk(value or statement)
        )
        if plain or isinstance(statement, _KEPT):
            kept.append(statement)
    return ast.unparse(ast.Module(kept, []))


def _run(source: str, name: str) -> ModuleType:
    import linecache

    module = ModuleType("automl_bridge_search_space")
    # So that tracebacks show its lines.
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    sys.modules[module.__name__] = module
    exec(compile(source, name, "exec"), module.__dict__)  # noqa: S102 - running the user's function is the purpose
    return module


def _run_file(path: Path) -> ModuleType:
    return _run(path.read_text(encoding="utf-8"), str(path))


def _import(name: str, digest: str) -> ModuleType:
    known = name in sys.modules
    module = importlib.import_module(name)
    if known and _loaded.get(name, digest) != digest:
        module = importlib.reload(module)
    _loaded[name] = digest
    return module
