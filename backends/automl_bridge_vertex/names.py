"""Names of the staged objects. They follow from the profile alone, so that a plan can list them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from automl_bridge.cloud.rows import row_pieces

if TYPE_CHECKING:
    from automl_bridge.spec import Profile

__all__ = ["IMAGES_A_LIST", "MOST_OBJECTS", "asked", "asked_names", "image_lists", "row_names"]

MOST_OBJECTS = 100
"""Objects a part of a table: each is named in the request."""
IMAGES_A_LIST = 20_000
"""Lines of a list of images, which is far from the 100 MB of one (limit ``vertex.image.predict_max_images``)."""


def row_names(profile: Profile, part: str) -> list[str]:
    """Return the names of the objects with the rows of a part."""
    from automl_bridge.data.dataset import Dataset

    # Rows are cut by what the profile says of them; no row is looked at for a name.
    return [piece.name for piece in row_pieces(Dataset(profile, {}), part, most_objects=MOST_OBJECTS)]


def asked(profile: Profile) -> Profile:
    """Return the profile of what a predict job reads: of a forecast, the context is in one table with what is asked."""
    return profile.model_copy(update={"rows": {"predict": sum(profile.rows.values())}})


def asked_names(profile: Profile) -> list[str]:
    """Return the names of the objects that a predict job reads."""
    return row_names(asked(profile), "predict")


def image_lists(rows: int) -> list[str]:
    """Return the names of the lists of so many images."""
    return [f"part-{number:05d}.jsonl" for number in range(max(1, -(-rows // IMAGES_A_LIST)))]
