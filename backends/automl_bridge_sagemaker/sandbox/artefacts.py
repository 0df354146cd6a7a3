"""Model artefacts as Autopilot leaves them: where, in which containers, and how they are read again."""

from __future__ import annotations

import io
import tarfile
from typing import TYPE_CHECKING, Any

from automl_bridge.sandbox.trainers import load_model
from automl_bridge_sagemaker.sandbox.protocol import AwsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from automl_bridge.sandbox.trainers import Model, SeriesModel
    from automl_bridge_sagemaker.sandbox.store import Store

__all__ = ["containers_of", "load_pipeline", "pack", "unpack"]

REGISTRY = {"us-west-2": "246618743249", "us-east-1": "683313688378"}
SERVE = {"SAGEMAKER_PROGRAM": "sagemaker_serve", "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code"}
ALL_KEYS = "predicted_label,probability,probabilities,labels"


def pack(files: Mapping[str, bytes]) -> bytes:
    """Return files as ``model.tar.gz``; the same files, the same bytes."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", compresslevel=1) as archive:
        for name, content in sorted(files.items()):
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def unpack(content: bytes) -> dict[str, bytes]:
    """Return the plain files of a ``model.tar.gz``, in memory."""
    with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as archive:
        files = {}
        for entry in archive:
            stream = archive.extractfile(entry) if entry.isfile() else None
            if stream is not None:
                files[entry.name] = stream.read()
        return files


def containers_of(
    kind: str, mode: str, algorithm: str, region: str, urls: tuple[str, str], *, classes: bool
) -> list[dict[str, Any]]:
    """Return the inference containers of a candidate.

    Parameters
    ----------
    kind
        ``table``, ``text``, ``image`` or ``series``.
    mode
        ``HYPERPARAMETER_TUNING`` has three containers for a classification and two for a regression; every
        other has one.
    algorithm
        As in the image's name.
    urls
        Artefact of the data processing (HPO only) and of the model.
    """
    registry = f"{REGISTRY.get(region, '348316444620')}.dkr.ecr.{region}.amazonaws.com"
    processing, model = urls
    accept = {"SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT": "text/csv"}
    if kind == "series":
        return [_container(f"{registry}/sagemaker-autopilot-forecasting:1.0-cpu-py3", model, {**accept, **SERVE})]
    chosen = {"SAGEMAKER_INFERENCE_OUTPUT": "predicted_label"}
    if mode != "HYPERPARAMETER_TUNING":
        supported = ALL_KEYS if classes else "predicted_label"
        env = {**accept, **chosen, "SAGEMAKER_INFERENCE_SUPPORTED": supported, **SERVE}
        if kind == "table":
            env["MODEL_NAME"] = "WeightedEnsemble_L2"
        return [_container(f"{registry}/sagemaker-autopilot-{kind}:1.0-cpu-py3", model, env)]
    sklearn = f"{registry}/sagemaker-sklearn-automl:2.5-1-cpu-py3"
    first = {
        "AUTOML_SPARSE_ENCODE_RECORDIO_PROTOBUF": "1",
        "AUTOML_TRANSFORM_MODE": "feature-transform",
        "SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT": "application/x-recordio-protobuf",
        **SERVE,
    }
    second = {"MAX_CONTENT_LENGTH": "20971520", **accept}
    third = {
        "AUTOML_TRANSFORM_MODE": "inverse-label-transform",
        **accept,
        "SAGEMAKER_INFERENCE_INPUT": "predicted_label",
        **chosen,
        "SAGEMAKER_INFERENCE_SUPPORTED": "predicted_label,probability,labels,probabilities",
        **SERVE,
    }
    if classes:
        second |= {**chosen, "SAGEMAKER_INFERENCE_SUPPORTED": "predicted_label,probability,probabilities"}
    found = [_container(sklearn, processing, first)]
    found.append(_container(f"{registry}/sagemaker-{algorithm}:1.3-1-cpu-py3", model, second))
    return [*found, _container(sklearn, processing, third)] if classes else found


def _container(image: str, url: str, environment: dict[str, str]) -> dict[str, Any]:
    return {"Image": image, "ModelDataUrl": url, "Environment": environment}


def load_pipeline(store: Store, containers: list[dict[str, Any]]) -> Model | SeriesModel:
    """Read the model that a list of containers holds between them."""
    files: dict[str, bytes] = {}
    for container in containers:
        url = container.get("ModelDataUrl")
        if url and not store.exists(url):
            raise AwsError("ModelError", f"Could not download the model artifact {url}: it does not exist")
        if url:
            files |= unpack(store.read(url))
    return load_model(files)
