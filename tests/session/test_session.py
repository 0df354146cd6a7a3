"""Session: what every face calls."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from folder_service import Clock, Script, Service, ToyBackend, small_dataset

from automl_bridge import registry
from automl_bridge.backend import Cap
from automl_bridge.budget import Budget
from automl_bridge.capabilities import Capabilities, Feature
from automl_bridge.config import Config
from automl_bridge.data.build import build_dataset
from automl_bridge.errors import (
    BundleError,
    NoModelError,
    RunFailedError,
    SchemaError,
    StateError,
    StorageError,
    UnknownNameError,
    UnsupportedError,
    UsageError,
)
from automl_bridge.runs.states import RunState
from automl_bridge.session import Session
from automl_bridge.task import Task


class World:
    """A session on a service in a folder, and on the real baseline."""

    def __init__(self, home):
        self.home, self.clock, self.script = home, Clock(), Script()
        self.config = Config(home=home, backend="toy", budget=Budget(max_time=60), seed=5)
        self.service = Service(home / "service")
        self.toy = ToyBackend(self.service, self.script)
        self.session = Session(self.config, backends=self.backend, clock=self.clock)
        self.task, self.data = small_dataset()

    def backend(self, name):
        return self.toy if name == "toy" else registry.create(name, self.config)

    def submit(self, **options):
        return self.session.submit(self.data, task=self.task, **options)


@pytest.fixture
def world(home):
    made = World(home)
    yield made
    made.session.kill()
    made.session.close()


def test_planning_writes_nothing_and_uses_the_configuration(world):
    plan = world.session.plan(world.data, task="tabular-classification")
    assert plan.spec.budget == Budget(max_time=60)
    assert (plan.spec.seed, plan.spec.metric, plan.spec.target) == (5, "roc_auc", ("y",))
    assert [path.name for path in world.home.iterdir()] == ["service"]
    assert world.service.names("job") == []


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"task": "tabular-clasification"}, UnknownNameError, 'Did you mean "tabular-classification"'),
        ({"metric": "roc_acu"}, UnknownNameError, 'Did you mean "roc_auc"'),
        ({"metric": "rmse"}, UsageError, "no metric rmse"),
        ({"target": "z"}, SchemaError, "the target is z, but the data was split for y"),
        ({"objective": "near"}, UsageError, "nearest or exact"),
        ({"backend": "nosuch"}, UnknownNameError, 'no backend "nosuch"'),
        ({"task": "forecasting"}, (UnsupportedError, UsageError), "forecasting"),
        ({"continues": "ffff"}, UnknownNameError, 'no run "ffff"'),
    ],
)
def test_bad_input_is_said_before_anything_is_written(world, options, error, words):
    with pytest.raises(error, match=words):
        world.session.submit(world.data, **{"task": world.task, **options})
    assert [path.name for path in world.home.iterdir()] == ["service"]


def test_submit_returns_a_running_run_that_another_session_finishes(world):
    run = world.submit()
    assert run.state is RunState.RUNNING
    assert world.service.names("job") == [run.name]
    with Session(world.config, backends=world.backend, clock=world.clock) as later:
        assert [one.id for one in later.list()] == [run.id]
        assert later.get(run.id[:4]).state is RunState.RUNNING
        ended = later.wait(run.id[:4])
    assert ended.state is RunState.SUCCEEDED
    assert ended.score == ended.scores["roc_auc"]
    assert world.session.wait(run.id) == ended


def test_the_baseline_is_a_run_of_its_own_on_the_same_data(world):
    run = world.submit(baseline=True)
    told = []
    ended = world.session.wait(run.id, on_progress=told.append)
    beside = world.session.get(ended.baseline_run)
    assert (ended.backend, beside.backend) == ("toy", "baseline")
    assert {ended.state, beside.state} == {RunState.SUCCEEDED}
    assert beside.dataset_path == ended.dataset_path
    assert (beside.spec.metric, beside.spec.seed) == (ended.spec.metric, ended.spec.seed)
    assert beside.scores.keys() == ended.scores.keys()
    assert {one.id for one in told} == {ended.id, beside.id}
    assert len(list((world.home / "datasets").iterdir())) == 1


def test_the_baseline_has_no_baseline(world):
    assert world.submit(backend="baseline", baseline=True).baseline_run is None


def rows(seed=7):
    rng = np.random.default_rng(seed)
    return pa.table({"extra": np.arange(9), "x": rng.normal(size=9), "y": ["yes"] * 9})


@pytest.mark.parametrize("backend", ["toy", "baseline"])
def test_predictions_carry_labels_classes_and_columns(world, backend):
    run = world.session.wait(world.submit(backend=backend).id)
    found = world.session.predict(run.id[:6], rows())
    assert found.classes.tolist() == ["no", "yes"]
    assert found.outputs.shape == (9, 2)
    assert np.allclose(found.outputs.sum(axis=1), 1)
    assert found.labels().tolist() == [found.classes[code] for code in found.outputs.argmax(axis=1)]
    table = found.to_table()
    assert table.column_names == ["prediction", "probability_no", "probability_yes"]
    assert table["prediction"].to_pylist() == found.labels().tolist()
    assert table["probability_yes"].to_pylist() == found.outputs[:, 1].tolist()


def test_columns_in_another_order_change_nothing_and_missing_ones_are_named(world):
    run = world.session.wait(world.submit(backend="baseline").id)
    plain = world.session.predict(run.id, rows().select(["x"])).outputs
    assert np.array_equal(world.session.predict(run.id, rows().select(["y", "x", "extra"])).outputs, plain)
    with pytest.raises(SchemaError, match=r"\bx\b"):
        world.session.predict(run.id, rows().select(["extra"]))


def test_the_same_rows_are_predicted_by_one_job(world):
    run = world.session.wait(world.submit().id)
    first = world.session.predict(run.id, rows())
    second = world.session.predict(run.id, rows())
    assert np.array_equal(first.outputs, second.outputs)
    assert len(world.service.names("job")) == 3
    world.session.predict(run.id, rows(8))
    assert len(world.service.names("job")) == 4
    assert world.service.present("model") == []


def test_a_predict_job_that_fails_says_why_and_can_be_asked_again(world):
    from folder_service import failed

    run = world.session.wait(world.submit().id)
    world.script.outcome = lambda _name, _outcome: failed("quota", "no more cores")
    with pytest.raises(RunFailedError, match="no more cores") as error:
        world.session.predict(run.id, rows())
    assert error.value.kind == "quota"
    world.script.outcome = lambda _name, outcome: outcome
    assert len(world.session.predict(run.id, rows())) == 9
    assert world.service.present("model") == []


def test_a_regression_predicts_values(world):
    rng = np.random.default_rng(0)
    x = rng.normal(size=60)
    task, data = build_dataset(pa.table({"x": x, "price": 3 * x}), target="price")
    assert task is Task.TABULAR_REGRESSION
    run = world.session.wait(world.session.submit(data, task=task, backend="baseline").id)
    found = world.session.predict(run.id, pa.table({"x": x}))
    assert found.classes is None
    assert found.labels().shape == (60,)
    assert found.to_table().column_names == ["prediction"]
    assert run.scores["r2"] > 0.5


def test_a_bundle_predicts_the_same_without_a_store(world, tmp_path):
    run = world.session.wait(world.submit(backend="baseline").id)
    expected = world.session.predict(run.id, rows()).outputs
    bundle = world.session.export(run.id, tmp_path / "with space" / "bundle")
    elsewhere = Config(home=tmp_path / "nowhere", store="postgresql://127.0.0.1:1/none")
    with Session(elsewhere) as session:
        assert np.array_equal(session.predict(bundle, rows()).outputs, expected)
        assert np.array_equal(session.predict(str(bundle), rows()).outputs, expected)
        again = session.export(bundle, tmp_path / "again")
        assert np.array_equal(session.predict(again, rows()).outputs, expected)
    assert not (tmp_path / "nowhere" / "store.sqlite").exists()
    assert sorted(path.name for path in bundle.parent.iterdir()) == ["bundle"]


def test_an_altered_bundle_and_a_folder_that_is_none_are_refused(world, tmp_path):
    run = world.session.wait(world.submit(backend="baseline").id)
    bundle = world.session.export(run.id, tmp_path / "bundle")
    (bundle / "extra.txt").write_text("x")
    with pytest.raises(BundleError):
        world.session.predict(bundle, rows())
    for missing in (tmp_path / "none", str(tmp_path / "none")):
        with pytest.raises((BundleError, UsageError)):
            world.session.predict(missing, rows())


def test_export_keeps_what_is_there_and_leaves_nothing_half_done(world, tmp_path):
    run = world.session.wait(world.submit(backend="baseline").id)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    with pytest.raises(UsageError, match="something at"):
        world.session.export(run.id, tmp_path / "full")
    (tmp_path / "file").write_text("x")
    with pytest.raises(StorageError):
        world.session.export(run.id, tmp_path / "file" / "bundle")
    (tmp_path / "empty").mkdir()
    world.session.export(run.id, tmp_path / "empty")
    assert (tmp_path / "empty" / "bundle.json").is_file()
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith(".")) == []


def test_predicting_with_a_run_that_has_no_model_says_why(world):
    run = world.submit()
    with pytest.raises(NoModelError, match="runs wait"):
        world.session.predict(run.id, rows())


def test_cancel_stops_the_job_at_once_even_if_nobody_drives_it(world):
    world.script.polls = 10**6
    run = world.submit()
    stopped = world.session.cancel(run.id)
    assert stopped.cancelling
    assert world.script.calls.count("cancel") == 1
    world.script.polls = 1
    ended = world.session.wait(run.id)
    assert ended.state is RunState.CANCELLED
    assert ended.scores
    assert len(world.session.predict(run.id, rows())) == 9
    before = world.session.get(run.id)  # the prediction is on its bill
    assert world.session.cancel(run.id) == before


def test_resume_makes_a_new_run_that_continues_the_old_one(world):
    run = world.submit(baseline=True)
    with pytest.raises(StateError, match="only an ended one"):
        world.session.resume(run.id)
    old = world.session.wait(run.id)
    new = world.session.resume(old.id, budget=Budget(max_trials=7))
    assert new.id != old.id
    assert new.continues == old.id
    assert new.spec.continues == old.name
    assert new.spec.budget == Budget(max_trials=7)
    assert (new.dataset_path, new.baseline_run) == (old.dataset_path, old.baseline_run)
    assert world.session.wait(new.id).state is RunState.SUCCEEDED


def test_a_backend_that_cannot_resume_says_so(world):
    world.toy.capabilities = Capabilities(tasks={Task.TABULAR_CLASSIFICATION: None})
    old = world.session.wait(world.submit().id)
    with pytest.raises(UnsupportedError, match="resume"):
        world.session.resume(old.id)
    assert len(world.session.list()) == 1


def test_an_interrupt_during_wait_leaves_the_run_to_be_waited_for_again(world):
    world.script.polls = 10
    run = world.submit()

    def interrupt(_run):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        world.session.wait(run.id, on_progress=interrupt)
    assert world.session.get(run.id).state is RunState.RUNNING
    assert world.session.wait(run.id).state is RunState.SUCCEEDED
    assert world.service.names("job") == [run.name, f"{run.name}-h"]


def test_a_timeout_returns_the_run_as_it_is(world):
    world.script.polls = 10**6
    assert world.session.wait(world.submit().id, timeout=30).state is RunState.RUNNING


def test_an_ambiguous_beginning_lists_the_runs(world):
    ids = sorted(world.submit().id for _ in range(17))
    first = next(one for one in ids if sum(other[0] == one[0] for other in ids) > 1)[0]
    with pytest.raises(UsageError, match="runs begin with"):
        world.session.get(first)


def test_the_log_says_what_happened_and_when(world):
    run = world.session.wait(world.submit().id)
    events = world.session.events(run.id)
    assert [event.message for event in events if event.kind == "state"][-1] == "succeeded"
    assert [event.time for event in events] == sorted(event.time for event in events)


def test_nowhere_to_write_is_said_with_folder_and_setting(tmp_path):
    (tmp_path / "file").touch()
    world_config = Config(home=tmp_path / "file" / "home", backend="toy")
    task, data = small_dataset()
    with Session(world_config, backends=lambda _: ToyBackend(Service(tmp_path / "s"))) as session:
        assert session.list() == []
        with pytest.raises(StorageError, match=r"file/home(.|\n)*AUTOML_BRIDGE_HOME"):
            session.submit(data, task=task)


def test_the_checks_of_a_backend_are_passed_on(world):
    assert [(check.name, check.ok) for check in world.session.check("toy")] == [("folder", True)]


def test_a_rejected_job_comes_back_as_a_failed_run(world):
    from automl_bridge.errors import RejectedError

    world.script.errors = {"submit": [RejectedError("no such role")]}
    run = world.session.wait(world.submit().id)
    assert run.state is RunState.FAILED
    with pytest.raises(RunFailedError, match="no such role"):
        run.raise_if_failed()


def test_the_plan_of_a_run_keeps_what_stands_behind_its_cap(world):
    run = world.submit()
    assert world.session.get(run.id).plan.cap == Cap(kind="none", because="no cap was asked for")
    assert world.toy.capabilities.supports(Feature.RESUME)
