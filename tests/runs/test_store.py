"""RunStore, over SQLite and over PostgreSQL alike."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

import psutil
import pytest
from sqlalchemy import update

from automl_bridge.backend import (
    Failure,
    JobRef,
    JobState,
    Outcome,
    Plan,
    PlannedResource,
    Progress,
    Staged,
    Trial,
)
from automl_bridge.costs.usage import Usage, UsageItem
from automl_bridge.errors import ConfigError, StateError, StorageError, UnknownNameError, UsageError
from automl_bridge.runs.database import SCHEMA_VERSION
from automl_bridge.runs.lease import Owner
from automl_bridge.runs.record import JobRecord, JobStage, ResourceRecord, ResourceState, RunRecord, moment
from automl_bridge.runs.states import RunState
from automl_bridge.runs.store import RunStore
from automl_bridge.runs.tables import schema
from automl_bridge.runs.transaction import LeaseLostError, Transaction
from automl_bridge.scoring_intervals import Interval
from automl_bridge.spec import JobSpec, ModelRef, Profile
from automl_bridge.task import Task

NOW = 1_000_000.0
PROFILE = Profile(rows={"train": 10}, bytes=80, columns=(), classes=("a", "b"), fingerprint="f" * 64)


def run_of(run_id: str = "0123456789ab", created: float = NOW) -> RunRecord:
    name = f"ab-{run_id}"
    spec = JobSpec(name=name, task=Task.TABULAR_CLASSIFICATION, target=("y",), metric="roc_auc", profile=PROFILE)
    resources = (PlannedResource(kind="model", name=f"{name}-m"),)
    plan = Plan(spec=spec, backend="toy", request={"n": 1, "deep": {"x": [1, 2]}}, resources=resources)
    return RunRecord(
        id=run_id, name=name, backend="toy", task=spec.task, state=RunState.CREATED, spec=spec, plan=plan,
        created=moment(created), updated=moment(created),
    )  # fmt: skip


def add(store: RunStore, run: RunRecord, owner: Owner | None = None) -> RunRecord:
    job = JobRecord(run=run.id, name=run.name)
    resources = [ResourceRecord.of(run.id, run.name, "toy", one, run.created) for one in run.plan.resources]
    with store.transaction(NOW, owner) as transaction:
        transaction.add(run, [job], resources)
    return run


@pytest.fixture
def owner():
    made = Owner.new()
    yield made
    made.close()


def full(run: RunRecord) -> RunRecord:
    """Return the record with every field set."""
    usage = Usage(items=(UsageItem(sku="local-machine", quantity=0.1, unit="machine-hour"),))
    trials = (Trial(id="1", model="tree", score=0.75, params={"depth": 3}), Trial(id="2", state=JobState.FAILED))
    model = ModelRef(backend="toy", uri="/a/b", local=True, details={"k": "v"})
    return run.model_copy(
        update={
            "state": RunState.STAGING,
            "progress": Progress(state=JobState.RUNNING, fraction=0.5, trials=trials, best=0.75, usage=usage),
            "outcome": Outcome(state=JobState.SUCCEEDED, trials=trials, model=model, usage=usage, notes=("n",)),
            "scores": {"roc_auc": 0.5, "f1": float("nan")},
            "capped": True,
            "interval": Interval(metric="roc_auc", value=0.5, low=0.4, high=0.6),
            "failure": Failure(kind="out-of-memory", message="7 GB"),
            "dataset_path": Path("/d"),
            "bundle_path": Path("/a/b"),
            "predictions_path": Path("/p.npy"),
            "sandbox": True,
            "baseline_run": "b" * 12,
            "continues": "c" * 12,
            "versions": {"toy": "1"},
            "notes": ("Zürich ☃",),
            "usage": usage,
            "later_usage": usage,
            "updated": moment(NOW + 5.25),
        }
    )


def test_a_record_comes_back_as_it_was(store, owner):
    run = add(store, run_of(), owner)
    assert store.get(run.id) == run
    changed = full(run)
    with store.transaction(NOW, owner) as transaction:
        transaction.update(run, changed)
    back = store.get(run.id)
    assert repr(back) == repr(changed)  # by repr: NaN is not equal to itself
    assert {name for name in RunRecord.model_fields if getattr(run, name) == getattr(changed, name)} == {
        "id", "name", "backend", "task", "spec", "plan", "created", "cancelling",
    }  # fmt: skip


def test_jobs_resources_and_events_come_back(store, owner):
    run = add(store, run_of(), owner)
    ref = JobRef(backend="toy", name=run.name, remote_id="arn:1")
    job = JobRecord(
        run=run.id, name=run.name, stage=JobStage.SUBMITTED, staged=Staged(uris={"train": "s3://x"}), ref=ref
    )
    other = JobRecord(run=run.id, name=f"{run.name}-h", kind="predict", plan=run.plan)
    with store.transaction(NOW + 1, owner) as transaction:
        transaction.put_job(job)
        transaction.put_job(other, new=True)
        transaction.mark_resources(run.id, ResourceState.CREATED, job=run.name)
        transaction.event(run.id, "note", "hello")
    assert store.jobs(run.id) == [job, other]
    assert [(one.name, one.state) for one in store.resources()] == [(f"{run.name}-m", ResourceState.CREATED)]
    assert [(event.kind, event.message) for event in store.events(run.id)] == [("state", "created"), ("note", "hello")]
    assert store.events(run.id)[1].time == moment(NOW + 1)


def test_a_block_that_fails_leaves_nothing(store, owner):
    run = run_of()
    with pytest.raises(StorageError, match=r"(?i)unique"), store.transaction(NOW, owner) as transaction:
        add_twice(transaction, run)
    assert store.all() == []


def add_twice(transaction: Transaction, run: RunRecord) -> None:
    transaction.add(run, [])
    transaction.add(run, [])


def test_runs_are_listed_latest_first(store):
    for number in range(3):
        add(store, run_of(f"{number}" * 12, NOW + number))
    assert [run.id[0] for run in store.all()] == ["2", "1", "0"]
    assert list(store.get_many(["1" * 12, "9" * 12])) == ["1" * 12]


def test_a_prefix_finds_a_run_and_an_ambiguous_one_lists_them(store):
    for run_id in ("abc000000000", "abd000000000", "ef0000000000"):
        add(store, run_of(run_id))
    assert store.get("e").id == "ef0000000000"
    assert store.get("AB-ef00").id == "ef0000000000"
    with pytest.raises(UsageError, match="abc000000000") as ambiguous:
        store.get("ab")
    assert "abd000000000" in str(ambiguous.value)
    with pytest.raises(UnknownNameError, match='no run "77"'):
        store.get("77")
    with pytest.raises(UnknownNameError):
        store.get("")
    with pytest.raises(UnknownNameError):
        store.get("%")


def test_a_wrong_transition_is_not_written(store, owner):
    run = add(store, run_of(), owner)
    with pytest.raises(StateError), store.transaction(NOW, owner) as transaction:
        transaction.update(run, run.model_copy(update={"state": RunState.SUCCEEDED}))
    assert store.get(run.id) == run


def test_only_the_owner_of_the_lease_writes(store, owner):
    run = add(store, run_of(), owner)
    rival = Owner.new()
    staging = run.model_copy(update={"state": RunState.STAGING})
    assert store.acquire([run.id], rival, NOW + 1) == set()
    with pytest.raises(LeaseLostError), store.transaction(NOW, rival) as transaction:
        transaction.update(run, staging)
    assert store.events(run.id)[-1].message == "created"
    store.release(owner)
    assert store.acquire([run.id], rival, NOW + 1) == {run.id}
    with store.transaction(NOW, rival) as transaction:
        transaction.update(run, staging)
    with pytest.raises(LeaseLostError), store.transaction(NOW, owner) as transaction:
        transaction.update(run, staging)
    rival.close()


def test_a_lease_ends_by_itself_unless_it_is_renewed(store, owner):
    run = add(store, run_of(), owner)
    rival = Owner.new()
    assert store.acquire([run.id], rival, NOW + 59) == set()
    store.renew(owner, NOW + 59)
    assert store.acquire([run.id], rival, NOW + 61) == set()
    assert store.acquire([run.id], rival, NOW + 120) == {run.id}
    rival.close()


def test_the_lease_of_a_dead_process_is_free_at_once(store):
    dead = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    started = psutil.Process(dead.pid).create_time()
    mine = Owner.new()
    theirs = Owner(mine.host, dead.pid, started, "t")
    add(store, run_of(), theirs)
    assert store.acquire(["0123456789ab"], mine, NOW + 1) == set()
    dead.communicate(b"\n")
    assert store.acquire(["0123456789ab"], mine, NOW + 1) == {"0123456789ab"}
    mine.close()


@pytest.mark.parametrize("changes", [{"started": 1.0}, {"token": "ended long ago"}])
def test_a_reused_process_id_and_an_ended_drive_of_this_process_hold_nothing(store, owner, changes):
    own = {"host": owner.host, "pid": os.getpid(), "started": owner.started, "token": owner.token}
    add(store, run_of(), Owner(**{**own, **changes}))
    assert store.acquire(["0123456789ab"], owner, NOW + 1) == {"0123456789ab"}


def test_the_lease_of_another_machine_is_waited_for(store, owner):
    add(store, run_of(), Owner("elsewhere", os.getpid(), 1.0, "t"))
    assert store.acquire(["0123456789ab"], owner, NOW + 59) == set()
    assert store.acquire(["0123456789ab"], owner, NOW + 61) == {"0123456789ab"}


def test_anybody_may_ask_a_run_to_stop(store, owner):
    run = add(store, run_of(), owner)
    store.request_cancel(run.id, NOW)
    store.request_cancel(run.id, NOW)
    with store.transaction(NOW, owner) as transaction:
        transaction.update(run, run.model_copy(update={"state": RunState.STAGING}))
    assert store.get(run.id).cancelling
    assert [event.message for event in store.events(run.id)].count("asked to stop") == 1


def test_a_store_of_a_newer_version_is_refused(store, store_url):
    add(store, run_of())
    with store.database.writing() as connection:
        connection.execute(update(schema).values(version=SCHEMA_VERSION + 1))
    store.close()
    later = RunStore(store_url)
    plain = partial(later.database.ask, PLAIN, {"state": "", "backend": ""})
    for use in (plain, later.all, lambda: add(later, run_of("f" * 12))):
        with pytest.raises(StateError, match=r"newer version(.|\n)*pip install --upgrade"):
            use()
    later.close()


def test_reading_where_there_is_no_store_finds_and_writes_nothing(home):
    store = RunStore(f"sqlite:///{home / 'store.sqlite'}")
    assert store.all() == []
    assert store.events("x") == []
    assert store.resources() == []
    with pytest.raises(UnknownNameError):
        store.get("0")
    assert not home.exists()


PLAIN = "SELECT id FROM runs WHERE state = :state AND backend = :backend"


def test_a_plain_query_is_answered_alike_by_a_store_that_is_open_and_by_one_that_is_not(store, store_url):
    add(store, run_of())
    wanted = store.all()[0]
    for asked in (store, RunStore(store_url)):
        rows = asked.database.ask(PLAIN, {"state": str(wanted.state), "backend": wanted.backend})
        assert [tuple(row) for row in rows] == [(wanted.id,)]
        assert not asked.database.ask(PLAIN, {"state": str(wanted.state), "backend": "another"})
        asked.close()


def test_a_plain_query_of_what_is_no_store_is_told_as_any_other(home):
    values = {"state": "", "backend": ""}
    store = RunStore(f"sqlite:///{home / 'store.sqlite'}")
    assert store.database.ask(PLAIN, values) == []
    assert not home.exists()
    home.mkdir()
    (home / "store.sqlite").touch()
    assert store.database.ask(PLAIN, values) == []
    (home / "store.sqlite").write_text("this is no database, it only has its name" * 100)
    with pytest.raises(StorageError, match=r"store\.sqlite in .* cannot be used: file is not a database"):
        store.database.ask(PLAIN, values)


def test_an_empty_file_is_an_empty_store(home):
    home.mkdir()
    (home / "store.sqlite").touch()
    store = RunStore(f"sqlite:///{home / 'store.sqlite'}")
    assert store.all() == []
    add(store, run_of())
    assert len(store.all()) == 1
    store.close()


def test_a_place_that_cannot_be_written_names_folder_and_settings(tmp_path):
    (tmp_path / "file").touch()
    store = RunStore(f"sqlite:///{tmp_path / 'file' / 'home' / 'store.sqlite'}")
    assert store.all() == []
    with pytest.raises(StorageError, match=r"file/home(.|\n)*AUTOML_BRIDGE_HOME(.|\n)*AUTOML_BRIDGE_STORE"):
        add(store, run_of())


def test_a_file_of_another_kind_is_a_storage_error(tmp_path):
    (tmp_path / "store.sqlite").write_text("x" * 4096)
    store = RunStore(f"sqlite:///{tmp_path / 'store.sqlite'}")
    with pytest.raises(StorageError, match="not a database"):
        store.all()


def test_a_full_disk_names_folder_and_free_space(home):
    store = RunStore(f"sqlite:///{home / 'store.sqlite'}")
    add(store, run_of())
    with pytest.raises(StorageError, match=r"no space left in .*home: [\d,.]+ MB are free"), store.database.writing():
        raise_full()
    store.close()


def raise_full() -> None:
    from sqlalchemy.exc import OperationalError

    raise OperationalError("INSERT", {}, sqlite3.OperationalError("database or disk is full"))


READ_ONLY = """
import os, sys
from automl_bridge.runs.store import RunStore
store = RunStore("sqlite:///" + sys.argv[1])
print([run.id for run in store.all()])
try:
    store.request_cancel("0123456789ab", 0.0)
except OSError as error:
    print(type(error).__name__, str(error).replace(chr(10), " "))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="users and permissions as on Linux")
def test_a_read_only_home_is_read_and_not_written():
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o755)
        check_read_only(Path(place) / "shared")


def check_read_only(folder: Path) -> None:
    store = RunStore(f"sqlite:///{folder / 'store.sqlite'}")
    add(store, run_of())
    store.close()
    before = sorted(path.name for path in folder.iterdir())
    folder.chmod(0o555)
    (folder / "store.sqlite").chmod(0o444)
    prefix = []
    if os.geteuid() == 0:
        prefix = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"]
    command = [*prefix, sys.executable, "-c", READ_ONLY, str(folder / "store.sqlite")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")
    folder.chmod(0o755)
    assert done.returncode == 0, done.stderr
    first, second = done.stdout.splitlines()
    assert first == "['0123456789ab']"
    assert second.startswith("StorageError")
    assert "AUTOML_BRIDGE_HOME" in second
    assert sorted(path.name for path in folder.iterdir()) == before


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("mysql://host/name", "another kind"),
        ("nonsense", "not a database URL"),
        ("sqlite://", "in memory"),
        ("sqlite:///:memory:", "in memory"),
    ],
)
def test_a_url_that_cannot_be_a_store_is_a_config_error(url, words):
    with pytest.raises(ConfigError, match=words):
        RunStore(url)


def test_a_server_that_is_not_there_is_named_without_its_password():
    store = RunStore("postgresql://me:secret@127.0.0.1:1/runs?connect_timeout=2")
    with pytest.raises(StorageError, match=r"me:\*\*\*@127.0.0.1:1/runs") as error:
        store.all()
    assert "secret" not in str(error.value)


def test_importing_the_package_does_not_import_sqlalchemy():
    code = "import sys, automl_bridge, automl_bridge.session; print('sqlalchemy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_a_forked_child_opens_its_own_connection(store):
    add(store, run_of())
    inside = store.database._engine
    child = os.fork()
    if child == 0:
        os._exit(42 if len(store.all()) == 1 and store.database._engine is not inside else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 42
    assert len(store.all()) == 1


def test_a_store_that_was_removed_begins_anew(home):
    for _ in range(2):
        store = RunStore(f"sqlite:///{home / 'store.sqlite'}")
        add(store, run_of())
        assert len(store.all()) == 1
        shutil.rmtree(home)
