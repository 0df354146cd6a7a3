"""The ``python_function`` flavor, which every model has."""

from __future__ import annotations

from typing import Any

from ._reading import read

__all__ = ["PyFuncModel", "load_model"]


class PyFuncModel:
    """A model with ``predict`` and nothing else of its own."""

    def __init__(self, about: dict[str, Any], model: Any) -> None:
        self.metadata = about
        self._model_impl = _Implementation(model) if "sklearn" in about["flavors"] else model

    def predict(self, data: Any, params: Any = None) -> Any:
        """Return predictions."""
        del params
        return self._model_impl.predict(data)

    def unwrap_python_model(self) -> Any:
        """Return what was wrapped."""
        return self.get_raw_model()

    def get_raw_model(self) -> Any:
        """Return the model itself."""
        return getattr(self._model_impl, "sklearn_model", self._model_impl)


class _Implementation:
    def __init__(self, model: Any) -> None:
        self.sklearn_model = model

    def predict(self, data: Any) -> Any:
        return self.sklearn_model.predict(data)


def load_model(model_uri: str, suppress_warnings: bool = False, dst_path: str | None = None) -> PyFuncModel:  # noqa: FBT001, FBT002 (as MLflow has it)
    """Return the model behind MLflow's own interface."""
    del suppress_warnings, dst_path
    return PyFuncModel(*read(model_uri))
