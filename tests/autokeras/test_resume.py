"""Search folders after a kill: half-written files, a crashed trial, trials of an earlier job."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from automl_bridge_autokeras import resume


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A search with a finished trial and one that runs."""
    folder = tmp_path / "search"
    for trial_id, status in (("00", "COMPLETED"), ("01", "RUNNING")):
        (folder / f"trial_{trial_id}").mkdir(parents=True)
        trial = {"trial_id": trial_id, "status": status, "message": None, "score": None}
        (folder / f"trial_{trial_id}" / "trial.json").write_text(json.dumps(trial))
    oracle = {
        "ongoing_trials": {"tuner0": "01"},
        "start_order": ["00", "01"],
        "end_order": ["00"],
        "run_times": {"00": 1},
        "retry_queue": [],
    }
    (folder / "oracle.json").write_text(json.dumps(oracle))
    return folder


def read(project: Path, name: str) -> dict:
    return json.loads((project / name).read_text())


def test_an_interrupted_trial_is_left_to_be_tried_again(project):
    resume.mend(project, crashed=False)
    assert read(project, "oracle.json")["ongoing_trials"] == {"tuner0": "01"}
    assert read(project, "trial_01/trial.json")["status"] == "RUNNING"


def test_a_trial_that_crashed_its_worker_is_failed(project):
    resume.mend(project, crashed=True)
    oracle = read(project, "oracle.json")
    assert oracle["ongoing_trials"] == {}
    assert oracle["end_order"] == ["00", "01"]
    trial = read(project, "trial_01/trial.json")
    assert trial["status"] == "FAILED"
    assert "died" in trial["message"]


def test_a_half_written_oracle_is_replaced_by_its_copy(project):
    resume.keep_copy(project)
    (project / "oracle.json").write_text('{"ongoing_tri')
    resume.mend(project, crashed=False)
    assert read(project, "oracle.json")["start_order"] == ["00", "01"]


def test_a_copy_from_before_the_end_of_a_trial_learns_of_it(project):
    """The copy is kept when a trial has ended and the oracle does not know yet; another has begun since."""
    older = read(project, "oracle.json") | {"ongoing_trials": {"tuner0": "00"}, "start_order": ["00"], "end_order": []}
    (project / "oracle.copy.json").write_text(json.dumps(older))
    (project / "oracle.json").write_text("")
    resume.mend(project, crashed=False)
    oracle = read(project, "oracle.json")
    assert oracle["ongoing_trials"] == {}
    assert (oracle["start_order"], oracle["end_order"]) == (["00", "01"], ["00"])
    assert oracle["retry_queue"] == ["01"]


def test_a_half_written_trial_is_forgotten(project):
    (project / "trial_01" / "trial.json").write_text("{")
    resume.mend(project, crashed=False)
    oracle = read(project, "oracle.json")
    assert oracle["start_order"] == ["00"]
    assert oracle["ongoing_trials"] == {}
    assert not (project / "trial_01").exists()


def test_nothing_to_save_is_started_anew(project):
    (project / "oracle.json").write_text("")
    resume.mend(project, crashed=False)
    assert not project.exists()
    resume.mend(project, crashed=True)  # a folder that is not there is no error


def test_adopting_copies_and_leaves_the_earlier_one(project, tmp_path):
    mine = tmp_path / "mine" / "search"
    mine.parent.mkdir()
    assert resume.adopt(project, mine)
    assert read(mine, "oracle.json") == read(project, "oracle.json")
    assert not resume.adopt(project, mine)
    assert not resume.adopt(tmp_path / "nothing", tmp_path / "other")


def test_trials_of_worker_processes_are_taken_first_and_never_blamed(project):
    oracle = read(project, "oracle.json")
    (project / "oracle.json").write_text(json.dumps({**oracle, "ongoing_trials": {"worker-7-0": "01"}}))
    resume.mend(project, crashed=True)
    oracle = read(project, "oracle.json")
    assert oracle["ongoing_trials"] == {}
    assert oracle["retry_queue"] == ["01"]
    assert read(project, "trial_01/trial.json")["status"] == "RUNNING"
    resume.mend(project, crashed=True)
    assert read(project, "oracle.json")["retry_queue"] == ["01"]
