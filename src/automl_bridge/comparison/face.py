"""`compare`: one job at several backends, from Python."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from automl_bridge.budget import Budget

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from automl_bridge.comparison.result import Comparison
    from automl_bridge.config import Config
    from automl_bridge.task import Task

__all__ = ["compare", "resume"]


def compare(  # noqa: PLR0913 - one parameter for each thing that a comparison can be told
    data: Any,
    y: Any = None,
    *,
    target: str | Sequence[str] | None = None,
    backends: Sequence[str],
    seeds: int = 1,
    task: str | Task | None = None,
    metric: str | None = None,
    budget: Budget | Mapping[str, Any] | None = None,
    max_cost_usd: float | None = None,
    cap: str | None = None,
    objective: str | None = None,
    holdout: float | None = None,
    validation: float | None = None,
    profile: str | None = None,
    settings: Mapping[str, Mapping[str, Any]] | None = None,
    random_state: int | None = None,
    fresh: bool = False,
    retry: bool = False,
    verbose: bool | None = None,
    **columns: Any,
) -> Comparison:
    """Train on several backends side by side, and say which is better, for how much, and how sure that is.

    All of them get the same rows, are scored on the same holdout by the same scorer, and stand beside the baseline,
    which is always in. Interrupted, or killed, the same call goes on where it was; ended, it returns what came of it.

    Parameters
    ----------
    data, y, target
        As in `Estimator.fit`.
    backends
        Their names. One that refuses the job, or fails, is a row with its reason.
    seeds
        How many seeds each backend gets; with more than one, intervals hold the luck of the search too.
    task, metric, objective, holdout, validation, profile, random_state, verbose
        As in `Estimator`.
    budget
        Limits of each run but the baseline's, as a `Budget` or a mapping of its fields.
    max_cost_usd
        Cap over all runs together, US dollars. Each run gets a share, which its backend guarantees or our engine
        watches.
    cap
        ``any`` or ``strict``: whether only a cap that the service guarantees is good enough.
    settings
        Settings by backend, as ``{"autokeras": {"epochs": 50}}``; over those of the configuration.
    fresh
        Whether to begin anew although the same comparison is in the store.
    retry
        Whether runs that failed in it are tried again.
    columns
        What else `build_dataset` takes: ``types``, ``weight``, ``group``, ``time``, ``forecast``, ``bad_images``.

    Returns
    -------
    Comparison
        ``to_frame()``, ``report("report.html")``, ``verdict``, ``standings``, ``pairs``.

    Raises
    ------
    UsageError
        For bad input, a cap that is too little, or if no backend takes the job; before anything is started.

    Examples
    --------
    >>> from automl_bridge import compare
    >>> result = compare("credit.csv", target="status", backends=["autokeras"], max_cost_usd=5)  # doctest: +SKIP
    >>> print(result.verdict)  # doctest: +SKIP
    >>> result.report("report.html")  # doctest: +SKIP
    """
    from automl_bridge.comparison.experiment import prepare
    from automl_bridge.data.build import build_dataset
    from automl_bridge.session import Session

    config = _config(
        budget, profile, settings, metric=metric, objective=objective, cap=cap, seed=random_state, holdout=holdout,
        validation=validation,
    )  # fmt: skip
    _check_names(backends)
    parts: dict[str, Any] = {"holdout": config.holdout, "validation": config.validation, "seed": config.seed}
    learned, dataset = build_dataset(data, y=y, target=target, task=task, **parts, **columns)
    with Session(config) as session:
        spec = session.spec(dataset, task=learned)
        prepared = prepare(
            session, dataset, spec, backends, seeds=seeds, max_cost_usd=max_cost_usd, fresh=fresh, retry=retry
        )
        return _run(session, prepared, config, verbose)


def resume(wanted: str, *, profile: str | None = None, retry: bool = False, verbose: bool | None = None) -> Comparison:
    """Go on with a comparison by its id, or the beginning of it; ended, return what came of it.

    Parameters
    ----------
    wanted
        `Comparison.id`.
    profile, retry, verbose
        As in `compare`.
    """
    from automl_bridge.comparison.experiment import prepare_again
    from automl_bridge.config import load_config
    from automl_bridge.session import Session

    config = load_config(profile=profile)
    with Session(config) as session:
        return _run(session, prepare_again(session, wanted, retry=retry), config, verbose)


def _run(session: Any, prepared: Any, config: Config, verbose: bool | None) -> Comparison:  # noqa: FBT001 - passed on
    from automl_bridge.comparison.experiment import finish, start
    from automl_bridge.reports.compare_live import comparing
    from automl_bridge.session import Session

    _require_mirror(config)
    start(session, prepared)
    with comparing(prepared.experiment, session.price_book, progress=verbose) as on_progress:
        result = finish(session, prepared, lambda: Session(config), on_progress)
    if config.mlflow_tracking_uri:
        from automl_bridge.reports.mlflow_mirror import mirror

        mirror(result, config.mlflow_tracking_uri)
    return result


def _require_mirror(config: Config) -> None:
    """Look whether the result can be mirrored as the configuration wants it, before anything is run."""
    if config.mlflow_tracking_uri:
        from automl_bridge.reports.mlflow_mirror import require_mlflow

        require_mlflow()


def _check_names(backends: Sequence[str]) -> None:
    """Look at every name before the data: reading it may take minutes."""
    from automl_bridge.errors import UsageError
    from automl_bridge.registry import load_class

    if isinstance(backends, str):
        raise UsageError(f'backends "{backends}" is one word', hint=f'give a list: backends=["{backends}"]')
    for name in backends:
        load_class(name, installed=False)


def _config(
    budget: Budget | Mapping[str, Any] | None,
    profile: str | None,
    settings: Mapping[str, Mapping[str, Any]] | None,
    **overrides: Any,
) -> Config:
    from automl_bridge.config import load_config

    if budget is not None:
        limits = budget if isinstance(budget, Budget) else Budget(**budget)
        overrides |= {name: getattr(limits, name) for name in Budget.model_fields}
    config = load_config(profile=profile, overrides=overrides)
    merged = {name: {**config.backends.get(name, {}), **own} for name, own in (settings or {}).items()}
    return config.model_copy(update={"backends": {**config.backends, **merged}}) if merged else config
