"""A stand-in for Azure Machine Learning: jobs that progress, models really trained, blobs, over TLS on loopback.

Written from Microsoft's documentation and the SDK's own REST models alone; the adapter beside it is written
separately, and neither imports the other. ``README.md`` lists what is assumed where the documentation says
nothing.
"""

from __future__ import annotations
