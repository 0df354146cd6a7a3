"""Where a picture's bytes come from, and what is wrong with those that are no picture."""

from __future__ import annotations

import base64
import os
import re
import unicodedata
from functools import lru_cache
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any

from automl_bridge.data.images import Seen, seen
from automl_bridge.errors import AutoMLBridgeError

if TYPE_CHECKING:
    from automl_bridge.storage import ObjectStore

__all__ = ["BadImageError", "base_of", "is_address", "read_seen"]

_MAX_BYTES = 1 << 30
"""A file of more than 1 GiB is no picture of 100 megapixels."""
_LONGEST_NAME = 64
_BASE64_STARTS = ("iVBORw0KGgo", "/9j/", "R0lGOD", "UklGR", "Qk", "SUkq", "TU0A")
"""How pictures begin in base64; paths that do are shorter."""
_ADDRESS = re.compile(r"^[a-z][a-z0-9+.-]+://", re.IGNORECASE)
_STARTS = (
    (rb"(?is)^\s*(?:<!--.*?-->\s*)?<(?:!doctype\s+html|html|head|body)", "a web page, no picture"),
    (
        rb"(?is)^\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)?(?:<!doctype\s+svg[^>]*>\s*)?<svg",
        "an SVG drawing, not pixels",
    ),
    (rb"(?s)^....ftyp(?:heic|heix|hevc|mif1|msf1)", "HEIC, which is not read: save it as JPEG or PNG"),
    (rb"^%PDF", "a PDF document, no picture"),
    (rb"^version https://git-lfs", "a pointer of Git LFS, not the file itself: git lfs pull"),
)


class BadImageError(ValueError):
    """One picture that cannot be read; its text says why."""


def is_address(text: str) -> bool:
    """Whether ``text`` is an address with a scheme, not a path."""
    return bool(_ADDRESS.match(text)) and not text.startswith("file://")


def base_of(source: Any) -> str:
    """Return the folder, or the address of one, that paths in a table are relative to; ``.`` for tables in memory."""
    if not isinstance(source, str | PathLike):
        return "."
    text = fspath(source)
    text = text.decode() if isinstance(text, bytes) else text
    if is_address(text):
        return text.rpartition("/")[0]
    local = Path(text.removeprefix("file://")).expanduser()
    return str(local if local.is_dir() else local.parent)


def read_seen(source: str | bytes, base: str) -> Seen:
    """Read one picture and bring it into the one form.

    Parameters
    ----------
    source
        Its bytes; or its path, relative to ``base``, or an address in an object store.

    Raises
    ------
    BadImageError
        If there is no such file, or it is no picture, or a damaged one, or too large.
    """
    content = source if isinstance(source, bytes) else _content(source, base)
    if not content:
        raise BadImageError("empty, 0 bytes")
    try:
        return seen(content)
    except Exception as error:  # noqa: BLE001 - Pillow raises whatever its decoders meet in damaged files
        raise BadImageError(_why(content, error)) from None


def _content(path: str, base: str) -> bytes:
    if path.startswith("data:image/") or (len(path) > _LONGEST_NAME and path.startswith(_BASE64_STARTS)):
        return _from_base64(path.partition(";base64,")[2] or path)
    if is_address(path) or is_address(base):
        return _object(path if is_address(path) else f"{base}/{path}")
    for place in _places(path.removeprefix("file://"), Path(base)):
        try:
            if place.stat().st_size > _MAX_BYTES:
                raise BadImageError(f"{place.stat().st_size / 2**30:.1f} GiB, more than 1")
            return place.read_bytes()
        except (FileNotFoundError, NotADirectoryError, ValueError) as error:
            if isinstance(error, BadImageError):
                raise
        except OSError as error:
            what = "a folder" if isinstance(error, IsADirectoryError) else f"cannot be read: {error.strerror}"
            raise BadImageError(what) from None
    raise BadImageError("no such file")


def _from_base64(text: str) -> bytes:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except ValueError:
        raise BadImageError("neither a path nor a picture in base64") from None


def _places(path: str, base: Path) -> list[Path]:
    """Return where a file may be, the likeliest first: as it is written, and as other systems write it; from here."""
    other = path.strip() if "/" in path else path.strip().replace("\\", "/")
    spellings = [path, other, *(unicodedata.normalize(form, other) for form in ("NFC", "NFD") if not other.isascii())]
    places = [place / spelling for spelling in dict.fromkeys(spellings) for place in (base, Path())]
    home = [Path(path).expanduser()] if path.startswith("~/") else []
    return [*home, *places, *_in_other_case(base / other)]


def _in_other_case(path: Path) -> list[Path]:
    """Return the one file of a folder whose name differs by capitals only: not all systems tell them apart."""
    try:
        names = _names(path.parent, path.parent.stat().st_mtime_ns)
    except (OSError, ValueError):
        return []
    found = names.get(path.name.casefold(), [])
    return [path.parent / found[0]] if len(found) == 1 else []


@lru_cache(maxsize=64)
def _names(folder: Path, changed: int) -> dict[str, list[str]]:  # noqa: ARG001 - what is kept holds until then
    names: dict[str, list[str]] = {}
    for entry in os.scandir(folder):
        names.setdefault(entry.name.casefold(), []).append(entry.name)
    return names


def _object(address: str) -> bytes:
    from automl_bridge.storage import split_address

    if address.lower().startswith(("http://", "https://")):
        raise BadImageError("a web address; pictures are read from files and object stores")
    try:
        root, key = split_address(address)
        return _store(root).get(key)
    except AutoMLBridgeError as error:
        if error.exit_code == 2 and isinstance(error, FileNotFoundError | OSError):
            raise BadImageError(error.message) from None
        raise


@lru_cache(maxsize=4)
def _store(root: str) -> ObjectStore:
    """Open a store once for many pictures; it is asked from several threads."""
    from automl_bridge.storage import open_store

    return open_store(root)


def _why(content: bytes, error: Exception) -> str:
    head = content[:4096]
    for pattern, what in _STARTS:
        if re.match(pattern, head):
            return what
    from PIL import Image, UnidentifiedImageError

    if isinstance(error, Image.DecompressionBombError):
        return "more than 100 megapixels"
    if not isinstance(error, UnidentifiedImageError):
        text = (str(error).splitlines() or [type(error).__name__])[0]
        cut = "truncated" in text.lower() or isinstance(error, EOFError)
        return f"cut short: {text}" if cut else text
    if not any(content[:64].strip(b"\0")):
        return "all zeros, no picture"
    if b"\0" not in head and _is_text(head):
        return "text, no picture"
    return f"no picture of a known format ({len(content):,} bytes)"


def _is_text(head: bytes) -> bool:
    try:
        head[:-3].decode() if len(head) == 4096 else head.decode()
    except UnicodeDecodeError:
        return False
    return True
