"""A backend whose packages are not installed."""

from __future__ import annotations

from automl_bridge_baseline import BaselineBackend


class NeedyBackend(BaselineBackend):
    """Registered by the tests as ``needy``."""

    name = "needy"
    extra = "needy"
    requires = ("no_such_package_anywhere",)
