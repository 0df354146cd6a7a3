"""DatasetService: datasets of tables, series and images; imports of images."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from automl_bridge_vertex.sandbox.errors import FieldErrors, failed_precondition, invalid, unimplemented
from automl_bridge_vertex.sandbox.fields import check_common, check_labels, stamp
from automl_bridge_vertex.sandbox.images import Item, read_import
from automl_bridge_vertex.sandbox.listing import page, select
from automl_bridge_vertex.sandbox.operations import begin, begin_delete
from automl_bridge_vertex.sandbox.routes import message

if TYPE_CHECKING:
    from automl_bridge_vertex.sandbox.world import World

__all__ = ["OPERATIONS", "Dataset"]

PREFIX = "gs://google-cloud-aiplatform/schema/dataset/"
KINDS = {f"{PREFIX}metadata/{kind}_1.0.0.yaml": kind for kind in ("tabular", "time_series", "image", "text", "video")}
IMPORTS = {
    f"{PREFIX}ioformat/image_classification_single_label_io_format_1.0.0.yaml": "single",
    f"{PREFIX}ioformat/image_classification_multi_label_io_format_1.0.0.yaml": "multi",
}
CREATE_SECONDS = 10.0
IMPORT_SECONDS = 120.0
LARGEST_IMPORT = 1_000_000  # images in a dataset, VX-IMG-9


@dataclass
class Dataset:
    """A dataset: its message, and for images the data items that were imported."""

    message: Any
    kind: str
    created: float
    items: dict[str, Item] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Its resource name."""
        return str(self.message.name)

    @property
    def sources(self) -> list[str]:
        """Addresses of the objects that a table is read from."""
        config = _plain(self.message.metadata).get("inputConfig", {})
        uri = config.get("gcsSource", {}).get("uri", [])
        return [uri] if isinstance(uri, str) else list(uri)


def _plain(value: Any) -> dict[str, Any]:
    from google.protobuf import json_format

    found = json_format.MessageToDict(value) if value.ByteSize() else {}
    return dict(found) if isinstance(found, dict) else {}


def create_dataset(world: World, request: Any) -> Any:
    """Answer CreateDataset."""
    parent = world.names.parent(request.parent)
    asked = request.dataset
    errors = FieldErrors()
    check_common(errors, "dataset", asked)
    kind = KINDS.get(asked.metadata_schema_uri, "")
    if not asked.metadata_schema_uri:
        errors.add("dataset.metadata_schema_uri", "Required field is not set.")
    elif not kind:
        errors.add("dataset.metadata_schema_uri", f"Unsupported schema: {asked.metadata_schema_uri}.")
    errors.raise_if_any()
    if kind in {"text", "video"}:
        raise failed_precondition(f"AutoML {kind} datasets are no longer supported.")
    if kind in {"tabular", "time_series"}:
        _check_table(world, asked, parent.location)
    now = world.clock.time()
    made = message("Dataset")()
    made.CopyFrom(asked)
    made.name = f"{parent}/datasets/{world.names.new_id()}"
    made.etag = world.names.new_id()[:12]
    stamp(made.create_time, now)
    stamp(made.update_time, now)
    world.datasets[made.name] = Dataset(made, kind, now)
    metadata = message("CreateDatasetOperationMetadata")()
    return begin(world, made.name, metadata, lambda: _copy(made), seconds=CREATE_SECONDS)


def _copy(held: Any) -> Any:
    copied = type(held)()
    copied.CopyFrom(held)
    return copied


def _check_table(world: World, asked: Any, location: str) -> None:
    """Refuse a table without a source, or with one that is out of reach; whether it is a table is seen in training."""
    config = _plain(asked.metadata).get("inputConfig")
    field = "dataset.metadata"
    if not isinstance(config, dict) or len(config) != 1 or not set(config) <= {"gcsSource", "bigquerySource"}:
        raise invalid(f"List of found errors:\t1.Field: {field}; Message: inputConfig must hold one source.\t")
    if "bigquerySource" in config:
        raise unimplemented("A BigQuery source")
    uris = config["gcsSource"].get("uri") if isinstance(config["gcsSource"], dict) else None
    uris = [uris] if isinstance(uris, str) else uris
    if not uris or not all(isinstance(uri, str) for uri in uris):
        raise invalid(f"List of found errors:\t1.Field: {field}; Message: gcsSource.uri is not set.\t")
    for uri in uris:
        world.store.check_bucket(uri, location)


def get_dataset(world: World, request: Any) -> Any:
    """Answer GetDataset."""
    return world.find(world.datasets, request.name, "Dataset").message


def list_datasets(world: World, request: Any) -> Any:
    """Answer ListDatasets."""
    rows = [dataset.message for dataset in world.listed(world.datasets, request.parent)]
    order = frozenset({"display_name", "create_time", "update_time"})
    kept = select(rows, frozenset({"display_name", "metadata_schema_uri"}), request, order=order)
    return page(kept, request, message("ListDatasetsResponse")(), "datasets")


def update_dataset(world: World, request: Any) -> Any:
    """Answer UpdateDataset: display name, description and labels."""
    dataset = world.find(world.datasets, request.dataset.name, "Dataset")
    paths = set(request.update_mask.paths) or {"display_name", "description", "labels"}
    if not paths <= {"display_name", "description", "labels"}:
        raise invalid("Updatable fields are display_name, description and labels.")
    errors = FieldErrors()
    check_labels(errors, "dataset.labels", request.dataset.labels)
    errors.raise_if_any()
    for path in paths - {"labels"}:
        setattr(dataset.message, path, getattr(request.dataset, path))
    if "labels" in paths:
        dataset.message.labels.clear()
        dataset.message.labels.update(request.dataset.labels)
    stamp(dataset.message.update_time, world.clock.time())
    return dataset.message


def delete_dataset(world: World, request: Any) -> Any:
    """Answer DeleteDataset; one that is being trained on stays."""
    dataset = world.find(world.datasets, request.name, "Dataset")
    users = [job.name for job in world.pipelines.values() if job.ended is None and job.dataset is dataset]
    if users:
        raise failed_precondition(f"The Dataset is in use by the TrainingPipeline {users[0]}.")
    return begin_delete(world, dataset.name, lambda: _remove(world, dataset))


def _remove(world: World, dataset: Dataset) -> None:
    world.datasets.pop(dataset.name, None)


def import_data(world: World, request: Any) -> Any:
    """Answer ImportData: the files are read when the operation ends."""
    dataset = world.find(world.datasets, request.name, "Dataset")
    location = dataset.name.split("/")[3]
    if dataset.kind != "image":
        raise failed_precondition("Import is not supported for this dataset: its data is set by its metadata.")
    if not request.import_configs:
        raise invalid("List of found errors:\t1.Field: import_configs; Message: Required field is not set.\t")
    for config in request.import_configs:
        if config.import_schema_uri not in IMPORTS:
            field = "import_configs.import_schema_uri"
            text = f"Unsupported schema: {config.import_schema_uri or 'none'}"
            raise invalid(f"List of found errors:\t1.Field: {field}; Message: {text}.\t")
        if not config.gcs_source.uris:
            raise invalid("List of found errors:\t1.Field: import_configs.gcs_source; Message: it has no uris.\t")
        for uri in config.gcs_source.uris:
            world.store.check_bucket(uri, location)
    metadata = message("ImportDataOperationMetadata")()
    configs = list(request.import_configs)
    return begin(
        world, dataset.name, metadata, lambda: _import(world, dataset, configs, metadata), seconds=IMPORT_SECONDS
    )


def _import(world: World, dataset: Dataset, configs: list[Any], metadata: Any) -> Any:
    found: dict[str, Item] = {}
    problems: list[str] = []
    for config in configs:
        single = IMPORTS[config.import_schema_uri] == "single"
        items, wrong = read_import(
            world.store, list(config.gcs_source.uris), dict(config.data_item_labels), single=single
        )
        found |= items
        problems += wrong
    for text in problems[:20]:
        metadata.generic_metadata.partial_failures.add(code=3, message=text)
    if not found:
        raise invalid(f"The import failed: no file could be imported. {' '.join(problems[:3])}")
    if len(dataset.items.keys() | found.keys()) > LARGEST_IMPORT:
        raise invalid(f"A dataset holds at most {LARGEST_IMPORT} images.")
    dataset.items |= found
    dataset.message.data_item_count = len(dataset.items)
    stamp(dataset.message.update_time, world.clock.time())
    return message("ImportDataResponse")()


OPERATIONS: dict[str, Any] = {
    "CreateDataset": create_dataset,
    "GetDataset": get_dataset,
    "ListDatasets": list_datasets,
    "UpdateDataset": update_dataset,
    "DeleteDataset": delete_dataset,
    "ImportData": import_data,
}
