"""Plans: limits refused with id and source, caps said for what they are, budgets that do not fit."""

from __future__ import annotations

import pytest
from sm_world import dataset, make_backend, predict_spec, settings, train_spec

from automl_bridge.budget import Budget
from automl_bridge.capabilities import Feature
from automl_bridge.errors import BudgetError, ConfigError, LimitError, SchemaError, UnsupportedError
from automl_bridge.task import Task
from automl_bridge_sagemaker.limits import TABLE
from automl_bridge_sagemaker.planning import plan_predict, plan_train
from automl_bridge_sagemaker.rates import prices, rate


def dollars(usage, region="us-east-1"):
    return sum(item.quantity * prices().price(item.sku, region, item.unit).usd for item in usage.items)


def test_too_few_rows_name_limit_source_and_way_out(backend):
    spec = train_spec(dataset(300, name="tiny.csv")[1])
    with pytest.raises(LimitError) as caught:
        backend.plan(spec)
    assert caught.value.limit == "sagemaker.tabular.min_rows"
    assert caught.value.source.startswith("https://docs.aws.amazon.com/")
    assert "at least 500 rows" in caught.value.message
    assert "tiny.csv has 192 for training" in caught.value.message
    assert "--backend autokeras or baseline take 192 rows" in caught.value.hint
    assert caught.value.exit_code == 2


def test_a_plan_is_the_same_twice_and_names_what_it_creates(backend, tmp_path, binary):
    spec = train_spec(binary)
    plan = backend.plan(spec)
    assert plan == make_backend(tmp_path).plan(spec)
    assert [(one.kind, one.temporary) for one in plan.resources] == [
        ("AutoML job", True), ("staged data", False), ("job files", False),
    ]  # fmt: skip
    assert plan.request["AutoMLJobName"] == spec.name


def test_a_dollar_cap_is_watched_and_the_limits_sent_come_to_no_more(binary):
    for usd, region in ((3.0, "us-east-1"), (5.0, "ap-south-1"), (50.0, "us-east-1")):
        plan = plan_train(train_spec(binary, budget=Budget(max_cost_usd=usd)), settings(region=region))
        assert plan.cap.kind == "watched"
        assert "SageMaker bounds hours, not instances; at 4 × ml.m5.4xlarge in parallel" in plan.cap.because
        hours = plan.limits_sent["MaxAutoMLJobRuntimeInSeconds"] / 3600
        worst = 4 * hours * rate("Training", "ml.m5.4xlarge", region)
        assert worst <= usd
        # As tight as it goes, but no tighter: another ten minutes would not fit.
        assert worst + 4 / 6 * rate("Training", "ml.m5.4xlarge", region) > usd - 0.1


def test_a_cap_without_a_price_is_refused(binary):
    with pytest.raises(UnsupportedError, match=r"no price is known for ml\.m5\.4xlarge in eu-north-1"):
        plan_train(train_spec(binary, budget=Budget(max_cost_usd=5)), settings(region="eu-north-1"))


def test_a_strict_cap_is_refused_with_the_reason(backend, binary):
    spec = train_spec(binary, budget=Budget(max_cost_usd=5), cap="strict")
    with pytest.raises(UnsupportedError, match="it bounds hours only"):
        backend.plan(spec)
    assert "hours only" in backend.capabilities.reason(Feature.GUARANTEED_CAP)


def test_a_budget_that_no_job_fits_names_the_least(binary):
    with pytest.raises(BudgetError, match="too little for a SageMaker Autopilot job") as caught:
        plan_train(train_spec(binary, budget=Budget(max_cost_usd=0.05)), settings())
    least = float(caught.value.hint.split("$")[1].split()[0])
    plan_train(train_spec(binary, budget=Budget(max_cost_usd=least)), settings())
    with pytest.raises(BudgetError, match="too short") as caught:
        plan_train(train_spec(binary, budget=Budget(max_time=30)), settings())
    assert caught.value.limit == "sagemaker.all.min_runtime"


def test_time_and_trials_become_native_limits(binary):
    plan = plan_train(train_spec(binary, budget=Budget(max_time="20m", max_trials=4)), settings())
    assert plan.limits_sent == {
        "MaxCandidates": 4,
        "MaxRuntimePerTrainingJobInSeconds": 1200,
        "MaxAutoMLJobRuntimeInSeconds": 1200,
    }
    assert plan.duration[1] <= 1200
    with pytest.raises(LimitError) as caught:
        plan_train(train_spec(binary, budget=Budget(max_trials=751)), settings())
    assert caught.value.limit == "sagemaker.tabular.max_candidates"


def test_usage_is_in_order_and_the_worst_case_is_what_the_limits_allow(binary):
    plan = plan_train(
        train_spec(binary, budget=Budget(max_time="1h")), settings(region="us-west-2", assumed_instance="ml.m5.xlarge")
    )
    totals = [
        sum(item.quantity for item in part.items) for part in (plan.usage.low, plan.usage.likely, plan.usage.high)
    ]
    assert totals == sorted(totals)
    training = [item for item in plan.usage.worst.items if item.part == "training"]
    assert sum(item.quantity for item in training) == pytest.approx(4.0)
    assert {item.sku for item in plan.usage.worst.items} == {"Training:ml.m5.xlarge", "BatchTransform:ml.m5.xlarge"}
    assert dollars(plan.usage.worst, "us-west-2") == pytest.approx(4 * 0.23, abs=0.2)


def test_no_limit_at_all_is_said(binary):
    plan = plan_train(train_spec(binary, budget=Budget()), settings())
    assert "30 days" in " ".join(plan.notes)
    assert plan.limits_sent == {}
    assert plan.cap.kind == "none"


@pytest.mark.parametrize(
    ("changes", "limit"),
    [
        ({"mode": "AUTO", "algorithms": ("xgboost",)}, "sagemaker.tabular.algorithms_with_auto"),
        ({"mode": "ENSEMBLING", "algorithms": ("mlp",)}, "sagemaker.tabular.algorithms_ensembling"),
        ({"mode": "HYPERPARAMETER_TUNING", "algorithms": ("catboost",)}, "sagemaker.tabular.algorithms_hpo"),
        ({"tags": {str(n): "" for n in range(49)}}, "sagemaker.all.max_tags"),
        ({"tags": {"x" * 129: ""}}, "sagemaker.all.tag_key_length"),
        ({"tags": {"x": "y" * 257}}, "sagemaker.all.tag_value_length"),
        ({"bucket": "b" * 400, "prefix": "p" * 100}, "sagemaker.all.output_path_length"),
    ],
)
def test_settings_that_the_service_refuses(binary, changes, limit):
    with pytest.raises(LimitError) as caught:
        plan_train(train_spec(binary), settings(**changes))
    assert caught.value.limit == limit
    assert caught.value.source == TABLE.rows[limit].source


def test_weights_need_ensembling():
    import numpy as np

    weighted = dataset(weight=np.ones(1200))[1]
    plan = plan_train(train_spec(weighted), settings())
    config = plan.request["AutoMLProblemTypeConfig"]["TabularJobConfig"]
    assert config["Mode"] == "ENSEMBLING"
    assert config["SampleWeightAttributeName"]
    with pytest.raises(LimitError) as caught:
        plan_train(train_spec(weighted), settings(mode="HYPERPARAMETER_TUNING"))
    assert caught.value.limit == "sagemaker.tabular.sample_weight"


def test_a_role_that_is_none_and_half_a_vpc(binary):
    with pytest.raises(ConfigError, match="is not the ARN of an IAM role"):
        plan_train(train_spec(binary), settings(role_arn="arn:aws:iam::1:user/somebody"))
    with pytest.raises(ConfigError, match="go together"):
        plan_train(train_spec(binary), settings(subnets=("subnet-1",)))


def test_without_bucket_and_role_a_plan_says_so(binary):
    plan = plan_train(train_spec(binary), settings(bucket=None, role_arn=None))
    assert any("bucket and role_arn must be set" in note for note in plan.notes)


def test_tasks_that_it_cannot_do_say_why(backend, binary):
    for task in Task:
        reason = backend.capabilities.reason(task)
        if reason is not None:
            with pytest.raises(UnsupportedError) as caught:
                backend.plan(train_spec(binary, task=task))
            assert reason in caught.value.message


def test_text_takes_one_text_column(backend, binary):
    with pytest.raises(SchemaError, match="exactly one text column") as caught:
        backend.plan(train_spec(binary, task=Task.TEXT_CLASSIFICATION, metric="accuracy"))
    assert caught.value.limit == "sagemaker.text.columns"


def test_it_cannot_resume_and_predicts_only_with_its_own_models(backend, binary):
    with pytest.raises(UnsupportedError, match="cannot continue ab-1"):
        backend.plan(train_spec(binary, continues="ab-1"))
    spec = predict_spec(binary)
    other = spec.model.model_copy(update={"backend": "vertex"})
    with pytest.raises(UnsupportedError, match="models that it trained itself"):
        backend.plan(spec.model_copy(update={"model": other}))


def test_predicting_leaves_nothing(binary):
    plan = plan_predict(predict_spec(binary), settings())
    assert {one.kind for one in plan.resources} == {"model", "transform job", "job files"}
    assert all(one.temporary for one in plan.resources)


def test_settings_come_from_variables_as_text():
    found = settings(subnets="subnet-1, subnet-2", tags="team=risk,stage=test", security_group_ids="sg-1")
    assert found.subnets == ("subnet-1", "subnet-2")
    assert found.tags == {"team": "risk", "stage": "test"}
    assert settings(tags='{"team": "a=b"}').tags == {"team": "a=b"}


def test_every_limit_has_a_source_and_every_price_a_date():
    assert len(TABLE.rows) > 100
    for one in TABLE.rows.values():
        assert one.id.startswith("sagemaker.")
        assert one.source
        assert one.severity in {"refuse", "warn"}
    for price in prices():
        assert price.usd > 0
        assert price.confidence in {"high", "medium", "low"}
        assert not (price.source_url.startswith("unlinked") and price.confidence == "high")
