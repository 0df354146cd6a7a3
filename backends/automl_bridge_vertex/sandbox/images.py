"""Images: import files, the split of data items, and training on what lies in the bucket."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from automl_bridge.sandbox.cells import take_any_size
from automl_bridge_vertex.sandbox.errors import RpcError, invalid
from automl_bridge_vertex.sandbox.filters import parse_filter

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from automl_bridge_vertex.sandbox.store import Store

__all__ = ["ML_USE", "Item", "assign", "read_import"]

ML_USE = "aiplatform.googleapis.com/ml_use"
USES = ("training", "validation", "test")
ENDINGS = (".jpg", ".jpeg", ".gif", ".png", ".bmp", ".ico", ".webp", ".tif", ".tiff")
LARGEST = 30 * 1000 * 1000  # bytes of an image to train on, VX-IMG-2
CSV_LABEL = re.compile(r"[A-Za-z]\w*", re.ASCII)  # VX-IMG-6


@dataclass
class Item:
    """A data item: an image, its annotations, its labels (the set it is meant for among them)."""

    uri: str
    annotations: list[str] = field(default_factory=list)
    labels: dict[str, str] = field(default_factory=dict)


def read_import(
    store: Store, uris: Sequence[str], labels: Mapping[str, str], *, single: bool
) -> tuple[dict[str, Item], list[str]]:
    """Read import files, JSON Lines or CSV by their name's ending.

    Returns
    -------
    items
        By address of the image.
    problems
        What was left out, and why.
    """
    items: dict[str, Item] = {}
    problems: list[str] = []
    present: dict[str, int] = {}
    for uri in uris:
        try:
            content = store.read(uri).decode("utf-8-sig")
        except (FileNotFoundError, UnicodeDecodeError) as error:
            problems.append(f"{uri} cannot be read: {type(error).__name__}.")
            continue
        read = _jsonl(content) if uri.lower().endswith((".jsonl", ".json")) else _csv(content)
        for number, item in enumerate(read, start=1):
            problem = item if isinstance(item, str) else _problem(store, item, present, single=single)
            if problem or isinstance(item, str):
                problems.append(f"{uri}, line {number}: {problem}")
                continue
            held = items.setdefault(item.uri, Item(item.uri, [], dict(labels)))
            held.annotations += [one for one in item.annotations if one not in held.annotations]
            held.labels |= item.labels
    return items, problems


def _jsonl(content: str) -> Iterator[Item | str]:
    """Yield an item a line, or what is wrong with it (schema image_classification_*_label_io_format_1.0.0)."""
    for line in content.splitlines():
        if not line.strip():
            continue
        try:
            record = json.loads(line)
            many = record.get("classificationAnnotations") or []
            one = record.get("classificationAnnotation")
            names = [annotation["displayName"] for annotation in (many or ([one] if one else []))]
            yield Item(record["imageGcsUri"], names, dict(record.get("dataItemResourceLabels") or {}))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            yield f"not as the import schema says: {error!r}"


def _csv(content: str) -> Iterator[Item | str]:
    """Yield an item a row of ``[ML_USE],gs://…,[LABEL]…``, without a header."""
    take_any_size()
    for row in csv.reader(io.StringIO(content)):
        if not row:
            continue
        use = row.pop(0).strip().lower() if not row[0].startswith("gs://") else ""
        if use not in {"", "unassigned", *USES}:
            yield f'"{use}" is no ML_USE'
        elif not row or not all(CSV_LABEL.fullmatch(label) for label in row[1:] if label):
            yield f"a label may hold letters, digits and underscores and starts with a letter: {row[1:]}"
        else:
            yield Item(row[0], [one for one in row[1:] if one], {ML_USE: use} if use in USES else {})


def _problem(store: Store, item: Item, present: dict[str, int], *, single: bool) -> str:
    if single and len(item.annotations) > 1:
        return "more than one label for a single-label dataset"
    if not item.uri.startswith("gs://"):
        return f"{item.uri} is no Cloud Storage path"
    if not item.uri.lower().endswith(ENDINGS):
        return f"{item.uri} has no ending of an image"
    folder = item.uri.rpartition("/")[0] + "/*"
    if folder not in present:
        present[folder] = 1
        present.update({uri: size for uri, size, _generation in store.find(folder)})
    if item.uri not in present:
        return f"{item.uri} was not found"
    return f"{item.uri} is larger than 30 MB" if present[item.uri] > LARGEST else ""


def assign(config: Any, items: Sequence[Item]) -> dict[str, list[Item]]:
    """Return the items of each set, as the input data config splits them; what no filter matches is left out."""
    split = config.WhichOneof("split")
    sets: dict[str, list[Item]] = {use: [] for use in USES}
    if split == "filter_split":
        tests = [_filter(getattr(config.filter_split, f"{use}_filter")) for use in USES]
        for item in items:
            use = next((use for use, test in zip(USES, tests, strict=True) if test(item)), None)
            if use:
                sets[use].append(item)
        return sets
    fractions = _fractions(config.fraction_split)
    if split is None and any(ML_USE in item.labels for item in items):
        # Without a split of its own the assignment of the import file holds; the rest is drawn.
        for item in items:
            sets[item.labels.get(ML_USE) or _drawn(item.uri, fractions)].append(item)
        return sets
    for item in items:
        sets[_drawn(item.uri, fractions)].append(item)
    return sets


def _fractions(split: Any) -> tuple[float, float, float]:
    from automl_bridge_vertex.sandbox.splits import fractions_of

    return fractions_of(split)


def _drawn(text: str, fractions: tuple[float, float, float]) -> str:
    from automl_bridge_vertex.sandbox.splits import draw

    return USES[draw(text, fractions)]


def _filter(text: str) -> Any:
    if text == "-":
        return lambda _item: False
    try:
        return parse_filter(text, frozenset())
    except RpcError as error:
        raise invalid(f"Invalid filter in filter_split: {error.message}") from None
