import functools
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import skops.io

from automl_bridge.budget import Budget
from automl_bridge.bundle import read_bundle, read_bytes, write_bundle
from automl_bridge.data.build import build_predict_dataset
from automl_bridge.errors import BundleError, StateError, StorageError, UnsupportedError
from automl_bridge.spec import ModelRef
from automl_bridge.task import Task
from automl_bridge.testing import data, jobs
from automl_bridge_baseline import BaselineBackend, model


@pytest.fixture(scope="module")
def dataset():
    return data.dataset(Task.TABULAR_CLASSIFICATION, 200)


@pytest.fixture
def done(backend, dataset):
    spec = jobs.train_spec(Task.TABULAR_CLASSIFICATION, dataset, Budget(max_trials=1))
    return jobs.train(backend, spec, dataset, 60)


def remade(done, path, **changed):
    """The bundle with other files, and digests that fit."""
    source = Path(done.model.uri)
    metadata = read_bundle(source)
    versions = changed.pop("versions", metadata.versions)
    files = {name: read_bytes(source, metadata, name) for name in metadata.files} | changed
    write_bundle(path, metadata=metadata.model_copy(update={"versions": versions}), files=files)
    return done.model.model_copy(update={"uri": str(path)})


class Evil:
    def __reduce__(self):
        return os.system, ("exit 1",)


@pytest.mark.parametrize(
    "thing",
    [
        [functools.partial(os.system, "exit 1")],
        [subprocess.run],
        {"x": Path("/etc/passwd")},
        [functools.partial(shutil.rmtree, "/nonexistent")],
    ],
)
def test_a_model_of_other_types_is_refused_before_it_is_made(backend, done, tmp_path, thing):
    altered = remade(done, tmp_path / "b", **{"model.skops": skops.io.dumps(thing)})
    with pytest.raises(BundleError, match="is refused: it holds") as caught:
        backend.load(altered)
    assert "do not open it" in caught.value.hint


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x03\x04 broken"])
def test_what_is_no_model_is_refused(backend, done, tmp_path, content):
    with pytest.raises(BundleError):
        backend.load(remade(done, tmp_path / "b", **{"model.skops": content}))


def test_an_array_with_objects_in_it_is_refused(backend, done, tmp_path):
    import io

    buffer = io.BytesIO()
    np.save(buffer, np.array([Evil()], dtype=object), allow_pickle=True)
    with pytest.raises(BundleError, match="refused"):
        backend.load(remade(done, tmp_path / "b", **{"test_rows.npy": buffer.getvalue()}))


def test_a_model_that_another_version_reads_in_another_way_is_refused(backend, done, tmp_path):
    source = Path(done.model.uri)
    rows = model._array(read_bytes(source, read_bundle(source), "test_outputs.npy"), source)
    other = {"test_outputs.npy": model.npy(rows[:, ::-1].copy())}
    with pytest.raises(BundleError, match=r"made with scikit-learn 1\.2\.3") as caught:
        backend.load(remade(done, tmp_path / "old", versions={"scikit-learn": "1.2.3"}, **other))
    assert 'pip install "scikit-learn==1.2.3"' in caught.value.hint
    with pytest.raises(BundleError, match="does not predict its test rows"):
        backend.load(remade(done, tmp_path / "same", **other))


def test_a_model_of_another_version_that_predicts_the_same_is_taken(backend, done, tmp_path):
    loaded = backend.load(remade(done, tmp_path / "b", versions={"scikit-learn": "1.2.3"}))
    assert loaded.metadata.versions == {"scikit-learn": "1.2.3"}


def test_the_test_rows_are_no_ones_data(done, dataset):
    source = Path(done.model.uri)
    rows = model._array(read_bytes(source, read_bundle(source), "test_rows.npy"), source)
    values = np.concatenate([np.asarray(c) for c in dataset.features("train").select([0]).columns])
    assert not np.isin(rows[np.isfinite(rows)], values.astype(np.float32)).any()


def test_the_trusted_types_are_all_that_our_models_need(backend, dataset):
    for task in (Task.TABULAR_CLASSIFICATION, Task.TABULAR_REGRESSION):
        built = data.dataset(task, 200)
        found = jobs.train(backend, jobs.train_spec(task, built, Budget()), built, 60)
        assert backend.load(found.model)
    assert not {name for name in model.TRUSTED if "eval" in name or "os." in name}


def test_a_model_of_another_backend_is_not_opened(backend, done, tmp_path):
    source = Path(done.model.uri)
    metadata = read_bundle(source).model_copy(update={"backend": "other"})
    write_bundle(tmp_path / "b", metadata=metadata, files={"x.json": b"{}"})
    with pytest.raises(BundleError, match="is a model of other"):
        backend.load(done.model.model_copy(update={"uri": str(tmp_path / "b")}))


def test_a_bundle_predicts_in_a_fresh_process(done, backend, tmp_path):
    rows = build_predict_dataset(data.table(5, seed=5), done.plan.spec.profile).features("predict")
    expected = backend.load(done.model).predict(rows)
    import pyarrow.ipc

    with pyarrow.ipc.new_file(tmp_path / "rows.arrow", rows.schema) as writer:
        writer.write_table(rows)
    script = (
        "import sys, json, pyarrow as pa; from pathlib import Path; from automl_bridge_baseline.model import load\n"
        "table = pa.ipc.open_file(sys.argv[2]).read_all()\n"
        "print(json.dumps(load(Path(sys.argv[1])).predict(table).tolist()))"
    )
    moved = tmp_path / "moved here"
    backend.export(done.model, moved)
    found = subprocess.run(
        [sys.executable, "-c", script, moved, tmp_path / "rows.arrow"], check=True, capture_output=True, text=True
    )
    np.testing.assert_array_equal(json.loads(found.stdout), expected)


def test_one_row_is_predicted_in_milliseconds(backend, done):
    row = build_predict_dataset(data.table(1), done.plan.spec.profile).features("predict")
    loaded = backend.load(done.model)
    loaded.predict(row)
    seconds = []
    for _ in range(20):
        started = time.process_time()
        loaded.predict(row)
        seconds.append(time.process_time() - started)
    assert sorted(seconds)[10] < 0.02


def test_a_workspace_can_be_moved(backend, done, tmp_path):
    backend.workspace.rename(tmp_path / "elsewhere")
    moved = BaselineBackend(backend.settings, tmp_path / "elsewhere")
    outcome = moved.collect(done.ref)
    assert Path(outcome.model.uri).is_relative_to(tmp_path / "elsewhere")
    assert moved.load(outcome.model)


def test_a_name_that_another_job_has_is_refused(backend, done, dataset):
    spec = done.plan.spec.model_copy(update={"seed": 5})
    plan = backend.plan(spec)
    with pytest.raises(StateError, match=f"another job is called {spec.name}"):
        backend.submit(plan, done.staged)


def test_what_a_killed_process_left_is_swept_away(backend, done, dataset):
    spec = done.plan.spec.model_copy(update={"name": "second"})
    left = backend.workspace / "jobs" / ".second.999999999-abcd"  # above the largest process id of Linux (2^22)
    left.mkdir(parents=True)
    (left / "outcome.json").write_text("{")
    mine = backend.workspace / "jobs" / f".second.{os.getpid()}-abcd"
    mine.mkdir()
    assert backend.find(backend.plan(spec)) is None
    jobs.train(backend, spec, dataset, 60)
    assert not left.exists()
    assert mine.exists()  # of a process that lives


def test_nowhere_to_write_is_said_with_the_setting(tmp_path, dataset):
    (tmp_path / "file").write_text("x")
    backend = BaselineBackend(BaselineBackend.settings_class(), tmp_path / "file" / "work")
    spec = jobs.train_spec(Task.TABULAR_CLASSIFICATION, dataset, Budget())
    staged = jobs.prepare(BaselineBackend(backend.settings, tmp_path / "ok"), spec, dataset)[1]
    with pytest.raises(StorageError, match="cannot write") as caught:
        backend.submit(backend.plan(spec), staged)
    assert "AUTOML_BRIDGE_HOME" in caught.value.hint


def test_unknown_jobs_and_foreign_models_are_named(backend, done):
    with pytest.raises(StateError, match="no job absent"):
        backend.collect(done.ref.model_copy(update={"name": "absent"}))
    spec = done.plan.spec.model_copy(update={"kind": "predict", "model": ModelRef(backend="cloud", uri="x://y")})
    with pytest.raises(UnsupportedError, match="predicts with models of its own"):
        backend.plan(spec)


def test_saved_data_is_not_copied(backend, dataset, tmp_path):
    saved = dataset.save(tmp_path / "datasets")
    staged = backend.stage(backend.plan(jobs.train_spec(Task.TABULAR_CLASSIFICATION, saved, Budget())), saved)
    assert staged.uris == {"data": str(saved.path)}
    assert not backend.workspace.exists()


def test_plans_name_what_is_read_only_in_part(backend):
    import pyarrow as pa

    from automl_bridge.data.build import build_dataset

    words = [f"some words about row {i} and {i * 7919 % 1000} more things to read" for i in range(120)]
    table = pa.table({"story": words, "x": np.arange(120.0), "y": ["a", "b"] * 60})
    task, built = build_dataset(table, target="y", types={"story": "text"})
    plan = backend.plan(jobs.train_spec(task, built, Budget()))
    assert any('column "story" as text' in note and "length" in note for note in plan.notes)
