"""Search spaces and callbacks of the user's: everything else stays."""

from __future__ import annotations

import json

import numpy as np
import pytest
from pydantic import ValidationError
from test_media import digits, reviews

from automl_bridge.backend import JobState
from automl_bridge.budget import Budget
from automl_bridge.data.build import build_dataset
from automl_bridge.errors import UsageError
from automl_bridge.scoring import score
from automl_bridge_autokeras import AutoKerasSettings
from automl_bridge_autokeras.request import search_key


def search(bench, source, y, task, metric, trials=1, **settings):
    found, dataset = build_dataset(source, y=y, task=task)
    spec = bench.spec(dataset, found, "target", metric, budget=Budget(max_trials=trials))
    return dataset, bench.run(spec, dataset, **settings)


def test_a_builder_of_autokeras_own_blocks(bench, tmp_path):
    pixels, labels = digits(300)
    settings = {"search_space": "autokeras_spaces:picture_net", "epochs": 8}
    dataset, outcome = search(bench, pixels, labels, "image-classification", "accuracy", **settings)
    assert outcome.state is JobState.SUCCEEDED, outcome.failure
    assert "conv_block" in outcome.trials[0].model
    outputs = bench.predict(outcome, dataset.features("holdout"))
    assert score("accuracy", outputs, dataset.target_codes("holdout")) > 0.4


def test_a_node_without_a_head_and_the_words_of_a_text(bench):
    said, classes = reviews()
    settings = {"search_space": "autokeras_spaces:word_net", "epochs": 20}
    _, outcome = search(bench, said, classes, "text-classification", "accuracy", **settings)
    assert outcome.state is JobState.SUCCEEDED, outcome.failure
    assert bench.predict(outcome, ["so good", ""]).shape == (2, 2)
    assert outcome.trials[0].score > 0.8


def test_our_own_arrays_in_the_users_graph(bench, mixed):
    fit = bench.fit(mixed, "outcome", "roc_auc", epochs=8, search_space="autokeras_spaces:own_arrays")
    assert fit.outcome.state is JobState.SUCCEEDED, fit.outcome.failure
    assert bench.predict(fit.outcome, fit.dataset.features("holdout")).shape == (80, 2)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("wrong_modality", "ImageInput"),
        ("no_graph", "returned a int"),
        ("raises", "ZeroDivisionError"),
        ("nowhere", "there is no"),
    ],
)
def test_a_builder_that_is_wrong_fails_the_job_in_words(bench, mixed, name, words):
    fit = bench.fit(mixed, "outcome", "roc_auc", search_space=f"autokeras_spaces:{name}")
    assert fit.outcome.state is JobState.FAILED
    assert fit.outcome.failure.kind == "data"
    assert words in fit.outcome.failure.message


def test_callbacks_hear_of_epochs_and_can_stop(bench, mixed):
    fit = bench.fit(mixed, "outcome", "roc_auc", epochs=50, callbacks=["autokeras_spaces:Diary"])
    assert fit.outcome.state is JobState.SUCCEEDED, fit.outcome.failure
    heard = [json.loads(line) for line in (bench.workspace / "diary.jsonl").read_text().splitlines()]
    assert [each["epoch"] for each in heard] == [0, 1, 2]
    assert {"loss", "val_loss", "val_roc_auc"} <= set(heard[0])
    assert fit.outcome.trials[0].epochs == 3


def test_what_is_no_callback_is_refused(bench, mixed):
    fit = bench.fit(mixed, "outcome", "roc_auc", callbacks="autokeras_spaces:NOT_A_CALLBACK")
    assert fit.outcome.state is JobState.FAILED
    assert "no Keras callback" in fit.outcome.failure.message


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_an_automodel_itself(bench, mixed, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    import autokeras as ak

    table = ak.StructuredDataInput()
    model = ak.AutoModel(table, ak.ClassificationHead()(ak.StructuredDataBlock()(table)), max_trials=77)
    fit = bench.fit(mixed, "outcome", "roc_auc", epochs=8, search_space=model)
    assert fit.outcome.state is JobState.SUCCEEDED, fit.outcome.failure
    assert len(fit.outcome.trials) == 1
    assert fit.outcome.trials[0].score > 0.8


@pytest.mark.slow
def test_inputs_and_heads_alone(bench, mixed):
    fit = bench.fit(mixed, "outcome", "roc_auc", epochs=8, search_space="autokeras_spaces:ends_only")
    assert fit.outcome.state is JobState.SUCCEEDED, fit.outcome.failure
    assert "structured_data_block" in fit.outcome.trials[0].model


def test_other_code_is_another_search(tmp_path):
    from test_request import make_spec

    file = tmp_path / "mine.py"
    file.write_text("def build(data): return 1\n")
    spec, settings = make_spec(), AutoKerasSettings(search_space=f"{file}:build")
    first = search_key(spec, settings)
    assert first == search_key(spec, AutoKerasSettings(search_space=f"{file}:build"))
    file.write_text("def build(data): return 2\n")
    assert len({first, search_key(spec, settings), search_key(spec, AutoKerasSettings())}) == 3


def test_a_module_that_is_nowhere_is_refused_in_the_plan(bench):
    from test_request import make_spec

    with pytest.raises(UsageError, match=r"no module or file for nowhere\.at_all:build"):
        bench.backend(search_space="nowhere.at_all:build").plan(make_spec())


def top_level(data):
    return data


def test_functions_are_kept_by_name_or_as_text():
    assert AutoKerasSettings(search_space=top_level).search_space == "test_custom:top_level"
    assert AutoKerasSettings(callbacks="a:B, c.d:E").callbacks == ("a:B", "c.d:E")
    count = 3
    for wrong in (lambda data: data, lambda data: data * count, "no colon", np.zeros(3)):
        with pytest.raises(ValidationError):
            AutoKerasSettings(search_space=wrong)


def test_functions_of_the_program_itself(tmp_path, monkeypatch):
    import sys
    from importlib.machinery import ModuleSpec
    from types import ModuleType

    main = ModuleType("__main__")
    monkeypatch.setitem(sys.modules, "__main__", main)
    monkeypatch.setattr(top_level, "__module__", "__main__")
    main.__spec__ = ModuleSpec("package.train", None)
    assert AutoKerasSettings(search_space=top_level).search_space == "package.train:top_level"
    main.__spec__ = None
    main.__file__ = str(tmp_path / "train.py")
    (tmp_path / "train.py").write_text("import math\ndef top_level(data): return math.pi\nfit()\n")
    kept = AutoKerasSettings(search_space=top_level).search_space
    assert kept["name"] == "top_level"
    assert "fit()" not in kept["source"]
    del main.__file__  # a notebook
    assert "return data" in AutoKerasSettings(search_space=top_level).search_space["source"]


def test_a_scripts_statements_do_not_run_again(tmp_path):
    from automl_bridge_autokeras.references import _definitions, load

    script = "import math\nSIZE = 3\nprint('fits')\nMODEL = open('x')\n\ndef build(data):\n    return math.pi * SIZE\n"
    source = _definitions(script)
    assert "print" not in source
    assert "open" not in source
    assert load({"source": source, "name": "build"})(None) == pytest.approx(9.42, abs=0.01)
