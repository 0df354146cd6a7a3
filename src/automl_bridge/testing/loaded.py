"""Models that predict in this process, and what is exported."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from automl_bridge.bundle import read_bundle
from automl_bridge.capabilities import Feature
from automl_bridge.errors import BundleError, UnsupportedError
from automl_bridge.testing import jobs
from automl_bridge.testing.fixtures import Fixtures, need

if TYPE_CHECKING:
    from automl_bridge.backend import Backend
    from automl_bridge.data.dataset import Dataset
    from automl_bridge.testing.jobs import Done

__all__ = ["Loaded"]


class Loaded(Fixtures):
    """A local model is a bundle, and predicts in process what it predicts in a job."""

    def test_a_loaded_model_predicts_what_the_job_does(
        self, backend: Backend, trained: Done, new_rows: Dataset
    ) -> None:
        """Row by row, in this process and in another."""
        if not backend.capabilities.supports(Feature.LOCAL_PREDICTION):
            with pytest.raises(UnsupportedError):
                backend.load(trained.model)
            return
        expected = jobs.outputs(jobs.predict(backend, trained, new_rows, self.patience))
        table = new_rows.features("predict")
        for instance in (backend, jobs.again(backend)):
            predictor = instance.load(trained.model)
            np.testing.assert_allclose(predictor.predict(table), expected, rtol=1e-4, atol=1e-6)
            np.testing.assert_allclose(predictor.predict(table.slice(3, 1)), expected[3:4], rtol=1e-4, atol=1e-6)
            predictor.close()
            predictor.close()

    def test_a_local_model_is_a_bundle(self, backend: Backend, trained: Done) -> None:
        """It says what it is, what it was trained on, and holds nothing that runs code."""
        need(backend, Feature.LOCAL_PREDICTION)
        assert trained.model.local
        metadata = read_bundle(Path(trained.model.uri))
        spec = trained.plan.spec
        assert (metadata.backend, metadata.task, metadata.target) == (backend.name, spec.task, spec.target)
        assert metadata.profile == spec.profile
        assert metadata.versions

    def test_an_altered_bundle_is_refused(self, backend: Backend, trained: Done, tmp_path: Path) -> None:
        """Whichever of its files was altered."""
        need(backend, Feature.LOCAL_PREDICTION)
        source = Path(trained.model.uri)
        for number, name in enumerate(["bundle.json", *read_bundle(source).files]):
            copy = tmp_path / str(number)
            shutil.copytree(source, copy)
            content = bytearray((copy / name).read_bytes())
            content[len(content) // 2] ^= 1
            (copy / name).write_bytes(content)
            with pytest.raises(BundleError):
                backend.load(trained.model.model_copy(update={"uri": str(copy)}))

    def test_an_exported_model_predicts_the_same(
        self, backend: Backend, trained: Done, new_rows: Dataset, tmp_path: Path
    ) -> None:
        """From its new folder, when the old one is not looked at."""
        target = tmp_path / "exported model"
        if not backend.capabilities.supports(Feature.EXPORT):
            with pytest.raises(UnsupportedError):
                backend.export(trained.model, target)
            return
        assert backend.export(trained.model, target) == target
        assert any(target.iterdir())
        need(backend, Feature.LOCAL_PREDICTION)
        table = new_rows.features("predict")
        moved = jobs.again(backend).load(trained.model.model_copy(update={"uri": str(target)}))
        original = backend.load(trained.model)
        np.testing.assert_array_equal(moved.predict(table), original.predict(table))
        moved.close()
        original.close()
