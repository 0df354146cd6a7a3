"""What every stand-in of a cloud shares: simulated time, faults on request, tiny trainers, server life.

Nothing here knows a vendor. A vendor's stand-in is a factory named by an entry point of the group
``automl_bridge.sandboxes``; the bridge and its backends never import it.
"""

from __future__ import annotations
