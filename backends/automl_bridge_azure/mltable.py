"""MLTable: the file beside the data that says how the service reads it.

Source: "Data asset mltable: schema" (reference-yaml-mltable) and, for images, "Data schemas for computer vision
tasks" (reference-automl-images-schema). The files are named one by one, in their order, so that none that lies beside
them is read, and none is missed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from automl_bridge_azure.layout import Form

__all__ = ["NAME", "mltable"]

NAME = "MLTable"

_HEAD = "$schema: https://azuremlschemas.azureedge.net/latest/MLTable.schema.json\ntype: mltable\npaths:\n"

_READ = {
    "parquet": """\
  - read_parquet:
      include_path_column: false
""",
    "csv": """\
  - read_delimited:
      delimiter: ","
      encoding: utf8
      header: all_files_same_headers
      empty_as_string: false
      support_multi_line: false
      include_path_column: false
""",
    "images": """\
  - read_json_lines:
      encoding: utf8
      invalid_lines: error
      include_path_column: false
  - convert_column_types:
      - columns: image_url
        column_type: stream_info
""",
}


def mltable(files: Sequence[str], form: Form) -> bytes:
    """Return the MLTable of files that lie beside it."""
    paths = "".join(f"  - file: ./{name}\n" for name in files)
    return f"{_HEAD}{paths}transformations:\n{_READ[form]}".encode()
