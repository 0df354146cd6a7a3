"""The feature specification: which columns Autopilot learns from, and of what type each is."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from automl_bridge.spec import Kind

if TYPE_CHECKING:
    from automl_bridge.spec import Profile

__all__ = ["feature_types"]

_TYPES = {
    Kind.NUMERIC: "numeric",
    Kind.INTEGER: "numeric",
    Kind.BOOLEAN: "numeric",
    Kind.CATEGORICAL: "categorical",
    Kind.TEXT: "text",
    Kind.DATETIME: "datetime",
}


def feature_types(profile: Profile) -> bytes:
    """Return the document behind ``FeatureSpecificationS3Uri`` (JSON)."""
    types = {column.safe_name: _TYPES[column.kind] for column in profile.features}
    document = {"FeatureAttributeNames": list(types), "FeatureDataTypes": types}
    return json.dumps(document, indent=1).encode()
