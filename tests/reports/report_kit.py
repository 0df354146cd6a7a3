"""Comparisons made by hand: real data and real outputs, without any run."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pandas as pd

from automl_bridge.backend import Trial
from automl_bridge.budget import Budget
from automl_bridge.comparison.result import judged
from automl_bridge.comparison.rows import RunRow
from automl_bridge.costs.cost import Cost, CostLine
from automl_bridge.costs.estimate import Estimate
from automl_bridge.data.build import build_dataset
from automl_bridge.metrics import default_metric
from automl_bridge.runs.experiments import Experiment, Latency, Member
from automl_bridge.runs.specs import make_spec
from automl_bridge.scoring import all_scores, confidence_interval

SCRIPT = "<script>alert('x')</script>"
MARKUP = f'{SCRIPT}"&amp;<img src=x onerror=alert(1)>'


def cost(usd, part="training", region="us-east-1", sku="Training:ml.m5.4xlarge"):
    quantity = (usd or 1.0) / 0.922
    line = CostLine(part=part, sku=sku, region=region, unit="instance-hour", quantity=quantity)
    if usd is None:
        return Cost(lines=(line.model_copy(update={"unknown": f"no price is known for {sku}"}),))
    known = {"billed": quantity, "usd": usd, "usd_per_unit": 0.922, "price_date": "2026-09-24"}
    return Cost(lines=(line.model_copy(update={**known, "source_url": "https://example.com/prices"}),))


def outputs_of(targets, classes, quality, rng):
    """Return outputs of a model; the larger ``quality``, the nearer to the truth."""
    if not classes:
        return targets + rng.normal(size=targets.shape) * (1 - quality)
    scores = rng.normal(size=(len(targets), classes))
    scores[np.arange(len(targets)), targets] += 3 * quality
    likely = np.exp(scores)
    return likely / likely.sum(axis=1, keepdims=True)


def comparison_of(
    folder, table, target, backends, *, task=None, name="credit.csv", seeds=1, trials=3, notes=(), settings=None,
):  # fmt: skip
    """Compare made-up outputs on a real holdout.

    Parameters
    ----------
    backends
        By name: quality in [0, 1] (None: it failed), dollars a run, and whether a sandbox ran it.
    """
    folder.mkdir(exist_ok=True)
    learned, dataset = build_dataset(table, target=target, task=task, seed=0, name=name)
    dataset = dataset.save(folder / "datasets")
    classes = len(dataset.profile.classes)
    spec = make_spec("ab-report", dataset.profile, task=learned, target=None, metric=None, budget=Budget(max_time="1h"))
    metric = default_metric(learned, classes)
    targets = dataset.target_codes("holdout") if classes else dataset.target_values("holdout")
    rows, members, paths = [], [], {}
    for place, (backend, (quality, usd, sandbox)) in enumerate(backends.items()):
        for seed in range(seeds):
            run = f"{place:06x}{seed:06x}"
            members.append(Member(backend=backend, seed=seed, run=run))
            common = {"backend": backend, "seed": seed, "run": run, "sandbox": sandbox}
            if quality is None:
                rows.append(RunRow(**common, state="failed", reason=f"quota: none left {MARKUP}", cost=cost(usd)))
                continue
            outputs = outputs_of(targets, classes, quality, np.random.default_rng((place, seed)))
            paths[run] = folder / f"{run}.npy"
            np.save(paths[run], outputs)
            interval = confidence_interval(metric, outputs, targets, resamples=200)
            expected = {"low": cost(usd and usd / 2), "likely": cost(usd), "high": cost(usd and 2 * usd)}
            made = [Trial(id=str(n), model=f"model {n} {MARKUP}", score=0.5, seconds=9.0 + n) for n in range(trials)]
            rows.append(
                RunRow(
                    **common,
                    state="succeeded",
                    score=interval.value,
                    low=interval.low,
                    high=interval.high,
                    scores=all_scores(learned, outputs, targets),
                    trials=tuple(made),
                    seconds=60.0 * (place + 1),
                    training_seconds=50.0 * (place + 1) ** 3,
                    predict_seconds=2.0,
                    cost=Cost(lines=cost(usd).lines + cost(usd and usd / 10, part="prediction").lines),
                    estimate=Estimate(**expected),
                    objective=metric,
                    versions={backend: "1.0", f"lib {MARKUP}": "2.0"},
                    notes=(f"a note of {backend} {MARKUP}",),
                    verified="runs on this machine",
                )
            )
    experiment = Experiment(
        id="0123456789ab",
        created=datetime(2026, 11, 1, tzinfo=UTC),
        spec=spec,
        dataset=dataset.path,
        members=tuple(members),
        max_cost_usd=30.0,
        settings=settings or {},
        notes=(*dataset.notes, *notes),
        latency={"baseline": Latency(seconds=0.004, calls=30)},
    )
    return judged(experiment, rows, paths)


def loans(rows=400, classes=("good", "bad"), target="status", column="income"):
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            column: rng.normal(size=rows),
            "age": rng.integers(18, 80, rows),
            target: rng.choice(list(classes), rows, p=[0.6, *[0.4 / (len(classes) - 1)] * (len(classes) - 1)]),
        }
    )


USUAL = {
    "baseline": (0.50, 0.0001, False),
    "autokeras": (0.56, 0.01, False),
    "sagemaker": (0.55, 2.10, True),
    "vertex": (0.75, 21.25, True),
    "azure": (None, 0.2, True),
}
