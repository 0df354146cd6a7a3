"""Pictures and texts as people have them, made small."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw


def encoded(image: Image.Image, kind: str = "PNG", **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def shape(kind: str, rng: np.random.Generator, side: int = 24) -> Image.Image:
    """A light disc or a dark one on mid grey, somewhere."""
    image = Image.new("RGB", (side, side + int(rng.integers(0, 6))), (120, 130, 125))
    x, y = (int(value) for value in rng.integers(1, side // 2, 2))
    colour = int(rng.integers(200, 255)) if kind == "light" else int(rng.integers(0, 60))
    ImageDraw.Draw(image).ellipse((x, y, x + 10, y + 10), fill=(colour, colour, colour))
    return image


@pytest.fixture(scope="session")
def photo_folder(tmp_path_factory) -> Path:
    """A folder of 2 classes, 40 pictures each, with spaces in names, suffixes in capitals and system files."""
    rng = np.random.default_rng(0)
    root = tmp_path_factory.mktemp("set") / "my photos"
    for kind in ("dark", "light"):
        (root / kind / "deeper").mkdir(parents=True)
        for number in range(40):
            place = root / kind / ("deeper" if number % 10 == 0 else "")
            shape(kind, rng).save(place / f"photo {number}.{'PNG' if number % 2 else 'jpg'}")
        (root / kind / ".DS_Store").write_bytes(b"\0\1")
        (root / kind / "Thumbs.db").write_bytes(b"\0\1")
    (root / "__MACOSX").mkdir()
    (root / "__MACOSX" / "x.png").write_bytes(b"")
    return root


@pytest.fixture(scope="session")
def photo_table(photo_folder: Path) -> Path:
    """JSON lines beside the folder, with a path column relative to it, a text, numbers and two targets."""
    rng = np.random.default_rng(1)
    lines = []
    for path in sorted(photo_folder.rglob("photo *")):
        kind = "light" if "/light/" in path.as_posix() else "dark"
        size = float(rng.normal())
        words = "a bright and sunny scene" if rng.random() < 0.5 else "a gloomy and rainy evening"
        bright = (kind == "light") * 2.0 + ("sunny" in words) + 0.3 * size
        lines.append(
            {
                "photo": path.relative_to(photo_folder.parent).as_posix(),
                "caption": f"{words}, taken on trip number {len(lines)}",
                "size": size if len(lines) % 7 else None,
                "shop": str(rng.choice(["north", "south"])),
                "kind": kind,
                "brightness": round(bright, 3),
                "contrast": round(2 * bright + 1 + 0.01 * float(rng.normal()), 3),
            }
        )
    table = photo_folder.parent / "photos.jsonl"
    table.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return table


@pytest.fixture(scope="session")
def reviews() -> tuple[list[str | None], list[str]]:
    """160 texts of two moods, some odd; the mood shows in every plain one."""
    rng = np.random.default_rng(2)
    good, bad = ["lovely", "great", "superb", "warm"], ["dull", "awful", "cold", "broken"]
    texts, moods = [], []
    for number in range(160):
        mood = ["good", "bad"][number % 2]
        words = rng.choice(good if mood == "good" else bad, 2)
        texts.append(f"The {rng.choice(['film', 'meal', 'room', 'trip'])} was {words[0]} and {words[1]}, no. {number}")
        moods.append(mood)
    return texts, moods


@pytest.fixture
def decoded() -> Callable[[bytes], np.ndarray]:
    """Return a function from a file's bytes to its pixels, by way of the data room."""
    import pyarrow as pa

    from automl_bridge.data.image_columns import read_pictures
    from automl_bridge.data.images import decode

    def pixels(content: bytes, *, size: tuple[int, int] | None = None, channels: int = 3) -> np.ndarray:
        field = pa.field("image", pa.binary())
        found = read_pictures(field, pa.chunked_array([pa.array([content])]), ".")
        assert not found.bad, found.bad
        assert found.profile is not None
        size = size or (found.profile.height, found.profile.width)
        return decode(found.column, size=size, channels=channels)[0]

    return pixels
