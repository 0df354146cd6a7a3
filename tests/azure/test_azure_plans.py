"""Plans: limits, caps, prices, what is refused before anything is sent, and what the money comes to."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from az_world import dataset, images, make_backend, predict_spec, series, texts, train_spec

from automl_bridge import registry
from automl_bridge.budget import Budget
from automl_bridge.costs.cost import cost_of
from automl_bridge.costs.estimate import estimate_of
from automl_bridge.costs.prices import PriceBook
from automl_bridge.costs.usage import Usage, UsageItem
from automl_bridge.errors import BudgetError, ConfigError, LimitError, SchemaError, UnsupportedError
from automl_bridge.task import Task
from automl_bridge_azure.limits import TABLE
from automl_bridge_azure.rates import prices

DOCS = Path(__file__).parents[2] / "docs"


def details(plan) -> dict:
    return plan.request["body"]["properties"]["taskDetails"]


def test_every_limit_is_sent(backend, binary):
    sent = backend.plan(train_spec(binary, budget=Budget(max_time=5400, max_trials=7))).limits_sent
    assert sent == {
        "maxConcurrentTrials": 1, "maxTrials": 7, "timeout": "PT1H30M", "enableEarlyTermination": True,
        "trialTimeout": "PT1H30M", "sweepConcurrentTrials": 0, "sweepTrials": 0,
    }  # fmt: skip
    plan = backend.plan(train_spec(binary, budget=Budget()))
    assert (plan.limits_sent["timeout"], plan.limits_sent["maxTrials"]) == ("PT6H", 1000)
    assert "without max_time or max_cost a timeout of 6 hours is sent" in plan.notes


def test_a_cap_in_dollars_is_guaranteed_and_switches_off_what_the_timeout_does_not_cover(backend, binary):
    free = backend.plan(train_spec(binary, budget=Budget(max_trials=5)))
    assert details(free)["trainingSettings"]["enableVoteEnsemble"] is True
    assert free.usage.worst is None
    assert any("no limit bounds them" in note for note in free.notes)
    timed = backend.plan(train_spec(binary, budget=Budget(max_time=3600)))
    assert not any(details(timed)["trainingSettings"].values())
    assert [item.quantity for item in timed.usage.worst.items] == pytest.approx([1, 16 / 60, 0.4])
    capped = backend.plan(train_spec(binary, budget=Budget(max_cost_usd=1), cap="strict"))
    assert capped.cap.kind == "guaranteed"
    assert not any(details(capped)["trainingSettings"].values())
    worst = estimate_of(capped.usage, prices()).worst.usd
    assert worst <= 1
    assert f"${worst:,.2f}" in capped.cap.because


@pytest.mark.parametrize("usd", [0.4, 0.5, 1, 2.5, 7, 40])
@pytest.mark.parametrize("nodes", [1, 3])
def test_the_worst_case_of_a_capped_run_is_within_its_cap_and_uses_it(tmp_path, binary, usd, nodes):
    backend = make_backend(tmp_path, nodes=nodes)
    try:
        plan = backend.plan(train_spec(binary, budget=Budget(max_cost_usd=usd)))
    except BudgetError as error:
        least = float(re.search(r"\$([\d.]+) or more", error.hint)[1])
        assert least > usd
        assert backend.plan(train_spec(binary, budget=Budget(max_cost_usd=least))).cap.kind == "guaranteed"
        return
    worst = estimate_of(plan.usage, prices()).worst.usd
    # A minute of all nodes is what rounding to whole minutes may leave.
    assert usd - 0.293 * nodes / 60 - 0.01 <= worst <= usd


def test_worked_bills():
    """Bills that others have worked out: 16 nodes for a month (infracost), and minutes of one machine."""
    book = prices()
    cases = [
        ("Standard_D16s_v3", "westeurope", 16 * 730, 11212.80),
        ("Standard_DS12_v2", "westeurope", 16 * 730, 4426.72),
        ("Standard_D4s_v3", "westeurope", 16 * 730, 2803.20),
        # The run of the dump: 559.6 s of one machine, billed by the second (560).
        ("Standard_DS3_v2", "eastus", 559.5983759 / 3600, 560 / 3600 * 0.293),
    ]
    for sku, region, hours, usd in cases:
        usage = Usage(items=(UsageItem(sku=sku, quantity=hours, unit="hour", region=region),))
        assert cost_of(usage, book).usd == pytest.approx(usd, abs=0.005)


def test_a_run_that_predicts_its_holdout_is_priced_with_it(backend, binary):
    plan = backend.plan(train_spec(binary, budget=Budget(max_time=3600, max_cost_usd=5)))
    assert [item.part for item in plan.usage.worst.items] == ["training", "prediction", "idle"]
    training, prediction, idle = (item.quantity for item in plan.usage.worst.items)
    # An hour; a quarter of an hour and a minute for the rows; twelve minutes for start and idle time of both machines.
    assert training == pytest.approx(1)
    assert prediction == pytest.approx(16 / 60)
    assert idle == pytest.approx(2 * 0.2)


def test_start_and_idle_time_of_every_machine_is_expected(tmp_path, binary):
    """A machine bills while it starts and idles: two minutes by default, and a start that nobody documents."""
    for nodes in (1, 3):
        usage = make_backend(tmp_path, nodes=nodes).plan(train_spec(binary, budget=Budget(max_time=3600))).usage
        low, likely, high = (part.items[-1] for part in (usage.low, usage.likely, usage.high))
        assert low.part == likely.part == high.part == "idle"
        start, idle = 0.08, 120 / 3600
        assert likely.quantity == pytest.approx((nodes + 1) * (start + idle))
        assert high.quantity - low.quantity == pytest.approx((nodes + 1) * 1.5 * start)


def test_an_unknown_price_is_refused_and_a_price_of_ones_own_is_taken(tmp_path, binary):
    backend = make_backend(tmp_path, instance_type="Standard_D64s_v5")
    spec = train_spec(binary, budget=Budget(max_cost_usd=5))
    with pytest.raises(UnsupportedError, match="no price is known for Standard_D64s_v5 in eastus"):
        backend.plan(spec)
    assert backend.plan(train_spec(binary)).cap.kind == "none"
    row = prices().price("Standard_DS3_v2", "eastus", "hour")
    backend.prices = PriceBook([row.model_copy(update={"sku": "Standard_D64s_v5", "usd": 3.0})])
    assert backend.plan(spec).cap.kind == "guaranteed"


def test_a_predict_job_has_a_timeout_within_what_is_left(backend, binary):
    plan = backend.plan(predict_spec(binary, budget=Budget(max_cost_usd=5)))
    assert plan.cap.kind == "guaranteed"
    assert plan.limits_sent == {"timeout": "PT16M"}
    tight = backend.plan(predict_spec(binary, budget=Budget(max_cost_usd=0.10)))
    assert tight.limits_sent == {"timeout": "PT8M"}
    assert estimate_of(tight.usage, prices()).worst.usd <= 0.10
    with pytest.raises(BudgetError, match="too little to predict"):
        backend.plan(predict_spec(binary, budget=Budget(max_cost_usd=0.05)))


def test_a_big_table_needs_more_than_an_hour(backend, binary):
    rows = {**binary.profile.rows, "train": 3_000_000}
    big = binary.profile.model_copy(update={"rows": rows})
    spec = train_spec(binary).model_copy(update={"profile": big})
    with pytest.raises(BudgetError, match="more than 10 million cells") as caught:
        backend.plan(spec)
    assert caught.value.limit == "azure.tabular.long_timeout"
    assert "1h 01m" in caught.value.hint
    longer = spec.model_copy(update={"budget": Budget(max_time=3660)})
    assert backend.plan(longer).limits_sent["timeout"] == "PT1H1M"


@pytest.mark.parametrize(
    ("changes", "settings", "kind", "limit"),
    [
        ({"budget": Budget(max_time=60)}, {}, BudgetError, "azure.tabular.timeout"),
        ({"budget": Budget(max_trials=1001)}, {}, LimitError, "azure.tabular.max_trials"),
        ({"budget": Budget(max_cost_usd=0.01)}, {}, BudgetError, None),
        ({}, {"tags": {f"t{n}": "x" for n in range(49)}}, LimitError, "azure.all.max_tags"),
        ({}, {"tags": {"t": "x" * 1001}}, LimitError, "azure.all.max_tags"),
        ({}, {"tier": "Spot", "compute": "cpu"}, ConfigError, None),
        ({"budget": Budget(max_cost_usd=5)}, {"ensembles": True}, UnsupportedError, None),
        ({"continues": "ab-1"}, {}, UnsupportedError, None),
        ({"target": ("target", "count")}, {}, UnsupportedError, None),
        ({"task": Task.IMAGE_REGRESSION}, {}, UnsupportedError, None),
    ],
)
def test_what_the_service_does_not_take_is_refused_with_its_limit(tmp_path, binary, changes, settings, kind, limit):
    with pytest.raises(kind) as caught:
        make_backend(tmp_path, **settings).plan(train_spec(binary).model_copy(update=changes))
    assert caught.value.limit == limit
    assert limit is None or caught.value.source == TABLE.limit(limit).source


def test_too_few_rows_are_told_with_the_source(backend):
    _, built = dataset(60)
    with pytest.raises(LimitError, match="at least 50 rows for training") as caught:
        backend.plan(train_spec(built))
    assert caught.value.limit == "azure.tabular.min_rows"
    task, built = texts(40)
    with pytest.raises(LimitError) as caught:
        backend.plan(train_spec(built, task=task, metric="accuracy"))
    assert caught.value.limit == "azure.text.min_rows"
    task, built = images(10)
    with pytest.raises(LimitError) as caught:
        backend.plan(train_spec(built, task=task, metric="accuracy"))
    assert caught.value.limit == "azure.image.min_images"


def test_images_and_texts_need_a_gpu_and_one_column(tmp_path, binary):
    task, built = texts()
    spec = train_spec(built, task=task, metric="accuracy")
    with pytest.raises(LimitError) as caught:
        make_backend(tmp_path, gpu_instance_type="Standard_DS3_v2").plan(spec)
    assert caught.value.limit == "azure.text.gpu"
    with pytest.raises(SchemaError, match="exactly one text column"):
        make_backend(tmp_path).plan(train_spec(binary, task=task, metric="accuracy"))
    sizes = make_backend(tmp_path).plan(spec).request["body"]["properties"]["resources"]
    assert sizes == {"instanceType": "Standard_NC4as_T4_v3", "instanceCount": 1}


def test_steps_are_written_as_an_older_pandas_reads_them(backend):
    task, built = series()
    spec = train_spec(built, task=task, metric="mase", forecast=built.forecast)
    for given, sent in (("h", "H"), ("15min", "15T"), ("MS", "MS"), ("W-SUN", "W-SUN"), ("ME", "M"), ("YS", "AS")):
        changed = built.forecast.model_copy(update={"freq": given})
        plan = backend.plan(spec.model_copy(update={"forecast": changed}))
        assert details(plan)["forecastingSettings"]["frequency"] == sent
    for given in ("s", "1"):
        changed = built.forecast.model_copy(update={"freq": given})
        with pytest.raises(LimitError):
            backend.plan(spec.model_copy(update={"forecast": changed}))


def test_a_bare_plan_says_what_is_missing_and_needs_no_sdk(binary, tmp_path):
    from automl_bridge_azure import AzureBackend
    from automl_bridge_azure.settings import AzureSettings

    plan = AzureBackend(AzureSettings(), tmp_path).plan(train_spec(binary))
    assert "subscription_id and resource_group and workspace must be set before this can run" in plan.notes
    script = (
        "import sys, json\nfrom pathlib import Path\nfrom automl_bridge.spec import JobSpec\n"
        "from automl_bridge_azure import AzureBackend\nfrom automl_bridge_azure.settings import AzureSettings\n"
        "AzureBackend(AzureSettings(), Path('.')).plan(JobSpec.model_validate_json(sys.stdin.read()))\n"
        "print([m for m in sys.modules if m.startswith(('azure.ai', 'azure.core', 'azure.identity'))])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], input=train_spec(binary).model_dump_json(), text=True,
        capture_output=True, check=True,
    )  # fmt: skip
    assert json.loads(done.stdout) == []


@pytest.mark.parametrize(
    ("metric", "classes", "name", "exact"),
    [
        ("roc_auc", 2, "AUC_weighted", True),
        ("accuracy", 3, "accuracy", True),
        ("balanced_accuracy", 3, "norm_macro_recall", True),
        ("log_loss", 3, "AUC_weighted", False),
        ("roc_auc", 3, "AUC_weighted", False),
        ("f1", 2, "average_precision_score_weighted", False),
    ],
)
def test_objectives_are_exact_or_said_to_be_the_nearest(backend, metric, classes, name, exact):
    _, built = dataset(600, tuple("abc"[:classes]))
    objective = backend.plan(train_spec(built, metric=metric)).objective
    assert (objective.name, objective.exact) == (name, exact)
    if not exact:
        with pytest.raises(UnsupportedError, match="the nearest is"):
            backend.plan(train_spec(built, metric=metric, objective="exact"))


def test_limits_are_data_with_a_source_and_the_page_is_theirs():
    assert len(TABLE.rows) > 100
    for one in TABLE.rows.values():
        assert one.source
        assert one.severity in {"refuse", "warn"}
        assert one.id.startswith("azure.")
    assert (DOCS / "azure-limits.md").read_text("utf-8").endswith(TABLE.page())


def test_every_limit_that_the_code_names_exists():
    folder = Path(registry.load_class("azure", installed=False).__module__.replace(".", "/"))
    assert folder.name == "adapter"
    import automl_bridge_azure

    home = Path(automl_bridge_azure.__file__).parent
    named = {
        name
        for file in home.glob("*.py")
        for name in re.findall(r'"(azure\.[a-z]+\.[a-z_]+)"', file.read_text("utf-8"))
    }
    assert {name for name in named if not name.startswith("azure.ai")} - {"azure.storage.blob"} <= set(TABLE.rows)
