"""A stand-in for AWS: moto's server with Autopilot jobs that progress and models that are really trained.

Written from AWS's documentation alone; the adapter beside it is written separately, and neither imports the
other. ``README.md`` lists what is assumed where the documentation says nothing.
"""

from __future__ import annotations
