"""Plans: limits refused with id and source, caps that the service keeps, budgets that do not fit, what comes first."""

from __future__ import annotations

import numpy as np
import pytest
from vx_world import dataset, make_backend, model_ref, pictures, predict_spec, series, settings, train_spec

from automl_bridge.budget import Budget
from automl_bridge.capabilities import Feature
from automl_bridge.costs.cost import cost_of
from automl_bridge.costs.prices import Price, PriceBook
from automl_bridge.errors import BudgetError, ConfigError, LimitError, SchemaError, UnsupportedError
from automl_bridge.spec import Kind
from automl_bridge.task import Task
from automl_bridge_vertex.limits import TABLE
from automl_bridge_vertex.planning import plan_predict, plan_train
from automl_bridge_vertex.rates import prices


def changed(spec, **profile):
    return spec.model_copy(update={"profile": spec.profile.model_copy(update=profile)})


def test_too_few_rows_name_limit_source_and_way_out(backend):
    spec = train_spec(dataset(600, name="tiny.csv")[1])
    with pytest.raises(LimitError) as caught:
        backend.plan(spec)
    assert caught.value.limit == "vertex.tabular.min_rows"
    assert caught.value.source.startswith("https://docs.cloud.google.com/")
    assert "at least 1,000 rows" in caught.value.message
    assert "tiny.csv has 480 for training" in caught.value.message
    assert "--backend autokeras or baseline take 480 rows" in caught.value.hint
    assert caught.value.exit_code == 2


def test_a_plan_is_the_same_twice_and_names_what_it_creates(backend, tmp_path, binary):
    spec = train_spec(binary)
    plan = backend.plan(spec)
    assert plan == make_backend(tmp_path).plan(spec)
    assert [(one.kind, one.temporary) for one in plan.resources] == [
        ("dataset", True), ("training pipeline", True), ("model", False), ("staged data", False), ("job files", False),
    ]  # fmt: skip


def test_the_least_budget_is_what_the_plan_says_first(binary):
    plan = plan_train(train_spec(binary), settings())
    assert plan.limits_sent == {"trainBudgetMilliNodeHours": 1000}
    assert plan.notes[0].startswith("the least budget of Vertex AI is 1 node hour, $21.25 in us-central1")
    images = plan_train(train_spec(pictures(), task=Task.IMAGE_CLASSIFICATION, metric="accuracy"), settings())
    assert images.limits_sent == {"budgetMilliNodeHours": 8000}
    assert images.notes[0].startswith("the least budget of Vertex AI is 8 node hours, $27.72")


@pytest.mark.parametrize("usd", [21.9, 30.0, 100.0, 5000.0])
@pytest.mark.parametrize("region", ["us-central1", "europe-west4"])
def test_a_cap_is_guaranteed_and_all_of_it_fits_within(binary, usd, region):
    plan = plan_train(train_spec(binary, budget=Budget(max_cost_usd=usd), cap="strict"), settings(location=region))
    milli = plan.limits_sent["trainBudgetMilliNodeHours"]
    assert 1000 <= milli <= 72000
    assert plan.cap.kind == "guaranteed"
    assert f"{milli:,} milli node hours" in plan.cap.because
    training = milli / 1000 * 21.252
    worst = cost_of(plan.usage.worst, prices())
    assert training <= usd
    assert worst.parts["training"] == pytest.approx(training, abs=0.2)
    if region == "us-central1":
        # What predicting the holdout may come to is in it, too; and nothing is left that would buy more.
        assert worst.usd <= usd
        assert milli == 72000 or worst.usd > usd - 0.25
    else:
        assert "is not known" in plan.cap.because


def test_a_cap_below_the_least_is_refused_with_the_least_that_would_do(binary):
    for data, task, least in (
        (binary, Task.TABULAR_CLASSIFICATION, 21.252),
        (pictures(), Task.IMAGE_CLASSIFICATION, 27.72),
    ):
        with pytest.raises(BudgetError) as caught:
            plan_train(train_spec(data, task=task, metric="log_loss", budget=Budget(max_cost_usd=5)), settings())
        assert "_budget" in caught.value.limit
        assert caught.value.source
        needed = float(caught.value.hint.split("$")[1].split()[0])
        assert least < needed < least + 5
        enough = plan_train(
            train_spec(data, task=task, metric="log_loss", budget=Budget(max_cost_usd=needed)), settings()
        )
        assert min(enough.limits_sent.values()) >= 1000
        with pytest.raises(BudgetError):
            plan_train(
                train_spec(data, task=task, metric="log_loss", budget=Budget(max_cost_usd=needed - 0.02)), settings()
            )


def test_a_cap_without_a_price_is_refused(binary):
    with pytest.raises(UnsupportedError, match=r"no price is known for Training:tabular in africa-south1") as caught:
        plan_train(train_spec(binary, budget=Budget(max_cost_usd=50)), settings(location="africa-south1"))
    assert "prices" in caught.value.hint
    plan = plan_train(train_spec(binary), settings(location="africa-south1"))
    assert "is not known" in plan.notes[0]


def test_prices_of_the_configuration_are_what_a_cap_is_planned_with(backend, binary):
    row = {"provider": "gcp", "service": "Vertex AI AutoML", "region": "us-central1", "source_url": "contract"}
    own = {**row, "source_date": "2026-11-01", "confidence": "high"}
    backend.prices = PriceBook(
        [
            Price(**own, sku="Training:tabular", unit="node-hour", usd=10.0),
            Price(**own, sku="Inference:n1-standard-4", unit="instance-hour", usd=0.1),
        ]
    )
    plan = backend.plan(train_spec(binary, budget=Budget(max_cost_usd=50)))
    assert 4900 < plan.limits_sent["trainBudgetMilliNodeHours"] < 5000


@pytest.mark.parametrize(
    ("time", "milli", "says"),
    [("30m", 1000, "cannot be kept"), ("2h", 2000, "hours of one node"), ("90h", 72000, "no limit on the wall clock")],
)
def test_hours_become_node_hours_and_it_is_said_that_they_are_not_the_same(binary, time, milli, says):
    plan = plan_train(train_spec(binary, budget=Budget(max_time=time)), settings())
    assert plan.limits_sent == {"trainBudgetMilliNodeHours": milli}
    assert any(says in note for note in plan.notes[:2])


def test_hours_of_images_are_hours_of_eight_nodes():
    spec = train_spec(pictures(), task=Task.IMAGE_CLASSIFICATION, metric="log_loss", budget=Budget(max_time="2h"))
    assert plan_train(spec, settings()).limits_sent == {"budgetMilliNodeHours": 16000}
    mobile = plan_train(spec, settings(model_type="MOBILE_TF_VERSATILE_1"))
    assert mobile.limits_sent == {"budgetMilliNodeHours": 2000}


def test_the_smaller_of_time_and_money_is_sent(binary):
    plan = plan_train(train_spec(binary, budget=Budget(max_time="3h", max_cost_usd=50)), settings())
    assert 2000 < plan.limits_sent["trainBudgetMilliNodeHours"] < 2400


def test_expected_usage_is_in_order(binary):
    usage = plan_train(train_spec(binary, budget=Budget(max_time="4h")), settings()).usage
    totals = [sum(item.quantity for item in part.items) for part in (usage.low, usage.likely, usage.high, usage.worst)]
    assert totals == sorted(totals)


@pytest.mark.parametrize(
    ("changes", "limit"),
    [
        ({"labels": {str(n): "" for n in range(63)}}, "vertex.all.max_labels"),
        ({"labels": {"x" * 65: ""}}, "vertex.all.label_length"),
        ({"labels": {"x": "y" * 65}}, "vertex.all.label_length"),
        ({"labels": {"Team": "x"}}, "vertex.all.label_pattern"),
        ({"labels": {"team": "a b"}}, "vertex.all.label_pattern"),
    ],
)
def test_labels_that_the_service_refuses(binary, changes, limit):
    with pytest.raises(LimitError) as caught:
        plan_train(train_spec(binary), settings(**changes))
    assert caught.value.limit == limit
    assert caught.value.source == TABLE.rows[limit].source


@pytest.mark.parametrize(
    ("profile", "limit"),
    [
        ({"rows": {"train": 100_000_001}}, "vertex.tabular.max_rows"),
        ({"bytes": 101 * 10**9}, "vertex.tabular.max_gb"),
        ({"classes": tuple(range(501))}, "vertex.tabular.max_classes"),
        ({"classes": ("one",)}, "vertex.tabular.min_classes"),
    ],
)
def test_tables_that_the_service_refuses(binary, profile, limit):
    with pytest.raises(LimitError) as caught:
        plan_train(changed(train_spec(binary), **profile), settings())
    assert caught.value.limit == limit


def test_too_many_columns(binary):
    spec = train_spec(binary)
    feature = spec.profile.features[0]
    many = tuple(feature.model_copy(update={"safe_name": f"x{n}"}) for n in range(1000))
    with pytest.raises(LimitError) as caught:
        plan_train(changed(spec, columns=(*spec.profile.columns, *many)), settings())
    assert caught.value.limit == "vertex.tabular.max_columns"


@pytest.mark.parametrize(
    ("forecast", "extra", "limit"),
    [
        ({"freq": "QS"}, {}, "vertex.forecasting.granularity"),
        ({"horizon": 2000}, {}, "vertex.forecasting.max_series_length"),
        ({"horizon": 10}, {"context_window": 2995}, "vertex.forecasting.max_series_length"),
        ({"quantiles": (0.1, 0.2, 0.3, 0.4, 0.5, 0.6)}, {}, "vertex.forecasting.quantiles"),
    ],
)
def test_forecasts_that_the_service_refuses(forecast, extra, limit):
    built = series()
    spec = train_spec(built, task=Task.FORECASTING, metric="mase")
    spec = spec.model_copy(update={"forecast": spec.forecast.model_copy(update=forecast)})
    with pytest.raises(LimitError) as caught:
        plan_train(spec, settings(**extra))
    assert caught.value.limit == limit


def test_texts_beside_a_series_and_several_windows_are_refused():
    spec = train_spec(series(), task=Task.FORECASTING, metric="mase")
    texts = tuple(
        column.model_copy(update={"kind": Kind.TEXT}) if column.name == "rain" else column
        for column in spec.profile.columns
    )
    with pytest.raises(LimitError) as caught:
        plan_train(changed(spec, columns=texts), settings())
    assert caught.value.limit == "vertex.forecasting.text"
    several = spec.model_copy(update={"forecast": spec.forecast.model_copy(update={"windows": 3})})
    with pytest.raises(UnsupportedError, match="3 windows"):
        plan_train(several, settings())


def test_images_that_the_service_refuses():
    spec = train_spec(pictures(), task=Task.IMAGE_CLASSIFICATION, metric="accuracy")
    with pytest.raises(LimitError) as caught:
        plan_train(changed(spec, class_counts=(200, 9)), settings())
    assert caught.value.limit == "vertex.image.min_per_label"
    with pytest.raises(LimitError) as caught:
        plan_train(changed(spec, rows={"train": 1_000_001}), settings())
    assert caught.value.limit == "vertex.image.max_images"
    with pytest.raises(SchemaError, match="exactly one column of images"):
        plan_train(changed(spec, columns=spec.profile.with_role("target")), settings())
    uneven = plan_train(changed(spec, class_counts=(5000, 40)), settings())
    assert any("100 times" in note for note in uneven.notes)


def test_an_image_that_could_be_trained_on_but_not_predicted_is_found_before_it_is_paid_for():
    spec = train_spec(pictures(), task=Task.IMAGE_CLASSIFICATION, metric="accuracy")
    (feature,) = spec.profile.features
    large = feature.model_copy(update={"image": feature.image.model_copy(update={"max_bytes": 2_000_000})})
    columns = tuple(large if column == feature else column for column in spec.profile.columns)
    with pytest.raises(LimitError) as caught:
        plan_train(changed(spec, columns=columns), settings())
    assert caught.value.limit == "vertex.image.predict_max_mb"


def test_tasks_that_it_cannot_do_say_why(backend, binary):
    for task in Task:
        reason = backend.capabilities.reason(task)
        if reason is not None:
            with pytest.raises(UnsupportedError) as caught:
                backend.plan(train_spec(binary, task=task))
            assert reason in str(caught.value)
    assert "2025-06-15" in backend.capabilities.reason(Task.TEXT_CLASSIFICATION)
    assert backend.capabilities.supports(Feature.GUARANTEED_CAP)


def test_without_project_and_bucket_a_plan_says_so(binary):
    plan = plan_train(train_spec(binary), settings(project=None, bucket=None))
    assert any("project and bucket must be set" in note for note in plan.notes)


def test_a_key_of_another_location_and_one_that_is_none(binary):
    with pytest.raises(ConfigError, match="is not the name of a key"):
        plan_train(train_spec(binary), settings(kms_key="k"))
    elsewhere = "projects/p/locations/europe-west4/keyRings/r/cryptoKeys/k"
    with pytest.raises(ConfigError, match="the key is in europe-west4, the jobs would run in us-central1"):
        plan_train(train_spec(binary), settings(kms_key=elsewhere))


def test_a_model_of_another_backend_or_place_does_not_predict(binary):
    spec = predict_spec(binary)
    with pytest.raises(UnsupportedError, match="that it trained itself"):
        plan_predict(spec.model_copy(update={"model": model_ref(model="")}), settings())
    with pytest.raises(UnsupportedError, match="the model is in us-central1, the job would run in europe-west4"):
        plan_predict(spec, settings(location="europe-west4"))


def test_what_a_forecast_of_new_rows_costs_is_known_to_the_point():
    from automl_bridge.data.series_context import holdout_question

    asked = holdout_question(series())
    spec = predict_spec(series(), new=asked, task=Task.FORECASTING, metric="mase", budget=Budget(max_cost_usd=1))
    plan = plan_predict(spec, settings())
    assert plan.cap.kind == "guaranteed"
    assert cost_of(plan.usage.worst, prices()).usd == pytest.approx(8 * 14 / 1000 * 0.2)


def test_a_table_that_is_predicted_has_no_limit_and_the_plan_says_so(binary):
    plan = plan_predict(predict_spec(binary, budget=Budget(max_cost_usd=1)), settings())
    assert plan.cap.kind == "watched"
    assert "one n1-standard-4" in plan.cap.because
    assert plan.usage.worst is None


def test_weights_and_rare_classes_are_in_the_plan():
    weighted = dataset(weight=np.ones(2000))[1]
    plan = plan_train(train_spec(weighted), settings())
    assert plan.request["CreateTrainingPipeline"]["trainingPipeline"]["trainingTaskInputs"]["weightColumnName"]
    rare = changed(train_spec(weighted), class_counts=(1995, 5))
    assert any("may be missing from its own test rows" in note for note in plan_train(rare, settings()).notes)
