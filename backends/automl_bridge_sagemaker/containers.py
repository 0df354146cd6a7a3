"""Inference containers of a candidate, and how they are asked for probabilities.

Source: "Configure inference output in generated containers",
https://docs.aws.amazon.com/sagemaker/latest/dg/autopilot-automate-model-development-container-output.html.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from automl_bridge.errors import RejectedError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["containers_of", "with_probabilities"]

_WANTED = ("predicted_label", "probabilities", "labels")
_OUTPUT, _INPUT, _SUPPORTED = "SAGEMAKER_INFERENCE_OUTPUT", "SAGEMAKER_INFERENCE_INPUT", "SAGEMAKER_INFERENCE_SUPPORTED"


def containers_of(candidate: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the container definitions of a candidate, as CreateModel takes them; empty if it has none.

    Tables have ``InferenceContainers``; images and text have ``InferenceContainerDefinitions``, one list a kind of
    processor, of which the CPU's is taken where there is one.
    """
    found: Sequence[Mapping[str, Any]] = candidate.get("InferenceContainers") or ()
    if not found:
        by_processor = candidate.get("InferenceContainerDefinitions") or {}
        found = by_processor.get("CPU") or by_processor.get("GPU") or ()
    return [
        {"Image": one["Image"], "ModelDataUrl": one["ModelDataUrl"], "Environment": dict(one.get("Environment") or {})}
        for one in found
    ]


def with_probabilities(containers: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the containers, asked for the predicted label, the probabilities and the labels' order.

    One container (ensembling) is asked itself. Of three (hyperparameter tuning) the second computes and the third
    turns labels back: the second is not asked for ``labels``, and what it puts out is what the third takes in.
    Only what a container says it supports is asked of it.

    Raises
    ------
    RejectedError
        If the containers cannot give probabilities with the order of the labels.
    """
    changed = [{**one, "Environment": dict(one["Environment"])} for one in containers]
    if len(changed) == 1:
        given = _ask(changed[0], _WANTED)
    elif len(changed) == 3:
        passed = _ask(changed[1], _WANTED[:2])
        changed[2]["Environment"][_INPUT] = ",".join(passed)
        given = _ask(changed[2], _WANTED)
    else:
        raise RejectedError(f"a classifier of {len(changed)} containers is not known; 1 or 3 are documented")
    if not {"probabilities", "labels"} <= set(given):
        raise RejectedError(f"the model's containers give {', '.join(given) or 'nothing'}, but no probabilities")
    return changed


def _ask(container: dict[str, Any], wanted: Sequence[str]) -> list[str]:
    environment = container["Environment"]
    listed = environment.get(_SUPPORTED)
    supported = [key.strip() for key in listed.split(",")] if listed else list(wanted)
    asked = [key for key in wanted if key in supported]
    environment[_OUTPUT] = ",".join(asked)
    return asked
