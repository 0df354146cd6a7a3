"""The search itself: reads what is in the storage, trains, and scores as AutoML logs it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from automl_bridge.sandbox.trainers import UnusableDataError
from automl_bridge_azure.sandbox.mltable import read_mltable
from automl_bridge_azure.sandbox.training_deep import search_images, search_texts
from automl_bridge_azure.sandbox.training_series import search_series
from automl_bridge_azure.sandbox.training_tables import search_tables

if TYPE_CHECKING:
    from automl_bridge_azure.sandbox.request import Request
    from automl_bridge_azure.sandbox.trials import Search
    from automl_bridge_azure.sandbox.world import World

__all__ = ["run_search"]

SEARCHES = {"image": search_images, "text": search_texts, "forecasting": search_series}


def run_search(world: World, request: Request, count: int) -> Search:
    """Read the data and train ``count`` models, and ensembles of them where they are wanted.

    Raises
    ------
    UnusableDataError
        For data that the service would give up on.
    """
    train = read_mltable(world, request.uri("trainingData") or "")
    uri = request.uri("validationData")
    validation = None if uri is None else read_mltable(world, uri)
    target = str(request.details["targetColumnName"])
    if target not in train.columns:
        raise UnusableDataError(f"The specified target column '{target}' was not found in the training data.")
    if validation is not None and not set(train.columns) <= set(validation.columns):
        raise UnusableDataError("The training columns must all be in the validation data.")
    search = SEARCHES.get(request.task, search_tables)
    found = search(world, request, train, validation, target, count)
    found.columns = [name for name in train.columns if name != target]
    found.types = train.types
    return found
