"""A stand-in of Vertex AI AutoML and Cloud Storage that really trains on the staged data.

Written from Google's published protobuf types and documentation alone; the adapter beside it never imports it, and
it never imports the adapter. ``README.md`` says what is simulated and what is not.
"""

from __future__ import annotations
