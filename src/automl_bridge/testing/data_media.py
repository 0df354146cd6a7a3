"""Pictures, texts, and rows with both: what they show or say is the signal."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from automl_bridge.testing.sample import Sample

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["images", "mixed", "texts"]

_MOODS = ("awful", "poor", "dull", "fair", "good", "great", "superb")
"""What a text says of its signal, from little to much."""


def images(count: int, seed: int) -> tuple[Pictures, NDArray[np.float64]]:
    """Return pictures, and the signal of each, 0 to 3: the lighter, the more."""
    rng = np.random.default_rng(seed)
    signal = rng.uniform(0, 3, count)
    return Pictures(_pixels(signal, rng)), signal


def texts(count: int, seed: int) -> tuple[Texts, NDArray[np.float64]]:
    """Return texts, and the signal of each, 0 to 3: one of the words says it."""
    rng = np.random.default_rng(seed)
    signal = _levels(count, rng)
    return Texts(_words(signal, rng)), signal


def mixed(count: int, seed: int) -> tuple[Mixed, NDArray[np.float64]]:
    """Return rows with a picture, a text, a level and a number, each of which has a part of the signal."""
    from automl_bridge.data.image_arrays import from_image_arrays

    rng = np.random.default_rng(seed)
    light, said, size = rng.uniform(0, 3, count), _levels(count, rng), rng.uniform(0, 3, count)
    kinds = rng.integers(0, 2, count)
    pictures = from_image_arrays(_pixels(light, rng)).column(0).to_pylist()
    columns = {
        "photo": pa.array(pictures, pa.binary()),
        "what, in words": pa.array(_words(said, rng)),
        "kind": pa.array(np.array(["a,b", "größe"])[kinds], mask=rng.random(count) < 0.1),
        "size": pa.array(size, mask=rng.random(count) < 0.1),
    }
    return Mixed(pa.table(columns)), (light + said + size + 3.0 * kinds) / 4 * (1 - 1e-9)


def _levels(count: int, rng: np.random.Generator) -> NDArray[np.float64]:
    return np.asarray((rng.integers(0, len(_MOODS), count) + 0.5) / len(_MOODS) * 3.0)


def _pixels(signal: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.uint8]:
    noise = rng.integers(0, 40, (len(signal), 10, 12, 3))
    return np.asarray(noise + (signal * 70).astype(int)[:, None, None, None], np.uint8)


def _words(signal: NDArray[np.float64], rng: np.random.Generator) -> list[str]:
    moods = [_MOODS[int(value / 3.0 * len(_MOODS))] for value in signal]
    things = rng.choice(["film", "Größe", "meal", "trip", "数量"], len(moods))
    return [
        f'The {thing}, no. "{number}", was {mood}: {mood} indeed!'
        for number, (thing, mood) in enumerate(zip(things, moods, strict=True))
    ]


@dataclass(frozen=True)
class Pictures(Sample):
    """Pictures as an array of numbers, or as a list of such; in files a folder."""

    def take(self, items: Sequence[int]) -> Pictures:
        """See `Sample`."""
        return Pictures([self.source[item] for item in items])

    def written(self, folder: Path) -> Path:
        """Write a PNG file each, whose names sort as the pictures do."""
        from PIL import Image

        for number, picture in enumerate(self.source):
            Image.fromarray(picture).save(folder / f"my photo {number:04}.PNG")
        return folder

    def odd(self) -> Pictures:
        """Return pictures of other sizes and colours."""
        rng = np.random.default_rng(1)
        sizes = [(1, 1), (3, 40), (64, 48, 3), (20, 20, 4)]
        return Pictures([rng.integers(0, 256, size).astype(np.uint8) for size in sizes])


@dataclass(frozen=True)
class Texts(Sample):
    """Texts as a list of strings; in a file one a line."""

    def take(self, items: Sequence[int]) -> Texts:
        """See `Sample`."""
        return Texts([self.source[item] for item in items])

    def written(self, folder: Path) -> Path:
        """Write a text a line."""
        path = folder / "my texts.txt"
        path.write_text("".join(f"{text}\n" for text in self.source), encoding="utf-8")
        return path

    def odd(self) -> Texts:
        """Return texts of nothing, of nothing that was seen, and of very much."""
        return Texts(["", None, " ", "\u200b", "😀 漢字かな", "never seen before", "good " * 2_000, 'a "b",\tc\nd'])


@dataclass(frozen=True)
class Mixed(Sample):
    """Rows with pictures as encoded files; on disk JSON lines, beside the pictures that they name."""

    def take(self, items: Sequence[int]) -> Mixed:
        """See `Sample`."""
        return Mixed(self.source.take(list(items)))

    def written(self, folder: Path) -> Path:
        """Write JSON lines with paths relative to their own folder."""
        lines = []
        for number, row in enumerate(self.source.to_pylist()):
            if (picture := row["photo"]) is not None:
                row["photo"] = f"my photo {number}.png"
                (folder / row["photo"]).write_bytes(picture)
            lines.append(json.dumps(row, ensure_ascii=False) + "\n")
        path = folder / "my rows.jsonl"
        path.write_text("".join(lines), encoding="utf-8")
        return path

    def odd(self) -> Mixed:
        """Return rows of a new level, without a text or a picture, and of nothing but missing values."""
        whole: dict[str, Any] = {
            "photo": _png((30, 20)),
            "what, in words": "never seen before",
            "kind": "a,b",
            "size": 1.0,
        }
        changes: list[dict[str, Any]] = [
            {},
            {"kind": "never seen"},
            {"what, in words": ""},
            {"what, in words": None},
            {"photo": None},
            {"size": -1e6},
            dict.fromkeys(whole),
        ]
        return Mixed(pa.Table.from_pylist([whole | change for change in changes], self.source.schema))


def _png(shape: tuple[int, int]) -> bytes:
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(np.full(shape, 128, np.uint8)).save(file, "PNG")
    return file.getvalue()
