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
from automl_bridge.testing.elsewhere import Elsewhere
from automl_bridge.testing.fixtures import Fixtures, need

if TYPE_CHECKING:
    from collections.abc import Iterator

    from automl_bridge.backend import Backend, Predictor
    from automl_bridge.data.dataset import Dataset
    from automl_bridge.testing.jobs import Done
    from automl_bridge.testing.sample import Sample

__all__ = ["Loaded"]


class Loaded(Fixtures):
    """A local model is a bundle, and predicts in process what it predicts in a job."""

    @pytest.fixture(scope="class")
    @classmethod
    def elsewhere(cls, backend: Backend) -> Iterator[Elsewhere]:
        """Return another process, which starts when it is first asked."""
        process = Elsewhere(backend)
        yield process
        process.close()

    def test_a_model_that_predicts_by_a_job_is_not_loaded(self, backend: Backend, trained: Done) -> None:
        """It says so."""
        if backend.capabilities.supports(Feature.LOCAL_PREDICTION):
            pytest.skip("its models are loaded")
        with pytest.raises(UnsupportedError):
            backend.load(trained.model)

    def test_a_loaded_model_predicts_what_the_job_does(
        self, trained: Done, new: Sample, new_rows: Dataset, predicted: Done, predictor: Predictor
    ) -> None:
        """All at once, and one alone."""
        expected = jobs.outputs(predicted)
        np.testing.assert_allclose(predictor.predict(new_rows.question()), expected, rtol=1e-4, atol=1e-6)
        one = predictor.predict(jobs.question(trained, new.take([3])).question())
        np.testing.assert_allclose(one, expected[3 * new.steps : 4 * new.steps], rtol=1e-4, atol=1e-6)

    def test_a_fresh_process_predicts_the_same_from_raw_files(
        self, backend: Backend, trained: Done, new: Sample, predicted: Done, elsewhere: Elsewhere, tmp_path: Path
    ) -> None:
        """It knows the bundle's folder and the file or folder that a person would name, and nothing else."""
        need(backend, Feature.LOCAL_PREDICTION)
        folder = tmp_path / "raw data"
        folder.mkdir()
        found = elsewhere.predict(trained.model, new.written(folder), tmp_path / "outputs.npy")
        np.testing.assert_allclose(found, jobs.outputs(predicted), rtol=1e-4, atol=1e-6)

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
        self, backend: Backend, trained: Done, new_rows: Dataset, predicted: Done, tmp_path: Path
    ) -> None:
        """From its new folder, when the old one is not looked at."""
        target = tmp_path / "exported model"
        if not backend.capabilities.supports(Feature.EXPORT):
            with pytest.raises(UnsupportedError):
                backend.export(trained.model, target)
            return
        try:
            assert backend.export(trained.model, target) == target
        except UnsupportedError as error:
            assert not trained.model.local, "a bundle can be copied"
            pytest.skip(f"of {trained.plan.spec.task}: {str(error).splitlines()[0]}")
        assert any(target.iterdir())
        need(backend, Feature.LOCAL_PREDICTION)
        moved = jobs.again(backend).load(trained.model.model_copy(update={"uri": str(target)}))
        found = moved.predict(new_rows.question())
        moved.close()
        moved.close()
        np.testing.assert_allclose(found, jobs.outputs(predicted), rtol=1e-4, atol=1e-6)
